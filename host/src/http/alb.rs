//! Application Load Balancers, with a Lambda function as target:
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>.
//!
//! - The path and the query's names and values are as the client sent them: "If the query parameters are URL-encoded, the load
//!   balancer does not decode them."
//! - With multi-value headers enabled, the event has `multiValueHeaders` and `multiValueQueryStringParameters`, and the answer
//!   has to have `multiValueHeaders`; else both have the single ones, with the last value of each name.
//! - The client's address is the last in `X-Forwarded-For`, behind what the client sent
//!   (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html>).
//! - `statusDescription` is the status with its reason phrase.
//! - Without multi-value headers an answer has no place for a second cookie. Each gets a name in other capitals, which several
//!   adapters do (<https://github.com/Kludex/mangum/pull/186>), and AWS does not promise.

use super::answer::Answer;
use super::draft::{Draft, all, forwarded_for};
use super::event::{Context, Event};
use super::members::Members;
use super::percent::Coding;
use super::query::Query;
use super::response::Checked;
use super::{EventError, Request, Source};
use crate::failure::Failure;

/// The request in an event of a load balancer, unless that is malformed.
pub fn request<'a>(mut event: Event<'a>, context: Context<'a>) -> Result<Request<'a>, EventError> {
    let multi_value = event.multi_value_headers.is_some();
    let headers = all(event.multi_value_headers.take(), event.headers.take());
    let draft = Draft {
        source: Source::Alb { multi_value },
        method: event.http_method.take(),
        path: event.path.take(),
        path_coding: Coding::Sent,
        query: Query::SentPairs(all(event.multi_value_query.take(), event.query.take())),
        source_ip: forwarded_for(&headers),
        headers,
        route: None,
        user_agent: None,
        identity: None,
        authorizer: None,
    };
    draft.finish(event, context)
}

/// The answer that a response becomes, where multi-value headers are enabled.
pub fn multi_value_answer(mut response: Checked) -> Answer {
    Answer {
        multi_value_headers: Some(Members(response.take_grouped())),
        status_description: response.status_description(),
        ..Answer::of(response)
    }
}

/// The answer that a response becomes, where each header has one value, unless it sets too many cookies.
pub fn answer(mut response: Checked) -> Result<Answer, Failure> {
    Ok(Answer {
        headers: Some(response.take_single_valued()?),
        status_description: response.status_description(),
        ..Answer::of(response)
    })
}

//! Application Load Balancers, with a Lambda function as target:
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>.
//!
//! - The path and the query's names and values are as the client sent them: "If the query parameters are URL-encoded, the load
//!   balancer does not decode them."
//! - With multi-value headers enabled, the event has `multiValueHeaders` and `multiValueQueryStringParameters`, and the response
//!   has to have `multiValueHeaders`; else both have the single ones, with the last value of each name.
//! - The client's address is the last in `X-Forwarded-For`, behind what the client sent
//!   (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html>).
//! - `statusDescription` is the status with its reason phrase.
//! - Without multi-value headers a response has no place for a second cookie. Each cookie gets a name in other capitals, as in
//!   several adapters (<https://github.com/Kludex/mangum/pull/186>). AWS does not document it.

use super::answer::Answer;
use super::event::{Context, Event};
use super::limits::{Limit, MIB};
use super::members::Members;
use super::percent::Encoding;
use super::query::Query;
use super::request_builder::{RequestBuilder, all, forwarded_for};
use super::response::ValidatedResponse;
use super::source::EventSource;
use super::{EventError, Request};
use crate::failure::Failure;

impl EventSource {
    /// An Application Load Balancer.
    pub(crate) const ALB: &'static Self = &Self {
        name: "Alb",
        sends: |markers| markers.context.elb,
        request,
        answer,
        // "The maximum size of the response JSON that the Lambda function can send is 1 MB":
        // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>.
        limit: Limit {
            largest: MIB,
            source: Some("an Application Load Balancer takes at most 1 MB"),
            text_as_base64: true,
        },
        can_stream: false,
        sets_forwarded_proto: true,
        removes_stage: false,
        trusted_headers: &[
            // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html>
            "x-forwarded-",
            // `x-amzn-trace-id`:
            // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html>
            // `x-amzn-oidc-`:
            // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html>
            // `x-amzn-mtls-`:
            // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html>
            // `x-amzn-tls-`:
            // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
            "x-amzn-",
        ],
    };

    /// An Application Load Balancer whose target group has multi-value headers enabled.
    pub(crate) const ALB_MULTI_VALUE: &'static Self = &Self {
        name: "AlbMultiValue",
        sends: |markers| markers.context.elb && markers.event.multi_value_headers,
        answer: multi_value_answer,
        ..*Self::ALB
    };
}

fn request<'e>(
    source: &'static EventSource,
    mut event: Event<'e>,
    context: Context<'e>,
) -> Result<Request<'e>, EventError> {
    let headers = all(event.multi_value_headers.take(), event.headers.take());
    let builder = RequestBuilder {
        source,
        method: event.http_method.take(),
        path: event.path.take(),
        path_encoding: Encoding::Sent,
        query: Query::SentPairs(all(event.multi_value_query.take(), event.query.take())),
        source_ip: forwarded_for(&headers),
        headers,
        route: None,
        user_agent: None,
        identity: None,
        authorizer: None,
    };
    builder.build(event, context)
}

fn multi_value_answer(mut response: ValidatedResponse) -> Result<Answer, Failure> {
    Ok(Answer {
        multi_value_headers: Some(Members(response.take_grouped())),
        status_description: response.status_description(),
        ..Answer::new(response)
    })
}

/// Makes the response, in which each header has one value.
///
/// # Errors
///
/// Returns an error if the response sets too many cookies.
fn answer(mut response: ValidatedResponse) -> Result<Answer, Failure> {
    Ok(Answer {
        headers: Some(response.take_single_valued()?),
        status_description: response.status_description(),
        ..Answer::new(response)
    })
}

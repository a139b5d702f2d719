//! VPC Lattice, with a Lambda function as target: <https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html>.
//!
//! - There are two event structures: 2.0, which lists the values of each header and parameter, and 1.0, which has one of each
//!   and other names for the fields (`raw_path`, `query_string_parameters`, `is_base64_encoded`).
//! - The page does not say whether the path and the query are decoded. They are taken to be as the client sent them, as AWS's
//!   own runtime for Rust takes them (`lambda_http`, `into_vpc_lattice_request`).
//! - Lattice sets `X-Forwarded-For` and no `X-Forwarded-Proto`.
//! - `requestContext.identity` has the principal, its organization and the VPC, where the service authenticates.
//! - An answer is like a load balancer's: one value for each header, and the same way out for cookies.

use super::answer::Answer;
use super::draft::{Draft, forwarded_for};
use super::event::{Context, Event};
use super::percent::Coding;
use super::query::Query;
use super::response::Checked;
use super::{EventError, Request, Source, identity};
use crate::failure::Failure;

/// The request in an event of Lattice, unless that is malformed.
pub fn request<'a>(
    mut event: Event<'a>,
    mut context: Context<'a>,
) -> Result<Request<'a>, EventError> {
    let headers = event.headers.take().unwrap_or_default();
    let draft = Draft {
        source: Source::Lattice,
        method: event.method.take(),
        path: event.path.take().or(event.raw_path.take()),
        path_coding: Coding::Sent,
        query: Query::SentPairs(event.query.take().unwrap_or_default()),
        source_ip: forwarded_for(&headers),
        headers,
        route: None,
        user_agent: None,
        identity: context.identity.take().and_then(identity::of_request),
        authorizer: None,
    };
    draft.finish(event, context)
}

/// The answer that a response becomes, unless it sets too many cookies.
pub fn answer(mut response: Checked) -> Result<Answer, Failure> {
    Ok(Answer {
        headers: Some(response.take_single_valued()?),
        ..Answer::of(response)
    })
}

//! VPC Lattice, with a Lambda function as target: <https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html>.
//!
//! - There are two event structures: 2.0, which lists the values of each header and parameter, and 1.0, which has one of each
//!   and other names for the fields (`raw_path`, `query_string_parameters`, `is_base64_encoded`).
//! - The page does not say whether the path and the query are decoded. The host takes them as the client sent them, as AWS's
//!   own runtime for Rust does (`lambda_http`, `into_vpc_lattice_request`).
//! - Lattice sets `X-Forwarded-For` and no `X-Forwarded-Proto`.
//! - `requestContext.identity` has the principal, its organization and the VPC, where the service authenticates.
//! - A response is like a load balancer's: one value for each header, and the same names for cookies.

use super::answer::Answer;
use super::event::{Context, Event};
use super::limits::{Limit, MIB};
use super::percent::Encoding;
use super::query::Query;
use super::request_builder::{RequestBuilder, forwarded_for};
use super::response::ValidatedResponse;
use super::source::EventSource;
use super::{EventError, Request, identity};
use crate::failure::Failure;

impl EventSource {
    /// VPC Lattice.
    pub(crate) const LATTICE: &'static Self = &Self {
        name: "Lattice",
        sends: |markers| {
            markers.context.service_network_arn || (markers.event.method && markers.event.raw_path)
        },
        request,
        answer,
        // "The maximum size of the response JSON that the Lambda function can send is 6 MB":
        // <https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html>.
        limit: Limit {
            largest: 6 * MIB,
            source: Some("VPC Lattice takes at most 6 MB"),
            text_as_base64: true,
        },
        can_stream: false,
        sets_forwarded_proto: false,
        removes_stage: false,
        // `x-amzn-lattice-`: <https://docs.aws.amazon.com/vpc-lattice/latest/ug/http-listeners.html>
        trusted_headers: &["x-forwarded-", "x-amzn-"],
    };
}

fn request<'e>(
    source: &'static EventSource,
    mut event: Event<'e>,
    mut context: Context<'e>,
) -> Result<Request<'e>, EventError> {
    let headers = event.headers.take().unwrap_or_default();
    let builder = RequestBuilder {
        source,
        method: event.method.take(),
        path: event.path.take().or(event.raw_path.take()),
        path_encoding: Encoding::Sent,
        query: Query::SentPairs(event.query.take().unwrap_or_default()),
        source_ip: forwarded_for(&headers),
        headers,
        route: None,
        user_agent: None,
        identity: context.identity.take().and_then(identity::from_identity),
        authorizer: None,
    };
    builder.build(event, context)
}

/// Makes the response.
///
/// # Errors
///
/// Returns an error if the response sets too many cookies.
fn answer(mut response: ValidatedResponse) -> Result<Answer, Failure> {
    Ok(Answer {
        headers: Some(response.take_single_valued()?),
        ..Answer::new(response)
    })
}

//! HTTP events and their responses: one file for each event source.
//!
//! [`request()`] finds the source of an event by its fields, and makes a request of the event. The request is the same for all
//! sources. [`EventSource::answer`] turns the response into the JSON that the source reads. The file of each source names AWS's
//! page, and the decisions where that page leaves something open. For all sources:
//!
//! - The path is the path that the event has. [`Request::remove_base_path`] removes the base paths of the policy.
//! - [`Request::path_and_query`] is percent-encoded, as the client sent it if the event still has that form. The record has the
//!   path of the event, and a decoded query.
//! - Text in headers is UTF-8; [`header_text`] says how other bytes are read.
//! - Hop-by-hop headers do not go on to the other side, in either direction.

mod alb;
mod answer;
mod authorizer;
mod body;
mod budget;
pub mod compress;
mod detect;
mod error;
mod event;
mod failed;
mod function_url;
mod http_api;
mod identity;
mod json;
mod lattice;
mod limits;
mod members;
mod payload_2;
mod percent;
mod query;
mod request;
mod request_builder;
mod response;
mod rest_api;
mod source;
mod text;
mod trusted_headers;
pub mod wasi;
mod web_socket;

use std::mem::take;

pub use error::EventError;
pub use failed::{failed_event, failed_status};
pub use request::Request;
pub use response::{BodyLength, unfinished};
pub use source::EventSource;
pub use text::{header_text, is_json};

use self::answer::Answer;
use self::detect::Detected;
use self::limits::Limit;
use self::response::ValidatedResponse;
use crate::bindings::api;
use crate::failure::Failure;

/// The event sources, in the order in which an event is compared with their markers.
const EVENT_SOURCES: [&EventSource; 8] = [
    EventSource::WEB_SOCKET,
    EventSource::FUNCTION_URL,
    EventSource::HTTP_API,
    EventSource::ALB_MULTI_VALUE,
    EventSource::ALB,
    EventSource::LATTICE,
    EventSource::HTTP_API_PAYLOAD_1,
    EventSource::REST_API,
];

/// Returns the request in an event.
///
/// # Errors
///
/// Returns an error if the event is not an HTTP request, or is malformed.
pub fn request(event: &[u8]) -> Result<Request<'_>, EventError> {
    budget::begin(event.len());
    let Detected {
        source,
        event,
        context,
    } = Detected::parse(event)?;
    (source.request)(source, event, context)
}

/// Returns the prelude of a streamed response: the JSON of its head, which eight zero bytes and the body follow. Function URLs and
/// REST APIs read it:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html>,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html>.
///
/// # Errors
///
/// Returns an error if HTTP cannot carry the head, or if it is larger than a whole response may be.
pub fn prelude(head: api::Response) -> Result<Vec<u8>, Failure> {
    let mut head = ValidatedResponse::new(head)?;
    // The length is not known yet, and the event source sends chunks.
    head.headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    let prelude = Answer {
        headers: Some(head.take_joined()),
        cookies: Some(take(&mut head.cookies)),
        ..Answer::without_body(head.status)
    };
    prelude.into_json(&Limit::LAMBDA)
}

#[cfg(test)]
mod tests;

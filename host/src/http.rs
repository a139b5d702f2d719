//! HTTP events and what answers them: one file for each of the front doors that send events to Lambda.
//!
//! [`request()`] finds out by an event's fields which of them sent it, and makes one and the same request of it.
//! [`Source::answer`] turns the response into what that front door understands. Each front door's file says, with AWS's page,
//! what its events leave open and what was decided. What holds for all of them:
//!
//! - The path is the one that the event source names. [`Request::remove_base_path`] removes what the policy says, and nothing
//!   is added.
//! - [`Request::path_and_query`] is percent-encoded, as the client sent it if the event still says how. The record's path is the
//!   event's, and its query is decoded.
//! - Text in headers travels as UTF-8; [`header_text`] says what becomes of other bytes.
//! - Headers of one connection only do not go on to the other side, in either direction.

mod alb;
mod answer;
mod authorizer;
mod body;
mod budget;
pub mod compress;
mod detect;
mod draft;
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
mod response;
mod rest_api;
mod source;
mod text;
mod vouched;
pub mod wasi;

use std::mem::take;

pub use error::EventError;
pub use failed::{failed_event, failed_status};
pub use request::Request;
pub use response::{BodyLength, unfinished};
pub use source::Source;
pub use text::{header_text, is_json};

use self::answer::Answer;
use self::detect::Read;
use self::limits::Limit;
use self::response::Checked;
use crate::bindings::api;
use crate::failure::Failure;

/// The request in an event.
///
/// # Errors
///
/// If the event is no HTTP request, or one that is malformed.
pub fn request(event: &[u8]) -> Result<Request<'_>, EventError> {
    budget::begin(event.len());
    let Read {
        source,
        event,
        context,
    } = detect::read(event)?;
    match source {
        Source::RestApi | Source::HttpApiPayload1 => rest_api::request(source, event, context),
        Source::HttpApi => http_api::request(event, context),
        Source::FunctionUrl => function_url::request(event, context),
        Source::Alb { .. } => alb::request(event, context),
        Source::Lattice => lattice::request(event, context),
        Source::WebSocket => Err(EventError::WebSocket),
    }
}

impl Source {
    /// Whether this front door passes a streamed answer on, or at least understands its prelude:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html>.
    #[must_use]
    pub fn can_stream(self) -> bool {
        matches!(self, Self::FunctionUrl | Self::RestApi)
    }

    /// The answer that a response becomes: JSON.
    ///
    /// # Errors
    ///
    /// If the response is none that HTTP can carry, none that this front door can, or too large for it or Lambda.
    pub fn answer(self, response: api::Response) -> Result<Vec<u8>, Failure> {
        if response.body.len() > self.limit().largest {
            return Err(self.too_large(response.body.len()));
        }
        let response = Checked::new(response)?;
        let answer = match self {
            Self::RestApi | Self::HttpApiPayload1 | Self::WebSocket => rest_api::answer(response),
            Self::HttpApi | Self::FunctionUrl => payload_2::answer(response),
            Self::Alb { multi_value: true } => alb::multi_value_answer(response),
            Self::Alb { multi_value: false } => alb::answer(response)?,
            Self::Lattice => lattice::answer(response)?,
        };
        answer.into_json(self.limit())
    }

    /// The failure that a response of `size` bytes becomes.
    #[must_use]
    pub fn too_large(self, size: usize) -> Failure {
        self.limit().too_large(size)
    }
}

/// What a streamed response starts with, before eight zero bytes and the body: the JSON of its head, whose body is not looked
/// at. Function URLs and REST APIs read it:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html>,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html>.
///
/// # Errors
///
/// If the head is none that HTTP can carry, or is larger than a whole answer may be.
pub fn prelude(head: api::Response) -> Result<Vec<u8>, Failure> {
    let mut head = Checked::new(head)?;
    // Nobody knows yet how long it will be, and the front door sends it in chunks.
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
pub(crate) mod tests;

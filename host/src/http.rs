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
mod event;
mod function_url;
mod http_api;
mod identity;
mod json;
mod lattice;
mod limits;
mod payload_2;
mod percent;
mod query;
mod request;
mod response;
mod rest_api;
mod vouched;
pub mod wasi;

use std::borrow::Cow;
use std::fmt;
use std::mem::take;

use serde::de::IgnoredAny;

pub use request::Request;
pub use response::{BodyLength, unfinished};

use self::answer::Answer;
use self::detect::Read;
use self::limits::Limit;
use self::response::Checked;
use crate::bindings::api;
use crate::failure::Failure;

/// How much of a response's body is kept in the message of the error that it becomes, in bytes.
const KEPT: usize = 8 * 1024;

/// The front door that sent an event, which knows how to answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An API Gateway REST API.
    RestApi,
    /// An HTTP API with payload 1.0, whose events and answers are a REST API's.
    HttpApiPayload1,
    /// An API Gateway HTTP API.
    HttpApi,
    /// A function URL.
    FunctionUrl,
    /// An Application Load Balancer.
    Alb {
        /// Whether its target group has multi-value headers enabled.
        multi_value: bool,
    },
    /// VPC Lattice.
    Lattice,
    /// An API Gateway WebSocket API. Its events are not requests, and their response is a REST API's.
    WebSocket,
}

/// Why no request is made of an event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is not JSON.
    #[error("the event is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// It is JSON, and no front door sent it.
    #[error(
        "this function takes HTTP requests (of API Gateway, a function URL, an Application Load Balancer or VPC Lattice), and the event is none"
    )]
    NotHttp,
    /// It is a WebSocket's, which expects a response of HTTP.
    #[error(
        "this function takes HTTP requests (of API Gateway, a function URL, an Application Load Balancer or VPC Lattice), and the event is a WebSocket's"
    )]
    WebSocket,
    /// A front door sent it, by its fields, and it lacks something or has something of another type.
    #[error("{0}")]
    Malformed(String),
}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Self {
        Self::new("Runtime.InvalidEvent", error.to_string())
    }
}

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

/// A response that counts as a failure: its status, and what fits of its body.
pub fn failed_status(status: u16, body: &[u8]) -> Failure {
    let message = format!(
        "the function answered with the status {status}: {}",
        Start(body)
    );
    Failure::new("Function.HttpStatus", message)
}

/// Returns the failure of an event that is not an HTTP request, and was answered with this status at this path.
pub fn failed_event(path: &str, status: u16, body: &[u8]) -> Failure {
    let body = Start(body).to_string();
    Failure::new(
        "Function.HttpStatus",
        format!(
            "the event is not an HTTP request, so the function received it as `POST {path}`, and answered with the status {status}: {}\nhint: handle `POST {path}` in the function, or set `pass-through-path` in its policy to a path that it handles",
            body.trim_end()
        ),
    )
}

/// The start of a body, as text.
struct Start<'a>(&'a [u8]);

impl fmt::Display for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = &self.0[..self.0.len().min(KEPT)];
        let more = if kept.len() < self.0.len() {
            " …"
        } else {
            ""
        };
        write!(f, "{}{more}", String::from_utf8_lossy(kept))
    }
}

/// A header's value as text: UTF-8, or Latin-1 where it is not, as RFC 9110, 5.5, says that it was once.
pub fn header_text(value: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}

/// Whether bytes are JSON.
pub fn is_json(bytes: &[u8]) -> bool {
    // The parser passes over strings without a look at what they are made of.
    str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// A text for a message: quoted, and only its beginning if it is long. Escaped, it may be ten times as large as it is.
fn quoted(text: &str) -> String {
    let beginning = beginning(text);
    let more = if beginning.len() < text.len() {
        " …"
    } else {
        ""
    };
    format!("{beginning:?}{more}")
}

/// As much of a text as a message repeats.
fn beginning(text: &str) -> &str {
    const LONGEST: usize = 200;
    &text[..text.floor_char_boundary(LONGEST)]
}

/// The first value of a header.
fn find<'h>(headers: &'h [(String, String)], wanted: &str) -> Option<&'h str> {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| &**value)
}

#[cfg(test)]
pub(crate) mod tests;

//! The description of an event source: a value for each, in the source's own file.

use std::fmt;

use super::answer::Answer;
use super::event::{Context, ContextFields, Event, EventFields};
use super::limits::Limit;
use super::response::ValidatedResponse;
use super::{EventError, Request};
use crate::bindings::api;
use crate::failure::Failure;

/// An event source: a service that sends HTTP events to Lambda and reads the responses.
pub struct EventSource {
    /// The name, for tests and debugging.
    pub(super) name: &'static str,
    /// Returns `true` if an event with these markers is of this source. [`super::EVENT_SOURCES`] has the order of the questions.
    pub(super) sends: fn(&Markers<'_>) -> bool,
    /// Makes the request of an event.
    pub(super) request: MakeRequest,
    /// Makes the JSON of a response.
    pub(super) answer: fn(ValidatedResponse) -> Result<Answer, Failure>,
    /// The largest response.
    pub(super) limit: Limit,
    /// Whether the source passes a streamed response on, or at least understands its prelude:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html>.
    pub(super) can_stream: bool,
    /// Whether `X-Forwarded-Proto` is the source's, and not the client's.
    pub(super) sets_forwarded_proto: bool,
    /// Whether the source removes the stage from the path, unless a custom domain name leaves it there.
    pub(super) removes_stage: bool,
    /// The headers that the source sets or checks, in lower case. A name that ends with `-` stands for all that begin with it.
    pub(super) trusted_headers: &'static [&'static str],
}

/// Makes the request of an event of a source.
///
/// # Errors
///
/// Returns an error if the event is malformed.
pub(super) type MakeRequest =
    for<'e> fn(&'static EventSource, Event<'e>, Context<'e>) -> Result<Request<'e>, EventError>;

/// The event sources.
#[derive(Default)]
pub(super) struct Markers<'a> {
    /// The fields that the event has.
    pub event: EventFields,
    /// The fields that its `requestContext` has.
    pub context: ContextFields,
    /// The domain name of `requestContext`, or an empty text.
    pub domain: &'a str,
    /// The version of the event, or an empty text.
    pub version: &'a str,
}

impl EventSource {
    /// Returns `true` if this source passes a streamed response on, or at least understands its prelude.
    #[must_use]
    pub fn can_stream(&self) -> bool {
        self.can_stream
    }

    /// Returns the JSON that a response becomes.
    ///
    /// # Errors
    ///
    /// Returns an error if HTTP or this source cannot carry the response, or if it is too large for the source or Lambda.
    pub fn answer(&self, response: api::Response) -> Result<Vec<u8>, Failure> {
        if response.body.len() > self.limit.largest {
            return Err(self.too_large(response.body.len()));
        }
        let answer = (self.answer)(ValidatedResponse::new(response)?)?;
        answer.into_json(&self.limit)
    }

    /// Returns the failure that a response of `size` bytes becomes.
    #[must_use]
    pub fn too_large(&self, size: usize) -> Failure {
        self.limit.too_large(size)
    }
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for EventSource {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for EventSource {}

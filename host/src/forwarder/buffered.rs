//! A response whose body is collected, and sent when it is complete.

use crate::bindings::api;
use crate::failure::Failure;
use crate::http::compress::Gzip;
use crate::http::{EventSource, failed_event, failed_status, is_json};
use crate::responder::{LARGEST_RESPONSE, too_large};

/// The warning about a response to an event that is not a request.
const NOT_JSON: &str = "the event is not an HTTP request, so the body of the function's response is the invocation's result, and it is not JSON: event sources such as SQS with partial batch responses take it for a failure.\nhint: return JSON, or an empty body, which is sent as null";

/// The form of a response, and what the form needs of the head.
pub(super) enum Kind {
    /// The JSON that an event source of HTTP requests expects.
    Http {
        source: &'static EventSource,
        head: api::Response,
        /// Compresses the body.
        gzip: Option<Box<Gzip>>,
    },
    /// A failure, because of its status.
    FailedStatus { status: u16 },
    /// The body, or a failure if the status is not 2xx.
    Event { path: String, status: u16 },
    /// The body.
    Bytes,
}

/// A response whose body is collected.
pub(super) struct Buffered {
    kind: Kind,
    /// The body, as far as it fits in a response of Lambda's.
    body: Vec<u8>,
}

impl Buffered {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            body: Vec::new(),
        }
    }

    /// Collects a chunk of the body.
    ///
    /// # Errors
    ///
    /// Returns an error if the chunk was not compressed in time.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        if let Kind::Http {
            gzip: Some(gzip), ..
        } = &mut self.kind
        {
            gzip.write(chunk)?;
        }
        let room = LARGEST_RESPONSE - self.body.len();
        self.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        Ok(())
    }

    /// Returns the media type and the bytes of what Lambda gets. `size` is the length of the whole body, and `warn` logs a
    /// warning.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the response is one, or is not one that Lambda or the event source takes.
    pub(super) fn into_response(
        self,
        size: usize,
        warn: impl FnOnce(&str),
    ) -> Result<(&'static str, Vec<u8>), Failure> {
        let is_whole = size <= LARGEST_RESPONSE;
        let whole = |body| match is_whole {
            true => Ok(body),
            false => Err(too_large(size)),
        };
        match self.kind {
            Kind::Http {
                source,
                mut head,
                gzip,
            } => {
                head.body = self.body;
                let is_replaced = gzip.is_some_and(|gzip| gzip.replace(&mut head, size));
                if !is_replaced && !is_whole {
                    return Err(source.too_large(size));
                }
                Ok(("application/json", source.answer(head)?))
            }
            Kind::FailedStatus { status } => Err(failed_status(status, &self.body)),
            Kind::Event { path, status } if !(200..300).contains(&status) => {
                Err(failed_event(&path, status, &self.body))
            }
            Kind::Event { .. } if size == 0 => Ok(("application/json", b"null".to_vec())),
            Kind::Event { .. } => {
                if is_whole && !is_json(&self.body) {
                    warn(NOT_JSON);
                }
                Ok(("application/json", whole(self.body)?))
            }
            Kind::Bytes => Ok(("application/octet-stream", whole(self.body)?)),
        }
    }
}

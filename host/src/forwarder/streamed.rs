//! A response whose chunks leave as they come.

use bytes::Bytes;

use crate::bindings::api;
use crate::failure::Failure;
use crate::http;
use crate::http::compress::{self, Gzip};
use crate::responder::Responder;
use crate::runtime_api::streamed::StreamedResponse;

/// The bytes between the prelude and the body of a streamed HTTP response.
static SEPARATOR: [u8; 8] = [0; 8];

/// A streamed response. It begins with the first byte of its body, or with its end: until then a failure takes its place.
pub(super) struct Streamed {
    stream: Stream,
    /// Compresses the body.
    gzip: Option<Gzip>,
}

enum Stream {
    /// The stream has not begun. A response with a prelude is one of HTTP.
    Idle { prelude: Option<Vec<u8>> },
    /// The stream has begun.
    Open(StreamedResponse),
}

impl Streamed {
    /// Creates the response to an HTTP request.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the head is not one that HTTP or Lambda takes.
    pub(super) fn http(mut head: api::Response, gzip: Option<Gzip>) -> Result<Self, Failure> {
        if gzip.is_some() {
            compress::mark(&mut head, 0);
        }
        let prelude = Some(http::prelude(head)?);
        Ok(Self {
            stream: Stream::Idle { prelude },
            gzip,
        })
    }

    /// Creates a response that is its body alone.
    pub(super) fn bytes() -> Self {
        Self {
            stream: Stream::Idle { prelude: None },
            gzip: None,
        }
    }

    /// Returns the stream, if it has begun.
    pub(super) fn stream_mut(&mut self) -> Option<&mut StreamedResponse> {
        match &mut self.stream {
            Stream::Open(stream) => Some(stream),
            Stream::Idle { .. } => None,
        }
    }

    /// Returns the stream, if it has begun.
    pub(super) fn into_stream(self) -> Option<StreamedResponse> {
        match self.stream {
            Stream::Open(stream) => Some(stream),
            Stream::Idle { .. } => None,
        }
    }

    /// Adds a chunk to what has to leave. Returns whether the response goes on: it does not if the invocation has been
    /// answered.
    ///
    /// # Errors
    ///
    /// Returns an error if the chunk was not compressed in time.
    pub(super) fn push(
        &mut self,
        chunk: Bytes,
        responder: &Responder<'_>,
    ) -> Result<bool, Failure> {
        if let Some(gzip) = &mut self.gzip {
            gzip.write(&chunk)?;
        }
        let gzip = self.gzip.as_mut();
        let chunk = gzip.map_or(chunk, |gzip| gzip.flush().into());
        let stream = open(&mut self.stream, responder);
        Ok(stream.map(|stream| stream.push(chunk)).is_some())
    }

    /// Ends the response. Returns the stream, unless the invocation has been answered.
    pub(super) fn end(mut self, responder: &Responder<'_>) -> Option<StreamedResponse> {
        let rest = self.gzip.take().and_then(Gzip::finish);
        let stream = open(&mut self.stream, responder)?;
        if let Some(rest) = rest {
            stream.push(rest.into());
        }
        stream.end();
        self.into_stream()
    }
}

/// Begins the stream, if it has not begun. Returns `None` if the invocation has been answered.
fn open<'s>(stream: &'s mut Stream, responder: &Responder<'_>) -> Option<&'s mut StreamedResponse> {
    if let Stream::Idle { prelude } = stream {
        let opened = match prelude.take() {
            Some(prelude) => {
                let media_type = "application/vnd.awslambda.http-integration-response";
                let mut stream = responder.stream(media_type)?;
                // In chunks of their own, as AWS's runtimes send them: `cargo lambda watch` relies on it.
                stream.push(prelude.into());
                stream.push(Bytes::from_static(&SEPARATOR));
                stream
            }
            None => responder.stream("application/octet-stream")?,
        };
        *stream = Stream::Open(opened);
    }
    match stream {
        Stream::Open(stream) => Some(stream),
        Stream::Idle { .. } => None,
    }
}

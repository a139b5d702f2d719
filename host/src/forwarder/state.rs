//! The states of a response on its way from the guest to Lambda.

use std::mem::replace;

use bytes::Bytes;
use tokio::sync::oneshot;
use wasmtime_wasi_http::WasiBody;

use super::buffered::Buffered;
use super::streamed::Streamed;
use crate::failure::Failure;
use crate::http::BodyLength;
use crate::responder::Responder;
use crate::runtime_api::streamed::StreamedResponse;

/// The response that a guest hands over, or its error code as text.
pub(crate) type GuestResponse = Result<::http::Response<WasiBody>, String>;

/// The state of a response on its way from the guest to Lambda.
pub(super) enum State {
    /// The guest has not handed over its response.
    AwaitingHead(oneshot::Receiver<GuestResponse>),
    /// The body comes in chunks.
    Receiving {
        body: WasiBody,
        length: BodyLength,
        sink: Sink,
    },
    /// The body has ended. The response, or its end, has not been sent.
    Complete { size: usize, sink: Sink },
    /// The response cannot be completed. The failure has not been sent.
    Broken {
        failure: Failure,
        stream: Option<StreamedResponse>,
    },
    /// The invocation has been answered. The rest of a streamed response leaves.
    Done(Option<StreamedResponse>),
}

/// The destination of a body's chunks.
pub(super) enum Sink {
    Buffered(Buffered),
    Streamed(Box<Streamed>),
}

impl State {
    /// Returns the streamed response if something of it waits to leave.
    pub(super) fn busy_stream(&mut self) -> Option<&mut StreamedResponse> {
        let stream = match self {
            Self::Receiving { sink, .. } | Self::Complete { sink, .. } => match sink {
                Sink::Streamed(streamed) => streamed.stream_mut(),
                Sink::Buffered(_) => None,
            },
            Self::Broken { stream, .. } | Self::Done(stream) => stream.as_mut(),
            Self::AwaitingHead(_) => None,
        };
        stream.filter(|stream| stream.is_busy())
    }

    /// Takes the streamed response out, if it has begun.
    pub(super) fn take_stream(&mut self) -> Option<StreamedResponse> {
        match replace(self, Self::Done(None)) {
            Self::Receiving {
                sink: Sink::Streamed(streamed),
                ..
            }
            | Self::Complete {
                sink: Sink::Streamed(streamed),
                ..
            } => streamed.into_stream(),
            Self::Broken { stream, .. } | Self::Done(stream) => stream,
            Self::AwaitingHead(_) | Self::Receiving { .. } | Self::Complete { .. } => None,
        }
    }

    /// Ends the body that is received.
    pub(super) fn complete(&mut self) {
        *self = match replace(self, Self::Done(None)) {
            Self::Receiving { length, sink, .. } => Self::Complete {
                size: length.received(),
                sink,
            },
            other => other,
        };
    }
}

impl Sink {
    /// Takes a chunk. Returns whether the response goes on: it does not if another thread has answered the invocation.
    pub(super) fn push(
        &mut self,
        chunk: Bytes,
        responder: &Responder<'_>,
    ) -> Result<bool, Failure> {
        match self {
            Self::Buffered(buffered) => buffered.push(&chunk).map(|()| true),
            Self::Streamed(streamed) => streamed.push(chunk, responder),
        }
    }
}

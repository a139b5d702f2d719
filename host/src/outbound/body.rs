//! Bodies: of a response, which is read as the function reads it, and of a request, with what is kept while it is sent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::InFlight;
use super::error::code;

/// A body that comes in, and counts as a request in flight until it is dropped.
pub struct Response {
    body: Incoming,
    between: Option<Between>,
    _in_flight: InFlight,
}

/// The body of a request, as long as it was, and what is kept until it has been sent.
pub struct Keeping<T> {
    body: WasiBody,
    kept: T,
    /// Called when a piece leaves.
    leaves: fn(&T),
}

impl<T> Keeping<T> {
    /// Keeps something with a body.
    #[must_use]
    pub fn new(body: WasiBody, kept: T, leaves: fn(&T)) -> Self {
        Self { body, kept, leaves }
    }
}

/// How long the next piece may take.
struct Between {
    limit: Duration,
    /// Running while a piece is waited for.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Response {
    /// A body each of whose pieces may take this long.
    #[must_use]
    pub fn new(body: Incoming, limit: Option<Duration>, in_flight: InFlight) -> Self {
        Self {
            body,
            between: limit.map(|limit| Between {
                limit,
                waiting: None,
            }),
            _in_flight: in_flight,
        }
    }
}

impl Body for Response {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            if let Some(between) = &mut this.between {
                between.waiting = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| code(&error))));
        }
        let Some(between) = &mut this.between else {
            return Poll::Pending;
        };
        let until = || Box::pin(tokio::time::sleep_until(Instant::now() + between.limit));
        let waiting = between.waiting.get_or_insert_with(until);
        waiting
            .as_mut()
            .poll(context)
            .map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<T: Unpin> Body for Keeping<T> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_some() {
            (self.leaves)(&self.kept);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! The bodies of responses, which are read as the function reads them, and of requests, with the guards that they hold.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, timeout};
use wasmtime_wasi_http::{Error, WasiBody};

use super::error::code;
use super::health::PendingResponse;
use super::in_flight::InFlight;

/// The body of a response. It counts as a request in flight until it is dropped.
pub struct ResponseBody {
    body: Incoming,
    frame_timeout: Option<FrameTimeout>,
    /// `Some` until the whole body has arrived.
    pending: Option<PendingResponse>,
    _in_flight: InFlight,
}

/// A body that holds a guard until it has been sent.
pub(crate) struct GuardedBody<T> {
    body: WasiBody,
    guard: T,
    /// Called when a frame leaves.
    on_frame: fn(&T),
}

impl<T> GuardedBody<T> {
    /// Creates a body that holds a guard.
    #[must_use]
    pub(crate) fn new(body: WasiBody, guard: T, on_frame: fn(&T)) -> Self {
        Self {
            body,
            guard,
            on_frame,
        }
    }
}

/// The rest of a body that was [lent](lend), if its end was not reached.
pub struct ReturnedBody(Arc<Mutex<Option<WasiBody>>>);

/// A body that is returned when it is dropped.
struct LentBody {
    body: Option<WasiBody>,
    returned: Arc<Mutex<Option<WasiBody>>>,
}

/// Returns the same body to send, and the place to which its rest returns.
#[must_use]
pub(super) fn lend(body: WasiBody) -> (WasiBody, ReturnedBody) {
    let returned = Arc::new(Mutex::new(None));
    let lent = LentBody {
        body: Some(body),
        returned: Arc::clone(&returned),
    };
    (lent.boxed_unsync(), ReturnedBody(returned))
}

impl ReturnedBody {
    /// Takes the rest of the body.
    #[must_use]
    pub fn take(&self) -> Option<WasiBody> {
        let mut returned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        returned.take()
    }
}

impl Body for LentBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(None);
            };
            let frame = ready!(Pin::new(body).poll_frame(context));
            match &frame {
                // HTTP/2 would keep any number of them, since they need no room in the window of the other end.
                Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => continue,
                Some(Ok(_)) => {}
                _ => self.body = None,
            }
            return Poll::Ready(frame);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(WasiBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.as_ref().map(WasiBody::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}

impl Drop for LentBody {
    fn drop(&mut self) {
        let returned = self.returned.lock();
        *returned.unwrap_or_else(PoisonError::into_inner) = self.body.take();
    }
}

/// The time that the next frame may take.
struct FrameTimeout {
    limit: Duration,
    /// Runs while the body waits for a frame.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl ResponseBody {
    /// Creates a body whose frames may each take as long as `limit`.
    #[must_use]
    pub fn new(
        body: Incoming,
        limit: Option<Duration>,
        waiting: PendingResponse,
        in_flight: InFlight,
    ) -> Self {
        Self {
            pending: (!body.is_end_stream()).then_some(waiting),
            body,
            frame_timeout: limit.map(|limit| FrameTimeout {
                limit,
                waiting: None,
            }),
            _in_flight: in_flight,
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            if let Some(frame_timeout) = &mut this.frame_timeout {
                frame_timeout.waiting = None;
            }
            match (&frame, &mut this.pending) {
                (Some(Ok(_)), Some(waiting)) => waiting.progress(),
                (_, Some(waiting)) => waiting.complete(),
                (_, None) => (),
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| code(&error))));
        }
        let Some(frame_timeout) = &mut this.frame_timeout else {
            return Poll::Pending;
        };
        let until = || {
            Box::pin(tokio::time::sleep_until(
                Instant::now() + frame_timeout.limit,
            ))
        };
        let waiting = frame_timeout.waiting.get_or_insert_with(until);
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

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(waiting) = &mut self.pending {
            let mut context = Context::from_waker(Waker::noop());
            if Pin::new(&mut self.body).poll_frame(&mut context).is_ready() {
                // The end had arrived, and was not read.
                waiting.complete();
            }
        }
    }
}

/// Returns the request with a head that says whether it has a body, and how the body is framed.
///
/// HTTP decides this by the head alone. hyper assumes that a GET or HEAD of unknown length has no body, and that other
/// requests have one.
pub(super) async fn with_framing(request: Request<WasiBody>) -> Request<WasiBody> {
    let (mut parts, mut body) = request.into_parts();
    let length = body.size_hint().exact();
    if parts.headers.contains_key(header::CONTENT_LENGTH) || length.is_some_and(|length| length > 0)
    {
        return Request::from_parts(parts, body);
    }
    let has_rarely = rarely_has_body(&parts.method);
    let limit = if has_rarely {
        FIRST_FRAME_LIMIT
    } else {
        Duration::ZERO
    };
    let first = match timeout(limit, first_frame(&mut body)).await {
        // A GET whose body was begun and given up is sent without a body.
        Ok(Some(Err(_))) | Err(_) if has_rarely => None,
        Ok(first) => first,
        Err(_) => return Request::from_parts(parts, body),
    };
    let Some(first) = first else {
        // A server may require the header: RFC 9110, 8.6.
        if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) {
            parts.headers.insert(header::CONTENT_LENGTH, 0.into());
        }
        let empty = Empty::new().map_err(|never| match never {});
        return Request::from_parts(parts, empty.boxed_unsync());
    };
    if has_rarely && parts.version == Version::HTTP_11 {
        let chunked = HeaderValue::from_static("chunked");
        parts.headers.insert(header::TRANSFER_ENCODING, chunked);
    }
    let first = Some(first);
    Request::from_parts(parts, PeekedBody { first, body }.boxed_unsync())
}

/// Returns whether requests of this method seldom have a body, so that it has to be looked for.
#[must_use]
pub(super) fn rarely_has_body(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Returns the first frame that is not empty: guests write empty frames too.
async fn first_frame(body: &mut WasiBody) -> Option<Result<Frame<Bytes>, Error>> {
    loop {
        match body.frame().await {
            Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => (),
            first => return first,
        }
    }
}

/// The wait for the body of a GET or HEAD whose head does not say whether it has a body.
///
/// A body that begins later is refused when the guest writes it. A guest has its body ready as soon as it waits for the
/// response, but some guests never end the body that they do not write.
const FIRST_FRAME_LIMIT: Duration = Duration::from_millis(100);

/// A body whose first frame was read ahead.
struct PeekedBody {
    first: Option<Result<Frame<Bytes>, Error>>,
    body: WasiBody,
}

impl Body for PeekedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }
}

impl<T: Unpin> Body for GuardedBody<T> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_some() {
            (self.on_frame)(&self.guard);
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

#[cfg(test)]
mod tests {
    use std::array::IntoIter;

    use super::*;

    /// A body of a function that writes these pieces.
    struct Pieces<const N: usize>(IntoIter<&'static str, N>);

    impl<const N: usize> Body for Pieces<N> {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            let piece = self.0.next();
            Poll::Ready(piece.map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))
        }
    }

    #[tokio::test]
    async fn empty_writes_of_a_function_are_not_sent() {
        let pieces = Pieces(["", "a", "", "", "b", ""].into_iter());
        let (mut lent, _returned) = lend(pieces.boxed_unsync());
        let mut sent = Vec::new();
        while let Some(frame) = lent.frame().await {
            sent.push(frame.unwrap().into_data().unwrap());
        }
        assert_eq!(sent, ["a", "b"]);
    }
}

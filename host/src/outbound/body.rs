//! Bodies: of a response, which is read as the function reads it, and of a request, with what is kept while it is sent.

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
use super::health::Waiting;
use super::in_flight::InFlight;

/// A body that comes in, and counts as a request in flight until it is dropped.
pub struct Response {
    body: Incoming,
    between: Option<Between>,
    /// Until all of it is there.
    waiting: Option<Waiting>,
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

/// What came back of a body that was lent, if its end was not reached.
pub struct Returned(Arc<Mutex<Option<WasiBody>>>);

/// A body that comes back when it is dropped.
struct Lent {
    body: Option<WasiBody>,
    returned: Arc<Mutex<Option<WasiBody>>>,
}

/// Returns the same body to send, and where the rest of it comes back to.
#[must_use]
pub fn lent(body: WasiBody) -> (WasiBody, Returned) {
    let returned = Arc::new(Mutex::new(None));
    let lent = Lent {
        body: Some(body),
        returned: Arc::clone(&returned),
    };
    (lent.boxed_unsync(), Returned(returned))
}

impl Returned {
    /// Takes it.
    #[must_use]
    pub fn take(&self) -> Option<WasiBody> {
        let mut returned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        returned.take()
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(WasiBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.as_ref().map(WasiBody::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let returned = self.returned.lock();
        *returned.unwrap_or_else(PoisonError::into_inner) = self.body.take();
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
    pub fn new(
        body: Incoming,
        limit: Option<Duration>,
        waiting: Waiting,
        in_flight: InFlight,
    ) -> Self {
        Self {
            waiting: (!body.is_end_stream()).then_some(waiting),
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
            match (&frame, &mut this.waiting) {
                (Some(Ok(_)), Some(waiting)) => waiting.goes_on(),
                (_, Some(waiting)) => waiting.over(),
                (_, None) => (),
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

impl Drop for Response {
    fn drop(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            let mut context = Context::from_waker(Waker::noop());
            if Pin::new(&mut self.body).poll_frame(&mut context).is_ready() {
                // It was there, and nobody wanted it.
                waiting.over();
            }
        }
    }
}

/// The request, its head saying whether it has a body, and how that is framed: HTTP goes by the head alone, and hyper takes a
/// GET or HEAD of unknown length for one without a body, and others for ones with it.
pub async fn framed(request: Request<WasiBody>) -> Request<WasiBody> {
    let (mut parts, mut body) = request.into_parts();
    let length = body.size_hint().exact();
    if parts.headers.contains_key(header::CONTENT_LENGTH) || length.is_some_and(|length| length > 0)
    {
        return Request::from_parts(parts, body);
    }
    let has_rarely = has_rarely_a_body(&parts.method);
    let limit = if has_rarely {
        FIRST_PIECE
    } else {
        Duration::ZERO
    };
    let first = match timeout(limit, begin(&mut body)).await {
        // A body that was begun and given up is one that a GET does not have.
        Ok(Some(Err(_))) | Err(_) if has_rarely => None,
        Ok(first) => first,
        Err(_) => return Request::from_parts(parts, body),
    };
    let Some(first) = first else {
        // A server may insist on it: RFC 9110, 8.6.
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
    Request::from_parts(parts, Begun { first, body }.boxed_unsync())
}

/// Whether it is open if a request of this method has a body.
#[must_use]
pub fn has_rarely_a_body(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// The first frame that has something in it. Guests write nothing, too.
async fn begin(body: &mut WasiBody) -> Option<Result<Frame<Bytes>, Error>> {
    loop {
        match body.frame().await {
            Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => (),
            first => return first,
        }
    }
}

/// How long the body of a GET or HEAD is waited for, where it is open whether there is one. One that begins later is refused
/// when the guest writes it. A guest has it ready as soon as it waits for the response, but some never end the one that they
/// do not have.
const FIRST_PIECE: Duration = Duration::from_millis(100);

/// A body whose first frame was looked at.
struct Begun {
    first: Option<Result<Frame<Bytes>, Error>>,
    body: WasiBody,
}

impl Body for Begun {
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

//! The requests that an instance has begun, which end with it: at once, and not when the runtime comes to it, which is in
//! the next invocation.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use http_body::Body as _;
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, Result, WasiBody};

use super::body::{Response, Returned};
use crate::watchdog::Yielding;

/// What comes of a request.
type Sent = Result<http::Response<Response>>;

/// A request that is being sent, until it is dropped here.
type Slot = Mutex<Option<Pin<Box<dyn Future<Output = Sent> + Send>>>>;

/// The requests of one instance. When it is dropped, they are.
#[derive(Default)]
pub struct Sending(Arc<Slots>);

#[derive(Default)]
struct Slots(Mutex<Vec<Weak<Slot>>>);

/// A request of an instance, if the instance still lives.
pub struct Rest(Weak<Slots>);

/// One of them. If it ended with its instance, nobody waits for its error.
pub struct Held(Arc<Slot>);

impl Sending {
    /// The same request, until it is done or this is dropped.
    pub fn hold(&self, request: impl Future<Output = Sent> + Send + 'static) -> Held {
        self.0.hold(request)
    }

    /// Reads the body of a request that is not sent, and drops what it reads.
    ///
    /// A guest writes the body before it looks at the response. If that failed, it would not see why nothing was sent.
    pub fn discard(&self, body: WasiBody, yielding: Yielding) {
        self.0.discard(body, yielding);
    }

    /// Returns what a request needs to have the rest of its body discarded.
    pub fn rest(&self) -> Rest {
        Rest(Arc::downgrade(&self.0))
    }
}

impl Rest {
    /// Does the same with what came back of a body.
    pub fn discard(&self, returned: &Returned, yielding: Yielding) {
        if let (Some(slots), Some(body)) = (self.0.upgrade(), returned.take()) {
            slots.discard(body, yielding);
        }
    }
}

impl Slots {
    fn hold(&self, request: impl Future<Output = Sent> + Send + 'static) -> Held {
        let slot: Arc<Slot> = Arc::new(Mutex::new(Some(Box::pin(request))));
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|known| known.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        Held(slot)
    }

    fn discard(&self, mut body: WasiBody, yielding: Yielding) {
        if body.is_end_stream() {
            return;
        }
        tokio::spawn(self.hold(async move {
            let _yielding = yielding;
            while let Some(Ok(_)) = body.frame().await {}
            Err(Error::HttpRequestDenied)
        }));
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let slots = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.iter().filter_map(Weak::upgrade) {
            slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

impl Future for Held {
    type Output = Sent;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Sent> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = match slot.as_mut() {
            Some(request) => request.as_mut().poll(context),
            None => Poll::Ready(Err(Error::ConnectionTerminated)),
        };
        if polled.is_ready() {
            *slot = None;
        }
        polled
    }
}

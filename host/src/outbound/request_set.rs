//! The requests that an instance has begun, which end with it.
//!
//! They end when the set is dropped. If their tasks were only aborted, the runtime would drop them in the next invocation.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use http_body::Body as _;
use http_body_util::BodyExt as _;
use lambda_wasm_lifecycle::Yielding;
use wasmtime_wasi_http::{Error, Result, WasiBody};

use super::body::{ResponseBody, ReturnedBody};

/// The result of a request.
type SendResult = Result<http::Response<ResponseBody>>;

/// A request that is being sent, until the set drops it.
type Slot = Mutex<Option<Pin<Box<dyn Future<Output = SendResult> + Send>>>>;

/// The requests of one instance. Dropping the set drops them.
#[derive(Default)]
pub(super) struct RequestSet(Arc<RequestSlots>);

#[derive(Default)]
struct RequestSlots(Mutex<Vec<Weak<Slot>>>);

/// The requests of an instance, if the instance still exists.
pub(super) struct WeakRequestSet(Weak<RequestSlots>);

/// A request that ends with its set. The error that it then returns is never seen.
pub(super) struct AbortableRequest(Arc<Slot>);

impl RequestSet {
    /// Returns the same request, which ends when the set is dropped.
    pub(super) fn add(
        &self,
        request: impl Future<Output = SendResult> + Send + 'static,
    ) -> AbortableRequest {
        self.0.add(request)
    }

    /// Reads the body of a request that is not sent, and drops what it reads.
    ///
    /// A guest writes the body before it reads the response. If the write failed, the guest would not see why the request was
    /// not sent.
    pub(super) fn discard(&self, body: WasiBody, yielding: Yielding) {
        self.0.discard(body, yielding);
    }

    /// Returns a reference that does not keep the requests alive.
    pub(super) fn downgrade(&self) -> WeakRequestSet {
        WeakRequestSet(Arc::downgrade(&self.0))
    }
}

impl WeakRequestSet {
    /// Reads and drops the rest of a body that was returned.
    pub(super) fn discard(&self, returned: &ReturnedBody, yielding: Yielding) {
        if let (Some(slots), Some(body)) = (self.0.upgrade(), returned.take()) {
            slots.discard(body, yielding);
        }
    }
}

impl RequestSlots {
    fn add(&self, request: impl Future<Output = SendResult> + Send + 'static) -> AbortableRequest {
        let slot: Arc<Slot> = Arc::new(Mutex::new(Some(Box::pin(request))));
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|known| known.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        AbortableRequest(slot)
    }

    fn discard(&self, mut body: WasiBody, yielding: Yielding) {
        if body.is_end_stream() {
            return;
        }
        tokio::spawn(self.add(async move {
            let _yielding = yielding;
            while let Some(Ok(_)) = body.frame().await {}
            Err(Error::HttpRequestDenied)
        }));
    }
}

impl Drop for RequestSlots {
    fn drop(&mut self) {
        let slots = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.iter().filter_map(Weak::upgrade) {
            slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

impl Future for AbortableRequest {
    type Output = SendResult;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<SendResult> {
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

//! The requests that an instance has begun, which end with it: at once, and not when the runtime comes to it, which is in
//! the next invocation.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use wasmtime_wasi_http::{Error, Result};

use super::body::Response;

/// What comes of a request.
type Sent = Result<http::Response<Response>>;

/// A request that is being sent, until it is dropped here.
type Slot = Mutex<Option<Pin<Box<dyn Future<Output = Sent> + Send>>>>;

/// The requests of one instance. When it is dropped, they are.
#[derive(Default)]
pub struct Sending(Vec<Weak<Slot>>);

/// One of them. If it ended with its instance, nobody waits for its error.
pub struct Held(Arc<Slot>);

impl Sending {
    /// The same request, until it is done or this is dropped.
    pub fn hold(&mut self, request: impl Future<Output = Sent> + Send + 'static) -> Held {
        let slot: Arc<Slot> = Arc::new(Mutex::new(Some(Box::pin(request))));
        self.0.retain(|known| known.strong_count() > 0);
        self.0.push(Arc::downgrade(&slot));
        Held(slot)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        for slot in self.0.iter().filter_map(Weak::upgrade) {
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

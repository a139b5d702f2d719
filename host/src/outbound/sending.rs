//! The requests that an instance has begun, which end with it: at once, and not when the runtime comes to it, which is in
//! the next invocation.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use wasmtime_wasi_http::{Error, Result};

/// Something that is being done, until it is dropped here.
type Slot<T> = Mutex<Option<Pin<Box<dyn Future<Output = Result<T>> + Send>>>>;

/// What can be ended.
trait End: Send + Sync {
    fn end(&self);
}

/// All that is being done for one instance. When it is dropped, that is too.
#[derive(Default)]
pub struct Sending(Vec<Weak<dyn End>>);

/// One of the things that are being done. If it ended with its instance, nobody waits for its error.
pub struct Held<T>(Arc<Slot<T>>);

impl Sending {
    /// The same, until it is done or this is dropped.
    pub fn hold<T: 'static>(
        &mut self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Held<T> {
        let slot: Arc<Slot<T>> = Arc::new(Mutex::new(Some(Box::pin(work))));
        let known: Arc<dyn End> = slot.clone();
        self.0.retain(|known| known.strong_count() > 0);
        self.0.push(Arc::downgrade(&known));
        Held(slot)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|known| known.end());
    }
}

impl<T> End for Slot<T> {
    fn end(&self) {
        let work = self.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Not while it is locked: it may be long.
        drop(work);
    }
}

impl<T> Future for Held<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = match slot.as_mut() {
            Some(work) => work.as_mut().poll(context),
            None => Poll::Ready(Err(Error::ConnectionTerminated)),
        };
        if polled.is_ready() {
            *slot = None;
        }
        polled
    }
}

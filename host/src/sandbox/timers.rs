//! The timers of WASI 0.3, counted while a guest waits for them.
//!
//! wasmtime's own timers do not touch the state of the store, so that a timeout's message could not name them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use wasmtime::component::{Accessor, HasData};
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::p3::bindings::clocks::monotonic_clock::{Host, HostWithStore, Mark};

use super::HostState;

/// The number of timers that a guest waits for.
#[derive(Clone, Default)]
pub struct Timers(Arc<AtomicUsize>);

impl Timers {
    /// Returns whether the guest waits for a timer.
    #[must_use]
    pub fn is_any_running(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn start(&self) -> Running {
        self.0.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }
}

/// A timer that a guest waits for.
struct Running(Timers);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The implementation of `wasi:clocks/monotonic-clock`.
pub(crate) struct Clock;

impl HasData for Clock {
    type Data<'a> = &'a mut HostState;
}

impl Host for HostState {
    fn now(&mut self) -> wasmtime::Result<Mark> {
        Host::now(&mut self.clocks())
    }

    fn get_resolution(&mut self) -> wasmtime::Result<u64> {
        Host::get_resolution(&mut self.clocks())
    }
}

impl<T> HostWithStore<T> for Clock {
    async fn wait_until(store: &Accessor<T, Self>, when: Mark) -> wasmtime::Result<()> {
        let now = store.with(|mut access| Host::now(access.get()))?;
        Self::wait_for(store, when.saturating_sub(now)).await
    }

    async fn wait_for(store: &Accessor<T, Self>, duration: u64) -> wasmtime::Result<()> {
        if duration > 0 {
            let _running = store.with(|mut access| access.get().timers.start());
            sleep(Duration::from_nanos(duration)).await;
        }
        Ok(())
    }
}

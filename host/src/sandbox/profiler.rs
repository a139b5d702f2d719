//! Samples of the code that guests run, for a tool; never part of `bootstrap`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::component::Component;
use wasmtime::{AsContext, Engine, GuestProfiler};

/// The time between two samples.
pub(crate) const INTERVAL: Duration = Duration::from_millis(1);

/// Takes samples while guests run. Clones add to the same profile.
///
/// A guest is sampled at its first look at the epoch after a tick. A tick while the host runs is not a sample: the guest would look
/// as soon as it is called, always at the same place.
#[derive(Clone)]
pub(crate) struct Profiler(Arc<Samples>);

struct Samples {
    profiler: Mutex<GuestProfiler>,
    begun: Instant,
    /// The nanoseconds from the beginning to the last tick, and to the last moment at which a guest was entered.
    ticked: AtomicU64,
    entered: AtomicU64,
}

impl Profiler {
    /// Creates an empty profile of a component.
    pub(crate) fn new(engine: &Engine, component: &Component) -> wasmtime::Result<Self> {
        let component = component.clone();
        let profiler = GuestProfiler::new_component(engine, "function", INTERVAL, component, [])?;
        Ok(Self(Arc::new(Samples {
            profiler: Mutex::new(profiler),
            begun: Instant::now(),
            ticked: AtomicU64::new(0),
            entered: AtomicU64::new(0),
        })))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Has the guest that runs be sampled. The epoch has to move after that.
    pub(crate) fn tick(&self) {
        self.0.ticked.store(self.now(), Ordering::Relaxed);
    }

    /// Notes that a guest is called, or that a call from it returns.
    pub(crate) fn enter(&self) {
        self.0.entered.store(self.now(), Ordering::Relaxed);
    }

    /// Adds a sample of the guest whose store this is, if it ran at the last tick.
    pub(crate) fn sample(&self, store: impl AsContext) {
        let ticked = self.0.ticked.load(Ordering::Relaxed);
        if ticked >= self.0.entered.load(Ordering::Relaxed) {
            let profiler = self.0.profiler.lock();
            let mut profiler = profiler.unwrap_or_else(PoisonError::into_inner);
            profiler.sample(store, INTERVAL);
        }
    }

    /// Returns the profile in the format of the Firefox Profiler, unless it has clones.
    pub(crate) fn finish(self) -> wasmtime::Result<Vec<u8>> {
        let samples = Arc::into_inner(self.0);
        let samples = samples.ok_or_else(|| wasmtime::format_err!("a guest still runs"))?;
        let profiler = samples.profiler.into_inner();
        let mut profile = Vec::new();
        profiler
            .unwrap_or_else(PoisonError::into_inner)
            .finish(&mut profile)?;
        Ok(profile)
    }
}

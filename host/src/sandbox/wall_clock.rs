//! The wall clock of a function in a test.

use std::time::Duration;

use wasmtime_wasi::HostWallClock;

/// A clock that always shows the same time.
pub(super) struct StoppedClock(pub Duration);

impl HostWallClock for StoppedClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

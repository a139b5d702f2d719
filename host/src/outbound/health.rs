//! What is known of a connection: whether it has answered, and whether anything still comes.
//!
//! Many requests share a connection of HTTP/2, so that it is not closed for one that was given up. If the other side went
//! silent, all that follow would wait in vain, and TCP takes minutes to notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Extensions;
use hyper_util::client::legacy::connect::{CaptureConnection, Connected};

/// How long a connection has to be silent to count as such.
const SILENCE: Duration = Duration::from_millis(100);

/// What is known of one connection. Clones are of the same one.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    has_answered: AtomicBool,
    /// How often something has come.
    came: AtomicUsize,
}

/// A request that waits for its response, or for the rest of it. If it is given up after its connection has been silent, no
/// further one is sent there.
pub struct Waiting {
    connection: CaptureConnection,
    since: Instant,
    /// How often something had come by then.
    came: usize,
}

impl Health {
    /// What is known of this connection.
    pub fn of(connected: &Connected) -> Option<Self> {
        let mut extras = Extensions::new();
        connected.get_extras(&mut extras);
        extras.remove()
    }

    /// It has answered a request.
    pub fn set_answered(&self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
    }

    /// Whether it ever has.
    pub fn has_answered(&self) -> bool {
        self.0.has_answered.load(Ordering::Relaxed)
    }

    /// Something has come.
    pub fn comes(&self) {
        self.0.came.fetch_add(1, Ordering::Relaxed);
    }
}

impl Waiting {
    /// Waits from now on.
    pub fn new(connection: CaptureConnection) -> Self {
        let mut waiting = Self {
            connection,
            since: Instant::now(),
            came: 0,
        };
        waiting.goes_on();
        waiting
    }

    /// Something of the response is there.
    pub fn goes_on(&mut self) {
        self.since = Instant::now();
        self.came = self.came();
    }

    fn came(&self) -> usize {
        let connected = self.connection.connection_metadata();
        let health = connected.as_ref().and_then(Health::of);
        health.map_or(0, |health| health.0.came.load(Ordering::Relaxed))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.since.elapsed() >= SILENCE
            && self.came() == self.came
            && let Some(connected) = self.connection.connection_metadata().as_ref()
        {
            connected.poison();
        }
    }
}

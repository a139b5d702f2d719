//! What is known of a connection: whether it has answered, and whether anything still comes.
//!
//! Many requests share a connection of HTTP/2, so that it is not closed for one that was given up. If the other side went
//! silent, all that follow would wait in vain, and TCP takes minutes to notice.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use http::Extensions;
use hyper_util::client::legacy::connect::{CaptureConnection, Connected};

use super::error::ConnectError;

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
    /// Since when a request has waited for anything to come.
    silent_since: Mutex<Option<Instant>>,
    /// How TLS ended it. HTTP/2 hands its requests a text of that alone.
    broken: OnceLock<ConnectError>,
}

/// A request that waits for its response, or for the rest of it. If it is given up after its connection has been silent, no
/// further one is sent there.
pub struct Waiting {
    connection: CaptureConnection,
    /// How often something had come when this one last got something.
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
        *self.silent_since() = None;
    }

    /// Remembers an error of the connection if it is one of TLS.
    pub fn set_broken(&self, error: &io::Error) {
        if let Some(error) = ConnectError::of_broken(error) {
            let _ = self.0.broken.set(error);
        }
    }

    fn came(&self) -> usize {
        self.0.came.load(Ordering::Relaxed)
    }

    fn silent_since(&self) -> MutexGuard<'_, Option<Instant>> {
        let since = self.0.silent_since.lock();
        since.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Waits from now on.
    pub fn new(connection: CaptureConnection) -> Self {
        let mut waiting = Self {
            connection,
            came: 0,
        };
        waiting.goes_on();
        waiting
    }

    /// Its connection is there, or something of the response.
    pub fn goes_on(&mut self) {
        if let Some(health) = self.health() {
            health.silent_since().get_or_insert_with(Instant::now);
            self.came = health.came();
        }
    }

    /// All of the response was there.
    pub fn over(&mut self) {
        self.came = usize::MAX;
    }

    /// Returns how TLS ended its connection, if it did.
    pub fn broken(&self) -> Option<ConnectError> {
        self.health()?.0.broken.get().cloned()
    }

    fn health(&self) -> Option<Health> {
        let connected = self.connection.connection_metadata();
        connected.as_ref().and_then(Health::of)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(health) = self.health() else { return };
        let since = *health.silent_since();
        if since.is_some_and(|since| since.elapsed() >= SILENCE)
            && health.came() == self.came
            && let Some(connected) = self.connection.connection_metadata().as_ref()
        {
            connected.poison();
        }
    }
}

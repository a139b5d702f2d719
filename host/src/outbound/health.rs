//! The health of a connection: whether it has answered, and whether bytes still arrive.
//!
//! Many requests share a connection of HTTP/2, so a request that is given up does not close it. If the peer has become
//! silent, later requests would wait in vain: TCP takes minutes to notice.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use http::Extensions;
use hyper_util::client::legacy::connect::{CaptureConnection, Connected};

use super::error::ConnectError;

/// The time without bytes after which a connection counts as silent.
const SILENCE: Duration = Duration::from_millis(100);

/// The health of one connection. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Health(Arc<ConnectionState>);

#[derive(Debug, Default)]
struct ConnectionState {
    has_answered: AtomicBool,
    /// The number of reads that returned bytes.
    reads: AtomicUsize,
    /// The time since which a request waits for bytes.
    silent_since: Mutex<Option<Instant>>,
    /// The error by which TLS ended the connection. HTTP/2 gives its requests only the text of it.
    broken: OnceLock<ConnectError>,
}

/// A request that waits for its response, or for the rest of it. If it is dropped after its connection has become silent,
/// the connection is not used again.
pub struct PendingResponse {
    connection: CaptureConnection,
    /// The number of reads at the last progress of this request.
    reads: usize,
}

impl Health {
    /// Returns the health of a connection.
    pub(super) fn from_connected(connected: &Connected) -> Option<Self> {
        let mut extras = Extensions::new();
        connected.get_extras(&mut extras);
        extras.remove()
    }

    /// Notes that the connection has answered a request.
    pub(super) fn set_answered(&self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
    }

    /// Returns whether the connection has answered a request.
    pub(super) fn has_answered(&self) -> bool {
        self.0.has_answered.load(Ordering::Relaxed)
    }

    /// Notes that bytes have arrived.
    pub(super) fn record_read(&self) {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        *self.silent_since() = None;
    }

    /// Notes an error of the connection if it is an error of TLS.
    pub(super) fn set_broken(&self, error: &io::Error) {
        if let Some(error) = ConnectError::from_broken(error) {
            let _ = self.0.broken.set(error);
        }
    }

    fn reads(&self) -> usize {
        self.0.reads.load(Ordering::Relaxed)
    }

    fn silent_since(&self) -> MutexGuard<'_, Option<Instant>> {
        let since = self.0.silent_since.lock();
        since.unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingResponse {
    /// Creates a request that waits from now on.
    pub fn new(connection: CaptureConnection) -> Self {
        let mut waiting = Self {
            connection,
            reads: 0,
        };
        waiting.progress();
        waiting
    }

    /// Notes that the request has a connection, or a part of its response.
    pub fn progress(&mut self) {
        if let Some(health) = self.health() {
            health.silent_since().get_or_insert_with(Instant::now);
            self.reads = health.reads();
        }
    }

    /// Notes that the whole response has arrived.
    pub fn complete(&mut self) {
        self.reads = usize::MAX;
    }

    /// Returns the error by which TLS ended the connection, if it did.
    pub fn broken(&self) -> Option<ConnectError> {
        self.health()?.0.broken.get().cloned()
    }

    fn health(&self) -> Option<Health> {
        let connected = self.connection.connection_metadata();
        connected.as_ref().and_then(Health::from_connected)
    }
}

impl Drop for PendingResponse {
    fn drop(&mut self) {
        let Some(health) = self.health() else { return };
        let since = *health.silent_since();
        if since.is_some_and(|since| since.elapsed() >= SILENCE)
            && health.reads() == self.reads
            && let Some(connected) = self.connection.connection_metadata().as_ref()
        {
            connected.poison();
        }
    }
}

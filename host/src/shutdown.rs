//! The end of the process. It waits until no invocation is under way.
//!
//! After an error the process ends with exit code 1, after SIGTERM with 0.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::log::{Level, Log};
use crate::termination::Termination;
use crate::timeline::MAX_LOG_WAIT;

/// How many threads are left behind before the process ends: each keeps its memory.
pub(crate) const MAX_ABANDONED: usize = 4;

/// Counts the workers, the invocations that are under way and the threads that are stuck, and ends the process.
pub struct Shutdown {
    log: Log,
    /// Receives SIGTERM.
    pub termination: Arc<Termination>,
    /// How many workers ask for events, have one, or are being replaced.
    workers: AtomicUsize,
    underway: AtomicUsize,
    abandoned: AtomicUsize,
    /// Why the process ends as soon as no invocation is under way.
    reason: OnceLock<String>,
    is_logged: AtomicBool,
}

impl Shutdown {
    /// Creates the counters of a process that has no invocation.
    #[must_use]
    pub fn new(log: Log, termination: Arc<Termination>) -> Self {
        Self {
            log,
            termination,
            workers: AtomicUsize::new(0),
            underway: AtomicUsize::new(0),
            abandoned: AtomicUsize::new(0),
            reason: OnceLock::new(),
            is_logged: AtomicBool::new(false),
        }
    }

    /// Counts a worker, before it looks whether it may ask for an event. A thread that replaces a stuck worker is not another
    /// worker.
    pub fn begin_worker(&self) {
        self.workers.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts a worker that asks for no further event. The last worker ends the process if SIGTERM has been received.
    ///
    /// A worker is counted until it has answered the event that it has begun to read. So the process ends at no other's expense.
    pub fn end_worker(&self) {
        let is_last = self.workers.fetch_sub(1, Ordering::SeqCst) == 1;
        if is_last && self.termination.is_requested() {
            std::process::exit(0);
        }
    }

    /// Counts an invocation that begins.
    pub fn begin_invocation(&self) {
        self.underway.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts an invocation that has ended, or whose thread is left behind.
    pub fn end_invocation(&self) {
        self.underway.fetch_sub(1, Ordering::AcqRel);
    }

    /// Counts a thread that is left behind. Returns `false` if there are too many of them.
    #[must_use]
    pub fn abandon_thread(&self) -> bool {
        self.abandoned.fetch_add(1, Ordering::AcqRel) < MAX_ABANDONED
    }

    /// Counts a thread that was left behind, and is not stuck any more.
    pub fn recover_thread(&self) {
        self.abandoned.fetch_sub(1, Ordering::AcqRel);
    }

    /// Returns whether the process ends as soon as no invocation is under way. No worker asks for another event then.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.reason.get().is_some() || self.termination.is_requested()
    }

    /// Ends the process as soon as no invocation is under way. The reason is logged then: this call does not wait for the log.
    pub fn request(&self, reason: &str) {
        let _ = self.reason.set(reason.to_owned());
        self.exit_if_idle();
    }

    /// Logs why the process ends, and ends it as soon as no invocation is under way.
    pub fn request_and_log(&self, reason: &str) {
        let _ = self.reason.set(reason.to_owned());
        self.log_reason();
        self.exit_if_idle();
    }

    /// Ends the process if it is to end, or has left too many threads behind, and no invocation is under way.
    pub fn exit_if_idle(&self) {
        if self.underway.load(Ordering::Acquire) > 0 {
            return;
        }
        if self.abandoned.load(Ordering::Acquire) > MAX_ABANDONED {
            let reason = "too many threads are stuck in calls that do not return";
            let _ = self.reason.set(reason.to_owned());
        }
        if self.reason.get().is_some() {
            self.log_reason();
            std::process::exit(1);
        }
    }

    /// Logs the reason once. The log may be stuck.
    fn log_reason(&self) {
        if let Some(reason) = self.reason.get()
            && !self.is_logged.swap(true, Ordering::AcqRel)
        {
            let log = self.log.waiting_at_most(MAX_LOG_WAIT);
            log.host(Level::Fatal, None, reason);
        }
    }
}

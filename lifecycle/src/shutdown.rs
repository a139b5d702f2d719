//! The end of the process. It waits until no invocation is under way.
//!
//! After an error the process ends with exit code 1, after SIGTERM with 0.

use std::sync::{Arc, OnceLock};

use crate::sync::{AtomicU64, Ordering};

/// How many threads are left behind before the process ends: each keeps its memory.
pub const MAX_ABANDONED: usize = 4;

/// How the process ends.
pub trait End: Send + Sync {
    /// Logs why the process ends, in a bounded time.
    fn log(&self, reason: &str);

    /// Ends the process: after SIGTERM if `is_terminated`, else for the reason that was logged.
    fn exit(&self, is_terminated: bool);
}

/// Counts the workers, the invocations that are under way and the threads that are stuck, and ends the process.
///
/// All counters are in one number. Of two threads that change it, the later one sees both changes, so that one of them ends the
/// process.
pub struct Shutdown {
    state: AtomicU64,
    /// Why the process ends as soon as no invocation is under way.
    reason: OnceLock<String>,
    end: Box<dyn End>,
}

/// One invocation that is under way, in `Shutdown::state`.
const UNDERWAY: u64 = 1;
/// One worker that asks for events, has one, or is being replaced.
const WORKER: u64 = 1 << 20;
/// One thread that is left behind.
const ABANDONED: u64 = 1 << 40;
/// All workers have ended after SIGTERM.
const TERMINATED: u64 = 1 << 60;
/// The process ends as soon as no invocation is under way.
const REQUESTED: u64 = 1 << 61;
/// The reason is being logged, or has been.
const LOGGED: u64 = 1 << 62;
/// A thread ends the process.
const ENDING: u64 = 1 << 63;

/// An invocation that is under way as long as this exists.
pub(crate) struct Counted(Arc<Shutdown>);

impl Shutdown {
    /// Creates the counters of a process that has no invocation.
    #[must_use]
    pub fn new(end: impl End + 'static) -> Self {
        Self {
            state: AtomicU64::new(0),
            reason: OnceLock::new(),
            end: Box::new(end),
        }
    }

    /// Counts a worker, before it looks whether it may ask for an event. A thread that replaces a stuck worker is not another
    /// worker.
    pub fn begin_worker(&self) {
        self.state.fetch_add(WORKER, Ordering::AcqRel);
    }

    /// Counts a worker that asks for no further event. The last one ends the process if SIGTERM has been received, as soon as no
    /// invocation is under way.
    ///
    /// A worker is counted until it has answered the event that it has begun to read, so that the process ends at no other's
    /// expense.
    pub fn end_worker(&self, is_terminated: bool) {
        let before = self.state.fetch_sub(WORKER, Ordering::AcqRel);
        if is_terminated && workers(before) == 1 {
            self.state.fetch_or(TERMINATED, Ordering::AcqRel);
        }
        self.exit_if_idle();
    }

    /// Counts an invocation that begins.
    pub(crate) fn begin(&self) {
        self.state.fetch_add(UNDERWAY, Ordering::AcqRel);
    }

    /// Counts an invocation that has ended, or whose thread is left behind. Ends the process if it waited for that.
    pub(crate) fn end(&self) {
        self.state.fetch_sub(UNDERWAY, Ordering::AcqRel);
        self.exit_if_idle();
    }

    /// Counts an invocation, until the result is dropped.
    pub(crate) fn count(self: &Arc<Self>) -> Counted {
        self.begin();
        Counted(Arc::clone(self))
    }

    /// Counts a thread that is left behind. Returns `false` if there are too many of them.
    pub(crate) fn abandon_thread(&self) -> bool {
        let before = self.state.fetch_add(ABANDONED, Ordering::AcqRel);
        abandoned(before) < MAX_ABANDONED as u64
    }

    /// Counts a thread that was left behind, and is not stuck any more.
    pub(crate) fn recover_thread(&self) {
        self.state.fetch_sub(ABANDONED, Ordering::AcqRel);
    }

    /// Returns whether the process ends as soon as no invocation is under way. No worker asks for another event then.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.state.load(Ordering::Acquire) & REQUESTED != 0
    }

    /// Ends the process as soon as no invocation is under way. The reason is logged then: this call does not wait for the log,
    /// unless it ends the process.
    pub fn request(&self, reason: &str) {
        let _ = self.reason.set(reason.to_owned());
        self.state.fetch_or(REQUESTED, Ordering::AcqRel);
        self.exit_if_idle();
    }

    /// Logs why the process ends, and ends it as soon as no invocation is under way.
    pub fn request_and_log(&self, reason: &str) {
        let _ = self.reason.set(reason.to_owned());
        // Another thread does not end the process while this one logs.
        self.begin();
        let before = self.state.fetch_or(REQUESTED | LOGGED, Ordering::AcqRel);
        if before & LOGGED == 0 {
            self.log();
        }
        self.end();
    }

    /// Ends the process if it is to end, or has left too many threads behind, and no invocation is under way.
    fn exit_if_idle(&self) {
        let ending = |state| is_over(state).then_some(state | LOGGED | ENDING);
        let before = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, ending);
        let Ok(before) = before else {
            return;
        };
        let is_failed = before & REQUESTED != 0 || has_too_many(before);
        if is_failed && before & LOGGED == 0 {
            let reason = "too many threads are stuck in calls that do not return";
            let _ = self.reason.set(reason.to_owned());
            self.log();
        }
        self.end.exit(!is_failed);
    }

    fn log(&self) {
        if let Some(reason) = self.reason.get() {
            self.end.log(reason);
        }
    }

    /// Returns how many invocations are under way, and how many threads are left behind.
    #[cfg(test)]
    #[cfg_attr(not(loom), expect(dead_code, reason = "only models read them"))]
    pub(crate) fn counters(&self) -> (u64, u64) {
        let state = self.state.load(Ordering::Acquire);
        (underway(state), abandoned(state))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Returns whether a process in this state has to end now, and no thread does that yet.
fn is_over(state: u64) -> bool {
    let is_to_end = state & (REQUESTED | TERMINATED) != 0 || has_too_many(state);
    is_to_end && underway(state) == 0 && state & ENDING == 0
}

fn has_too_many(state: u64) -> bool {
    abandoned(state) > MAX_ABANDONED as u64
}

fn underway(state: u64) -> u64 {
    state % WORKER
}

fn workers(state: u64) -> u64 {
    state % ABANDONED / WORKER
}

fn abandoned(state: u64) -> u64 {
    state % TERMINATED / ABANDONED
}

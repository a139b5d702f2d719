//! Watches the invocations of all workers, and decides when a thread is stuck.
//!
//! A thread is stuck if it waits in a call of the host itself that does not return after the invocation's stop: a write to a
//! log that nobody reads, for example. A call for a file that is a pipe, or on a disk that hangs, leaves a thread of the
//! worker's runtime behind. Too many of these threads make the process re-execute itself, too.
//!
//! The watchdog's thread only decides. It claims the answer, and hands a [`StuckInvocation`] to the
//! supervisor.

use std::mem::replace;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use lambda_wasm_lifecycle::{Alarm, End, Shutdown, Stuck, Underway};

use crate::function::Function;
use crate::invocation::Invocation;
use crate::lockdown::Wall;
use crate::log::{Level, Log};
use crate::process::{self, ThreadId, ThreadState};
use crate::responder::Responder;
use crate::runtime_api::Endpoint;
use crate::termination::Termination;
use crate::timeline::{MAX_LOG_WAIT, RECHECK, Timeline};

/// Watches the invocations of all workers.
pub struct Watch {
    function: Arc<Function>,
    log: Log,
    workers: usize,
    /// How long the process took to start.
    start_took: OnceLock<Duration>,
    /// The end of the process.
    pub shutdown: Arc<Shutdown>,
    /// Receives SIGTERM.
    pub termination: Arc<Termination>,
    /// The second wall, with `lockdown` in the policy.
    wall: Option<Wall>,
    on_stuck: Box<dyn Fn(StuckInvocation) + Send + Sync>,
}

/// An invocation whose thread is stuck.
pub struct StuckInvocation {
    /// The right to answer it, and the fate of its thread.
    pub stuck: Stuck,
    /// The invocation.
    pub invocation: Arc<Invocation>,
    /// When the invocation began.
    pub since: Instant,
    /// The invocation's timeline.
    pub timeline: Timeline,
}

/// The watch over one invocation. The watch ends when the guard is dropped.
pub struct InvocationGuard<'a> {
    underway: Arc<Underway>,
    _alarms: [Alarm<'a>; 2],
}

impl Watch {
    /// Creates the watch over so many workers, which serve the Runtime API at `endpoint`. `on_stuck` does the work of stuck threads, and must not wait if there
    /// are several workers.
    #[must_use]
    pub fn new(
        function: Arc<Function>,
        endpoint: &Endpoint,
        log: Log,
        workers: usize,
        termination: Arc<Termination>,
        on_stuck: impl Fn(StuckInvocation) + Send + Sync + 'static,
    ) -> Self {
        let is_locked_down = function.policy().lockdown;
        let wall = is_locked_down.then(|| Wall::around(&function, endpoint, workers));
        Self {
            function,
            log,
            workers,
            wall,
            start_took: OnceLock::new(),
            shutdown: Arc::new(Shutdown::new(ProcessEnd(log))),
            termination,
            on_stuck: Box::new(on_stuck),
        }
    }

    /// Returns whether the process ends as soon as no invocation is under way. No worker asks for another event then.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.shutdown.is_requested() || self.termination.is_requested()
    }

    /// Counts a worker that asks for no further event.
    pub fn end_worker(&self) {
        self.shutdown.end_worker(self.termination.is_requested());
    }

    /// Sets how long the process took to start.
    pub fn set_start_took(&self, took: Duration) {
        let _ = self.start_took.set(took);
    }

    /// Returns how long the process takes to start again. Lambda gives a start more CPU than an invocation.
    #[must_use]
    pub fn restart_takes(&self) -> Duration {
        let took = self.start_took.get().copied().unwrap_or_default();
        self.function.wall_time(took)
    }

    /// Returns the current thread, which is to handle invocations. With `lockdown` in the policy, it waits until all threads are
    /// there and the kernel refuses them what they do not need.
    pub fn enter(&self) -> ThreadId {
        let Some(wall) = &self.wall else {
            return ThreadId::current();
        };
        let thread = ThreadId::current_opened();
        wall.close(&self.shutdown);
        thread
    }

    /// Watches an invocation that `thread` handles.
    pub fn begin<'a>(
        self: &'a Arc<Self>,
        responder: &Responder<'_>,
        timeline: Timeline,
        thread: &ThreadId,
    ) -> InvocationGuard<'a> {
        let underway = Underway::begin(&self.shutdown, responder.claim());
        let since = Instant::now();
        // Decides what becomes of the invocation if the thread is stuck at this moment.
        let alarm = |at, decide: fn(&Underway) -> Option<Stuck>| {
            let (watch, underway) = (Arc::clone(self), Arc::clone(&underway));
            let invocation = Arc::clone(responder.invocation());
            let mut is_stuck = stuck_twice(thread.clone());
            self.function.watchdog.alarm(at, move || {
                if !is_stuck() {
                    return Some(Instant::now() + RECHECK);
                }
                if let Some(stuck) = decide(&underway) {
                    (watch.on_stuck)(StuckInvocation {
                        stuck,
                        invocation: Arc::clone(&invocation),
                        since,
                        timeline,
                    });
                }
                None
            })
        };
        let alarms = [
            alarm(timeline.stuck, Underway::give_up),
            alarm(timeline.abandon, Underway::abandon),
        ];
        InvocationGuard {
            underway,
            _alarms: alarms,
        }
    }

    /// Re-executes the process if it has kept much memory of an invocation, which the next one may need, or many threads,
    /// which hang in calls for files. Returns whether that is left to be done, because there is no time for it.
    ///
    /// Does nothing if there are other workers, or if the process may not execute programs.
    #[must_use]
    pub fn recycle_if_bloated(&self, timeline: &Timeline) -> bool {
        let stays = self.workers > 1 || self.function.policy().lockdown;
        if stays || self.is_ending() || !process::is_bloated() {
            return false;
        }
        if !timeline.has_time_for(self.restart_takes()) {
            return true;
        }
        let error = process::reexec();
        let line = format!(
            "the process has kept much memory or many threads, and cannot restart: {error}"
        );
        self.log.host(Level::Warn, None, &line);
        false
    }
}

impl InvocationGuard<'_> {
    /// Ends the invocation. Returns whether the thread goes on: it does not if another thread has taken its place.
    #[must_use]
    pub fn finish(self) -> bool {
        self.underway.finish()
    }
}

/// How the process ends, and the log that says why.
struct ProcessEnd(Log);

impl End for ProcessEnd {
    fn log(&self, reason: &str) {
        let log = self.0.waiting_at_most(MAX_LOG_WAIT);
        log.host(Level::Fatal, None, reason);
    }

    fn exit(&self, is_terminated: bool) {
        std::process::exit(if is_terminated { 0 } else { 1 });
    }
}

/// Returns a test that is true if a thread was blocked twice in a row. The watchdog interrupts a guest that computes as soon as
/// the guest gets a CPU.
fn stuck_twice(thread: ThreadId) -> impl FnMut() -> bool + Send {
    let mut before = ThreadState::Running;
    move || {
        let now = thread.state();
        is_stuck(replace(&mut before, now), now)
    }
}

/// Returns whether a thread was blocked at two moments. Many workers whose guests get memory wait for each other all the time: such
/// a thread is stuck only if it has not run between.
fn is_stuck(before: ThreadState, now: ThreadState) -> bool {
    now != ThreadState::Running && now == before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_has_run_between_two_looks_is_not_stuck() {
        use ThreadState::{Held, Running, Waiting};
        for (before, now, expected) in [
            (Waiting, Waiting, true),
            (Held(7), Held(7), true),
            (Held(7), Held(8), false),
            (Held(7), Waiting, false),
            (Waiting, Held(7), false),
            (Running, Waiting, false),
            (Running, Running, false),
        ] {
            assert_eq!(is_stuck(before, now), expected, "{before:?} {now:?}");
        }
    }
}

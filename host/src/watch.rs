//! Watches the invocations of all workers, and decides when a thread is stuck.
//!
//! A thread is stuck if it waits in a call of the host itself that does not return after the invocation's stop: a write to a
//! log that nobody reads, for example. A call for a file that is a pipe, or on a disk that hangs, leaves a thread of the
//! worker's runtime behind. Too many of these threads make the process re-execute itself, too.
//!
//! The watchdog's thread only decides. It claims the answer, and hands a [`StuckInvocation`] to the
//! supervisor.

use std::mem::replace;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::function::Function;
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::process::{self, ThreadId};
use crate::responder::Responder;
use crate::shutdown::Shutdown;
use crate::termination::Termination;
use crate::timeline::{RECHECK, Timeline};
use crate::watchdog::Alarm;

/// Watches the invocations of all workers.
pub struct Watch {
    function: Arc<Function>,
    log: Log,
    workers: usize,
    /// How long the process took to start.
    start_took: OnceLock<Duration>,
    /// The end of the process.
    pub shutdown: Shutdown,
    on_stuck: Box<dyn Fn(StuckInvocation) + Send + Sync>,
}

/// An invocation whose thread is stuck.
pub struct StuckInvocation {
    /// The invocation, if it has not been answered.
    pub unanswered: Option<Arc<Invocation>>,
    /// When the invocation began.
    pub since: Instant,
    /// The invocation's timeline.
    pub timeline: Timeline,
    /// The fate of the thread. `None` if it returned after all.
    pub left: Option<Left>,
}

/// A thread that was left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Another thread takes its place.
    Replaced,
    /// There are too many of these threads: the process ends.
    TooMany,
}

/// The watch over one invocation. The watch ends when the guard is dropped.
pub struct InvocationGuard<'a> {
    watch: &'a Watch,
    progress: Arc<Progress>,
    _alarms: [Alarm<'a>; 2],
}

impl Watch {
    /// Creates the watch over so many workers. `on_stuck` does the work of stuck threads, and must not wait if there
    /// are several workers.
    #[must_use]
    pub fn new(
        function: Arc<Function>,
        log: Log,
        workers: usize,
        termination: Arc<Termination>,
        on_stuck: impl Fn(StuckInvocation) + Send + Sync + 'static,
    ) -> Self {
        Self {
            function,
            log,
            workers,
            start_took: OnceLock::new(),
            shutdown: Shutdown::new(log, termination),
            on_stuck: Box::new(on_stuck),
        }
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

    /// Watches an invocation that `thread` handles.
    pub fn begin<'a>(
        self: &'a Arc<Self>,
        responder: &Responder<'_>,
        timeline: Timeline,
        thread: ThreadId,
    ) -> InvocationGuard<'a> {
        self.shutdown.begin_invocation();
        let progress = Arc::new(Progress::new());
        let since = Instant::now();
        let watchdog = &self.function.watchdog;

        let (watch, its, claim) = (Arc::clone(self), Arc::clone(&progress), responder.claim());
        let mut is_stuck = stuck_twice(thread);
        let unanswered = watchdog.alarm(timeline.stuck, move || {
            if !is_stuck() {
                return Some(Instant::now() + RECHECK);
            }
            // A response that is being sent, or has been, is kept whatever follows it.
            if let Some(invocation) = claim.claim() {
                let left = watch.leave(&its);
                (watch.on_stuck)(StuckInvocation {
                    unanswered: Some(Arc::clone(invocation)),
                    since,
                    timeline,
                    left,
                });
            }
            None
        });

        let (watch, its) = (Arc::clone(self), Arc::clone(&progress));
        let mut is_stuck = stuck_twice(thread);
        let abandoned = watchdog.alarm(timeline.abandon, move || {
            if !is_stuck() {
                return Some(Instant::now() + RECHECK);
            }
            (watch.on_stuck)(StuckInvocation {
                unanswered: None,
                since,
                timeline,
                left: watch.leave(&its),
            });
            None
        });
        InvocationGuard {
            watch: self,
            progress,
            _alarms: [unanswered, abandoned],
        }
    }

    /// Leaves a thread behind. Returns what becomes of its work, or `None` if the thread was not stuck after all.
    fn leave(&self, progress: &Progress) -> Option<Left> {
        // The thread is counted first: it undoes that as soon as it sees that it was left behind.
        let left = match self.shutdown.abandon_thread() {
            true => Left::Replaced,
            false => Left::TooMany,
        };
        if !progress.leave(left) {
            self.shutdown.recover_thread();
            return None;
        }
        self.shutdown.end_invocation();
        Some(left)
    }

    /// Re-executes the process if it has kept much memory of an invocation, which the next one may need, or many threads,
    /// which hang in calls for files. Returns whether that is left to be done, because there is no time for it.
    ///
    /// Does nothing if there are other workers.
    #[must_use]
    pub fn recycle_if_bloated(&self, timeline: &Timeline) -> bool {
        if self.workers > 1 || self.shutdown.is_requested() || !process::is_bloated() {
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
        let shutdown = &self.watch.shutdown;
        match self.progress.finish() {
            None => {
                shutdown.end_invocation();
                true
            }
            Some(left) => {
                shutdown.recover_thread();
                left == Left::TooMany
            }
        }
    }
}

/// Returns a test that is true if a thread was blocked twice in a row. The watchdog interrupts a guest that computes as soon as
/// the guest gets a CPU.
fn stuck_twice(thread: ThreadId) -> impl FnMut() -> bool + Send {
    let mut was_blocked = false;
    move || {
        let is_blocked = thread.is_blocked();
        replace(&mut was_blocked, is_blocked) && is_blocked
    }
}

/// The state of an invocation's thread.
struct Progress(AtomicU8);

impl Progress {
    const UNDERWAY: u8 = 0;
    const REPLACED: u8 = 1;
    const TOO_MANY: u8 = 2;
    const FINISHED: u8 = 3;

    fn new() -> Self {
        Self(AtomicU8::new(Self::UNDERWAY))
    }

    /// Leaves the thread behind. Returns `false` if that has been done, or the invocation has ended.
    fn leave(&self, left: Left) -> bool {
        let becomes = match left {
            Left::Replaced => Self::REPLACED,
            Left::TooMany => Self::TOO_MANY,
        };
        self.0
            .compare_exchange(Self::UNDERWAY, becomes, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Ends the invocation. Returns whether its thread was left behind before.
    fn finish(&self) -> Option<Left> {
        match self.0.swap(Self::FINISHED, Ordering::AcqRel) {
            Self::REPLACED => Some(Left::Replaced),
            Self::TOO_MANY => Some(Left::TooMany),
            _ => None,
        }
    }
}

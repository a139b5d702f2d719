//! Starts the workers, watches over their invocations, and replaces a worker that is stuck.
//!
//! A thread is stuck if it waits in a call of the host's own that does not return after the invocation's deadline: a write
//! to a log that is not read, for example. A call for a file that is a pipe, or on a disk that hangs, leaves a thread of the
//! worker's runtime behind, and too many of those make the process start over, too.
//!
//! The watchdog only decides: it takes the right to answer, and hands the rest over. With one worker there is nothing else
//! to watch, so that the watchdog's own thread reports the failure and re-executes the process, which takes a few
//! milliseconds where Lambda would restart the environment. With several, a thread that stands by reports the failure and
//! becomes the worker's replacement; the stuck thread is left where it is. The process ends after too many of those, and if
//! the Runtime API says that the environment is broken: no further event is asked for, and the invocations under way end
//! first.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::Endpoint;
use crate::deadline::Alarm;
use crate::failure::Failure;
use crate::function::Function;
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::process::{self, ThreadId};
use crate::responder::Responder;
use crate::runtime_api::RuntimeClient;
use crate::timeline::Timeline;
use crate::worker::Worker;

/// How soon a thread that was not seen to be blocked is looked at again, and one that was a second time.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How many threads are left behind before the process ends: each keeps its memory.
const MOST_ABANDONED: usize = 4;

/// How long a last line may wait for a log that is not read.
const LAST_LINE: Duration = Duration::from_millis(5);

/// Why the process ends that cannot replace a worker.
const NO_REPLACEMENT: &str = "a worker is stuck in a call that does not return, and no thread can be had to take its place: lower AWS_LAMBDA_MAX_CONCURRENCY";

/// What became of an invocation's thread: it is at it, another takes its place, it was left without that, it is over.
const UNDERWAY: u8 = 0;
const REPLACED: u8 = 1;
const LEFT: u8 = 2;
const OVER: u8 = 3;

/// Starts, watches and replaces all workers of the process.
pub struct Supervisor {
    pub(crate) function: Arc<Function>,
    endpoint: Arc<Endpoint>,
    pub(crate) log: Log,
    workers: usize,
    started: Instant,
    /// How long the process took to start.
    start_took: OnceLock<Duration>,
    /// What the thread that stands by has to do. All of it is allocated at the start.
    rescues: (SyncSender<Rescue>, Mutex<Receiver<Rescue>>),
    standing_by: AtomicUsize,
    abandoned: AtomicUsize,
    busy: AtomicUsize,
    /// Why the process ends as soon as no invocation is under way.
    ending: OnceLock<String>,
    said_why: AtomicBool,
}

/// A stuck thread's work that is left to do.
struct Rescue {
    /// The invocation to answer, if it has not been answered.
    unanswered: Option<Arc<Invocation>>,
    since: Instant,
    timeline: Timeline,
    /// What becomes of the thread's work; `None` if it returned after all.
    left: Option<Left>,
}

/// A thread that was left behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Another takes its place.
    Replaced,
    /// There are too many of them: the process ends.
    TooMany,
}

/// The watch over one invocation.
pub struct Underway<'a> {
    supervisor: &'a Supervisor,
    state: Arc<AtomicU8>,
    _alarms: [Alarm<'a>; 2],
}

impl Supervisor {
    /// Creates the supervisor of a process that began at `started` and has so many workers.
    #[must_use]
    pub fn new(
        function: Arc<Function>,
        endpoint: Arc<Endpoint>,
        log: Log,
        workers: usize,
        started: Instant,
    ) -> Self {
        let (sender, receiver) = mpsc::sync_channel(workers + MOST_ABANDONED);
        Self {
            function,
            endpoint,
            log,
            workers,
            started,
            start_took: OnceLock::new(),
            rescues: (sender, Mutex::new(receiver)),
            standing_by: AtomicUsize::new(0),
            abandoned: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            ending: OnceLock::new(),
            said_why: AtomicBool::new(false),
        }
    }

    /// Starts the workers that `first` is not. No worker asks for an event before each has its instance, so that a failure
    /// can still be reported as one of the start.
    ///
    /// # Errors
    ///
    /// Returns an error if a worker does not start.
    pub fn start_others(self: &Arc<Self>) -> Result<(), Failure> {
        let others: Vec<Worker> = (1..self.workers)
            .map(|_| Worker::start(self))
            .collect::<Result<_, _>>()?;
        for (number, worker) in (1..).zip(others) {
            let supervisor = Arc::clone(self);
            thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || supervisor.run(worker))
                .map_err(|error| {
                    Failure::new(
                        "Runtime.NoResources",
                        format!("worker {number} cannot have a thread ({error}): lower AWS_LAMBDA_MAX_CONCURRENCY"),
                    )
                })?;
        }
        if self.workers > 1 && !self.stand_by() {
            self.log.host(
                Level::Warn,
                None,
                "no thread is left to replace a stuck worker with: the process ends if a worker gets stuck. Lower AWS_LAMBDA_MAX_CONCURRENCY",
            );
        }
        let _ = self.start_took.set(self.started.elapsed());
        Ok(())
    }

    /// Has a worker handle invocations on this thread, for as long as there are any.
    pub fn run(self: &Arc<Self>, worker: Worker) {
        if let Err(error) = worker.run() {
            self.end(&error.to_string());
        }
    }

    /// Returns whether the process ends as soon as no invocation is under way: no worker asks for another one.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.get().is_some()
    }

    /// Creates a client of the Runtime API for a worker's own use.
    #[must_use]
    pub fn client(&self) -> RuntimeClient {
        RuntimeClient::new(Arc::clone(&self.endpoint), self.log, None)
    }

    /// Watches over an invocation that `thread` handles, until what is returned is dropped.
    pub fn watch<'a>(
        self: &'a Arc<Self>,
        responder: &Responder<'_>,
        timeline: Timeline,
        thread: ThreadId,
    ) -> Underway<'a> {
        self.busy.fetch_add(1, Ordering::AcqRel);
        let state = Arc::new(AtomicU8::new(UNDERWAY));
        let since = Instant::now();
        // A guest that computes is stopped by its own deadline, as soon as it gets a CPU.
        let looks_again = move |was_blocked: &mut bool| {
            let is_blocked = thread.is_blocked();
            let is_stuck = is_blocked && *was_blocked;
            *was_blocked = is_blocked;
            (!is_stuck).then(|| Instant::now() + LOOK_AGAIN)
        };
        let (supervisor, claim, its) = (Arc::clone(self), responder.heir(), Arc::clone(&state));
        let mut was_blocked = false;
        let watchdog = &self.function.watchdog;
        let unanswered = watchdog.alarm(timeline.stuck, move || {
            let again = looks_again(&mut was_blocked);
            if again.is_some() {
                return again;
            }
            // An answer that is out, or on its way, is not given up for what comes after it.
            if let Some(invocation) = claim.claim() {
                let left = supervisor.leave(&its);
                supervisor.rescue(Rescue {
                    unanswered: Some(invocation),
                    since,
                    timeline,
                    left,
                });
            }
            None
        });
        let (supervisor, its) = (Arc::clone(self), Arc::clone(&state));
        let mut was_blocked = false;
        let afterwards = watchdog.alarm(timeline.abandon, move || {
            let again = looks_again(&mut was_blocked);
            if again.is_none() {
                supervisor.rescue(Rescue {
                    unanswered: None,
                    since,
                    timeline,
                    left: supervisor.leave(&its),
                });
            }
            again
        });
        Underway {
            supervisor: self,
            state,
            _alarms: [unanswered, afterwards],
        }
    }

    /// Leaves a thread behind. Returns what becomes of its work, or `None` if the thread was not stuck after all.
    fn leave(&self, state: &AtomicU8) -> Option<Left> {
        // Counted first: the thread takes it back as soon as it sees that it was left.
        let is_replaced = self.abandoned.fetch_add(1, Ordering::AcqRel) < MOST_ABANDONED;
        let (left, becomes) = match is_replaced {
            true => (Left::Replaced, REPLACED),
            false => (Left::TooMany, LEFT),
        };
        let was = state.compare_exchange(UNDERWAY, becomes, Ordering::AcqRel, Ordering::Acquire);
        if was.is_err() {
            self.abandoned.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        self.busy.fetch_sub(1, Ordering::AcqRel);
        Some(left)
    }

    /// Re-executes the process if it has kept much memory of an invocation's, which the next one may need, or many threads,
    /// which hang in calls for files. Returns whether that is still to be done, since there was no time for it.
    ///
    /// Does nothing if there are other workers.
    #[must_use]
    pub fn recycle(&self, timeline: &Timeline) -> bool {
        if self.workers > 1 || !process::is_bloated() {
            return false;
        }
        if !timeline.has_time_for(self.start_takes()) {
            return true;
        }
        let error = process::reexec();
        let line = format!(
            "the process has kept much memory or many threads, and cannot restart: {error}"
        );
        self.log.host(Level::Warn, None, &line);
        false
    }

    /// Returns how long the process takes to start again. Lambda gives a start more CPU than what comes after it.
    fn start_takes(&self) -> Duration {
        let took = self.start_took.get().copied().unwrap_or_default();
        self.function.takes(took)
    }

    /// Has a stuck thread's work done. Called by the watchdog, which must not wait if it has other invocations to watch.
    fn rescue(self: &Arc<Self>, rescue: Rescue) {
        if self.workers == 1 {
            self.report(&rescue);
            if rescue.left.is_some() {
                let error = process::reexec();
                self.end(&format!("the process cannot restart: {error}"));
            }
            return;
        }
        if rescue.unanswered.is_none() && rescue.left.is_none() {
            return;
        }
        let has_relief = self.standing_by.load(Ordering::Acquire) > 0 || self.stand_by();
        if !has_relief || self.rescues.0.try_send(rescue).is_err() {
            // This thread has no time for the log: the last worker says why.
            let _ = self.ending.set(NO_REPLACEMENT.to_owned());
            self.exit_if_idle();
        }
    }

    /// Has a thread stand by, until a worker is stuck. Returns whether there is one.
    fn stand_by(self: &Arc<Self>) -> bool {
        let supervisor = Arc::clone(self);
        self.standing_by.fetch_add(1, Ordering::AcqRel);
        let thread = thread::Builder::new().name("worker".to_owned());
        let spawned = thread.spawn(move || supervisor.relieve()).is_ok();
        if !spawned {
            self.standing_by.fetch_sub(1, Ordering::AcqRel);
        }
        spawned
    }

    /// Waits for a worker that is stuck, reports its failure and takes its place.
    fn relieve(self: &Arc<Self>) {
        while let Some(rescue) = self.next_rescue(Receiver::recv) {
            // The next stuck worker is not left waiting for this one's report.
            let has_successor = self.stand_by();
            self.report(&rescue);
            if rescue.left == Some(Left::TooMany) {
                self.exit_if_idle();
            }
            let is_needed = rescue.left == Some(Left::Replaced) && !self.is_ending();
            if !is_needed && !has_successor {
                continue;
            }
            self.standing_by.fetch_sub(1, Ordering::AcqRel);
            if !is_needed {
                return;
            }
            if !has_successor && let Some(another) = self.next_rescue(Receiver::try_recv) {
                self.standing_by.fetch_add(1, Ordering::AcqRel);
                self.end(NO_REPLACEMENT);
                self.report(&another);
                continue;
            }
            return match Worker::start(self) {
                Ok(worker) => self.run(worker),
                Err(failure) => self.end(&failure.to_string()),
            };
        }
    }

    fn next_rescue<E>(
        &self,
        receive: impl FnOnce(&Receiver<Rescue>) -> Result<Rescue, E>,
    ) -> Option<Rescue> {
        let rescues = self.rescues.1.lock();
        receive(&rescues.unwrap_or_else(PoisonError::into_inner)).ok()
    }

    /// Reports a stuck invocation, if it has not been answered, in a bounded time: the log and the Runtime API may be what is
    /// stuck.
    fn report(&self, rescue: &Rescue) {
        let Some(invocation) = &rescue.unanswered else {
            return;
        };
        // There are two lines that may have to wait: of the report, and of why it was not taken.
        let afterwards = self.start_takes() + 2 * LAST_LINE;
        let within = rescue.timeline.report_within(afterwards);
        let log = self.log.waiting_at_most(LAST_LINE);
        let client = RuntimeClient::new(Arc::clone(&self.endpoint), log, Some(within));
        let failure = stuck(rescue.since);
        // What becomes of the thread does not depend on it.
        let _ = client.fail(invocation, &failure);
        log.failure(Level::Error, Some(&invocation.id), &failure);
    }

    /// Ends the process as soon as no invocation is under way, and says why.
    pub fn end(&self, why: &str) {
        let _ = self.ending.set(why.to_owned());
        self.say_why();
        self.exit_if_idle();
    }

    /// Writes the process's last line, if that has not been done. The log may be what is stuck.
    fn say_why(&self) {
        if let Some(why) = self.ending.get()
            && !self.said_why.swap(true, Ordering::AcqRel)
        {
            let log = self.log.waiting_at_most(LAST_LINE);
            log.host(Level::Fatal, None, why);
        }
    }

    /// Ends the process if it is to end, or has left too many threads behind, and no invocation is under way.
    pub fn exit_if_idle(&self) {
        if self.busy.load(Ordering::Acquire) > 0 {
            return;
        }
        if self.abandoned.load(Ordering::Acquire) > MOST_ABANDONED {
            let why = "too many threads are stuck in calls that do not return";
            let _ = self.ending.set(why.to_owned());
        }
        if self.is_ending() {
            self.say_why();
            std::process::exit(1);
        }
    }
}

impl Underway<'_> {
    /// The invocation is over. Returns whether the thread goes on: not if another has taken its place. A thread that was
    /// left behind is one less that is stuck.
    #[must_use]
    pub fn over(self) -> bool {
        match self.state.swap(OVER, Ordering::AcqRel) {
            UNDERWAY => {
                self.supervisor.busy.fetch_sub(1, Ordering::AcqRel);
                true
            }
            left => {
                self.supervisor.abandoned.fetch_sub(1, Ordering::AcqRel);
                left == LEFT
            }
        }
    }
}

fn stuck(since: Instant) -> Failure {
    Failure {
        is_crash: true,
        ..Failure::new(
            "Function.Timeout",
            format!(
                "the function ran for {} ms and was given up, shortly before Lambda would have ended the process: a call into the host did not return, such as a write to a log that is not read",
                since.elapsed().as_millis()
            ),
        )
    }
}

//! Starts the workers, replaces a worker that is stuck, and ends them all.
//!
//! With one worker there is no other invocation to watch. The watchdog's own thread reports the failure of a stuck worker and
//! re-executes the process, which takes a few milliseconds where Lambda would restart the environment. With several workers,
//! a thread that stands by reports the failure and becomes the worker's replacement. The stuck thread is left where it is.
//!
//! The process ends after too many replacements, if the Runtime API says that the environment is broken, or after SIGTERM. No
//! worker asks for another event then, and the invocations under way end first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Instant;

use crate::config::Endpoint;
use crate::failure::{ErrorType, Failure};
use crate::function::Function;
use crate::log::{Level, Log};
use crate::observer::{InvocationFailed, Started};
use crate::process;
use crate::runtime_api::RuntimeClient;
use crate::shutdown::MAX_ABANDONED;
use crate::termination::Termination;
use crate::timeline::MAX_LOG_WAIT;
use crate::timings::Timings;
use crate::watch::{Left, StuckInvocation, Watch};
use crate::worker::Worker;

/// Why a process ends that cannot replace a worker.
const NO_REPLACEMENT: &str = "a worker is stuck in a call that does not return, and no thread can be had to take its place: lower AWS_LAMBDA_MAX_CONCURRENCY";

/// Starts, replaces and ends all workers of the process.
pub struct Supervisor {
    function: Arc<Function>,
    endpoint: Arc<Endpoint>,
    log: Log,
    workers: usize,
    watch: Arc<Watch>,
    /// The work for the thread that stands by. The channel's memory is allocated at the start.
    stuck: (
        SyncSender<StuckInvocation>,
        Mutex<Receiver<StuckInvocation>>,
    ),
    standing_by: AtomicUsize,
}

impl Supervisor {
    /// Creates the supervisor of so many workers, which `termination` ends.
    #[must_use]
    pub fn new(
        function: Arc<Function>,
        endpoint: Arc<Endpoint>,
        log: Log,
        workers: usize,
        termination: Termination,
    ) -> Arc<Self> {
        let (sender, receiver) = mpsc::sync_channel(workers + MAX_ABANDONED);
        Arc::new_cyclic(|supervisor: &Weak<Self>| {
            let supervisor = Weak::clone(supervisor);
            let on_stuck = move |stuck| {
                if let Some(supervisor) = supervisor.upgrade() {
                    supervisor.take_over(stuck);
                }
            };
            Self {
                watch: Arc::new(Watch::new(
                    Arc::clone(&function),
                    log,
                    workers,
                    Arc::new(termination),
                    on_stuck,
                )),
                function,
                endpoint,
                log,
                workers,
                stuck: (sender, Mutex::new(receiver)),
                standing_by: AtomicUsize::new(0),
            }
        })
    }

    /// Starts the first worker of a process that began at `started`, and returns it for this thread. One worker is enough to
    /// ask for an event: the others follow, on a thread of their own.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the worker does not start.
    pub fn start(
        self: &Arc<Self>,
        started: Instant,
        timings: &mut Timings,
    ) -> Result<Worker, Failure> {
        let mut first = self.worker()?;
        first.create_first()?;
        timings.mark("instance");
        timings.print();
        if self.workers > 1 {
            let supervisor = Arc::clone(self);
            thread_of(1)
                .spawn(move || supervisor.start_others())
                .map_err(|error| no_thread(1, &error))?;
        }
        let took = started.elapsed();
        self.watch.set_start_took(took);
        let event = Started {
            took,
            workers: self.workers,
        };
        let observers = &self.function.observers;
        observers.each(|observer| observer.started(&event));
        Ok(first)
    }

    /// Starts all workers but the first, one after the other: the first has events to handle. The last one runs on this thread.
    fn start_others(self: &Arc<Self>) {
        let shutdown = &self.watch.shutdown;
        for number in 2..self.workers {
            if shutdown.is_requested() {
                return;
            }
            let started = self.worker().and_then(|mut worker| {
                worker.try_create_first();
                let supervisor = Arc::clone(self);
                thread_of(number)
                    .spawn(move || supervisor.begin_work(worker))
                    .map_err(|error| no_thread(number, &error))
            });
            if let Err(failure) = started {
                return shutdown.request_and_log(&failure.to_string());
            }
        }
        if !self.stand_by() {
            self.log.host(
                Level::Warn,
                None,
                "no thread is left to replace a stuck worker with: the process ends if a worker gets stuck. Lower AWS_LAMBDA_MAX_CONCURRENCY",
            );
        }
        self.watch.shutdown.begin_worker();
        self.start_and_work();
    }

    /// Runs the first worker on this thread. The supervisor ends the process when all workers have ended.
    pub fn run(self: &Arc<Self>, first: Worker) -> ! {
        self.begin_work(first);
        loop {
            thread::park();
        }
    }

    fn worker(&self) -> Result<Worker, Failure> {
        let client = RuntimeClient::of_worker(
            Arc::clone(&self.endpoint),
            self.log,
            Arc::clone(&self.watch.shutdown.termination),
        );
        Worker::new(&self.function, client, &self.watch, self.log)
    }

    /// Starts a worker that is already counted on this thread, and runs it until it ends.
    fn start_and_work(&self) {
        match self.worker() {
            Ok(mut worker) => {
                worker.try_create_first();
                self.work(worker);
            }
            Err(failure) => self.watch.shutdown.request_and_log(&failure.to_string()),
        }
    }

    /// Counts a worker, and runs it on this thread until it ends.
    fn begin_work(&self, worker: Worker) {
        self.watch.shutdown.begin_worker();
        self.work(worker);
    }

    /// Runs a worker that is counted on this thread until it ends.
    fn work(&self, worker: Worker) {
        if let Err(error) = worker.run() {
            self.watch.shutdown.request_and_log(&error.to_string());
        }
    }

    /// Does the work of a stuck thread, or has it done. Called by the watchdog, which must not wait if it has other invocations
    /// to watch.
    fn take_over(self: &Arc<Self>, stuck: StuckInvocation) {
        let shutdown = &self.watch.shutdown;
        if self.workers == 1 {
            self.report(&stuck);
            if stuck.left.is_some() {
                if shutdown.is_requested() {
                    return shutdown.end_worker();
                }
                let error = process::reexec();
                let reason = format!("the process cannot restart: {error}");
                shutdown.request_and_log(&reason);
            }
            return;
        }
        if stuck.unanswered.is_none() && stuck.left.is_none() {
            return;
        }
        let has_relief = self.standing_by.load(Ordering::Acquire) > 0 || self.stand_by();
        if !has_relief || self.stuck.0.try_send(stuck).is_err() {
            shutdown.request(NO_REPLACEMENT);
        }
    }

    /// Starts a thread that stands by until a worker is stuck. Returns whether there is such a thread.
    fn stand_by(self: &Arc<Self>) -> bool {
        let supervisor = Arc::clone(self);
        self.standing_by.fetch_add(1, Ordering::AcqRel);
        let thread = thread::Builder::new().name("worker".to_owned());
        let is_spawned = thread.spawn(move || supervisor.relieve()).is_ok();
        if !is_spawned {
            self.standing_by.fetch_sub(1, Ordering::AcqRel);
        }
        is_spawned
    }

    /// Waits for a worker that is stuck, reports its failure and takes its place.
    fn relieve(self: &Arc<Self>) {
        let shutdown = &self.watch.shutdown;
        while let Some(stuck) = self.next_stuck(Receiver::recv) {
            // The next stuck worker does not wait for the report of this one.
            let has_successor = self.stand_by();
            self.report(&stuck);
            if stuck.left == Some(Left::TooMany) {
                shutdown.exit_if_idle();
            }
            let is_left = stuck.left == Some(Left::Replaced);
            let is_needed = is_left && !shutdown.is_requested();
            if is_left && !is_needed {
                shutdown.end_worker();
            }
            if !is_needed && !has_successor {
                continue;
            }
            self.standing_by.fetch_sub(1, Ordering::AcqRel);
            if !is_needed {
                return;
            }
            if !has_successor && let Some(another) = self.next_stuck(Receiver::try_recv) {
                self.standing_by.fetch_add(1, Ordering::AcqRel);
                shutdown.request_and_log(NO_REPLACEMENT);
                self.report(&another);
                continue;
            }
            return self.start_and_work();
        }
    }

    fn next_stuck<E>(
        &self,
        receive: impl FnOnce(&Receiver<StuckInvocation>) -> Result<StuckInvocation, E>,
    ) -> Option<StuckInvocation> {
        let stuck = self.stuck.1.lock();
        receive(&stuck.unwrap_or_else(PoisonError::into_inner)).ok()
    }

    /// Reports a stuck invocation, if it has not been answered, in a bounded time: the log or the Runtime API may be stuck.
    fn report(&self, stuck: &StuckInvocation) {
        let Some(invocation) = &stuck.unanswered else {
            return;
        };
        // Two lines may have to wait: the failure, and why the Runtime API did not take it.
        let afterwards = self.watch.restart_takes() + 2 * MAX_LOG_WAIT;
        let within = stuck.timeline.report_within(afterwards);
        let log = self.log.waiting_at_most(MAX_LOG_WAIT);
        let client = RuntimeClient::new(Arc::clone(&self.endpoint), log, Some(within));
        let failure = stuck_failure(stuck.since);
        // The thread is replaced whether the failure was taken or not.
        let _ = client.fail(invocation, &failure);
        let event = InvocationFailed {
            invocation,
            failure: &failure,
            output: None,
            is_stuck: true,
        };
        let observers = &self.function.observers;
        observers.each(|observer| observer.invocation_failed(&event));
    }
}

/// The thread of a worker.
fn thread_of(number: usize) -> thread::Builder {
    thread::Builder::new().name(format!("worker-{number}"))
}

/// Creates the failure of a worker that cannot have a thread.
fn no_thread(number: usize, error: &std::io::Error) -> Failure {
    Failure::new(
        ErrorType::NoResources,
        format!("worker {number} cannot have a thread ({error}): lower AWS_LAMBDA_MAX_CONCURRENCY"),
    )
}

/// Creates the failure of an invocation that began at `since`, and whose thread is stuck.
fn stuck_failure(since: Instant) -> Failure {
    Failure {
        is_crash: true,
        ..Failure::new(
            ErrorType::Timeout,
            format!(
                "the function ran for {} ms and was given up, shortly before Lambda would have ended the process: a call into the host did not return, such as a write to a log that is not read",
                since.elapsed().as_millis()
            ),
        )
    }
}

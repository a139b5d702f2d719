//! Starts the workers, replaces a worker that is stuck, and ends them all.
//!
//! With one worker there is no other invocation to watch. The watchdog's own thread reports the failure of a stuck worker and
//! re-executes the process, which takes a few milliseconds where Lambda would restart the environment. With several workers,
//! a thread that stands by reports the failure and becomes the worker's replacement. The stuck thread is left where it is.
//!
//! The process ends after too many replacements, if the Runtime API says that the environment is broken, or after SIGTERM. No
//! worker asks for another event then, and the invocations under way end first.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Instant;

use lambda_wasm_lifecycle::{Crew, Left, MAX_ABANDONED, Relief, Shutdown};

use crate::failure::{ErrorType, Failure};
use crate::function::Function;
use crate::log::{Level, Log};
use crate::observer::{InvocationFailed, Started};
use crate::panics;
use crate::process;
use crate::runtime_api::{Endpoint, RuntimeClient};
use crate::termination::Termination;
use crate::timeline::{MAX_LOG_WAIT, MIN_REPORT};
use crate::timings::Timings;
use crate::watch::{StuckInvocation, Watch};
use crate::worker::Worker;

/// Why a process ends that does not replace a worker.
const NOT_REPLACED: &str = "a worker is stuck in a call that does not return, and is not replaced, since the policy has `lockdown = true`";

/// Starts, replaces and ends all workers of the process.
pub struct Supervisor {
    function: Arc<Function>,
    endpoint: Arc<Endpoint>,
    log: Log,
    workers: usize,
    watch: Arc<Watch>,
    relief: Relief<StuckInvocation>,
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
                    &endpoint,
                    log,
                    workers,
                    Arc::new(termination),
                    on_stuck,
                )),
                function,
                endpoint,
                log,
                workers,
                relief: Relief::new(workers + MAX_ABANDONED),
            }
        })
    }

    /// Prepares the process for a snapshot: creates an instance, and drops it. What an instance needs is in memory then, and its
    /// failure is the start's.
    ///
    /// Copies of the snapshot may not share random numbers. A thread keeps the state of its generator, so this one ends.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the component does not start.
    pub fn rehearse(self: &Arc<Self>, timings: &mut Timings) -> Result<(), Failure> {
        let supervisor = Arc::clone(self);
        let first = move || panics::catch(|| supervisor.worker()?.create_first());
        let thread = thread_of(1).spawn(first);
        let ended = thread.map_err(|error| no_thread(1, &error))?.join();
        // The panic is caught, and has been logged if it was not.
        ended.unwrap_or(Ok(()))?;
        timings.mark("instance");
        timings.print();
        Ok(())
    }

    /// Serves after a restore, with threads, instances, connections and credentials that the snapshot did not have. `report` is
    /// called if the first worker does not start, and ends the process.
    pub fn run_restored(self: &Arc<Self>, report: impl Fn(&Failure) + Send + Sync + 'static) -> ! {
        self.function.credentials.forget();
        let (supervisor, restored) = (Arc::clone(self), Instant::now());
        let report = Arc::new(report);
        let reported = Arc::clone(&report);
        let serve = move || {
            let mut timings = Timings::new(None, restored);
            match panics::catch(|| supervisor.start(restored, &mut timings)) {
                Ok(worker) => supervisor.begin_worker(worker),
                Err(failure) => reported(&failure),
            }
        };
        if let Err(error) = thread_of(1).spawn(serve) {
            report(&no_thread(1, &error));
        }
        loop {
            thread::park();
        }
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
        for number in 2..self.workers {
            if self.watch.is_ending() {
                return;
            }
            let started = self.worker().and_then(|mut worker| {
                worker.try_create_first();
                let supervisor = Arc::clone(self);
                thread_of(number)
                    .spawn(move || supervisor.begin_worker(worker))
                    .map_err(|error| no_thread(number, &error))
            });
            if let Err(failure) = started {
                let shutdown = &self.watch.shutdown;
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
        Crew::work(self);
    }

    /// Runs the first worker on this thread. The supervisor ends the process when all workers have ended.
    pub fn run(self: &Arc<Self>, first: Worker) -> ! {
        self.begin_worker(first);
        loop {
            thread::park();
        }
    }

    /// Creates a client of the Runtime API, which has no connection yet.
    #[must_use]
    pub fn client(&self) -> RuntimeClient {
        let termination = Arc::clone(&self.watch.termination);
        RuntimeClient::of_worker(Arc::clone(&self.endpoint), self.log, termination)
    }

    fn worker(&self) -> Result<Worker, Failure> {
        Worker::new(&self.function, self.client(), &self.watch, self.log)
    }

    /// Counts a worker, and runs it on this thread until it ends.
    fn begin_worker(&self, worker: Worker) {
        self.watch.shutdown.begin_worker();
        self.run_worker(worker);
    }

    /// Runs a worker that is counted on this thread until it ends.
    fn run_worker(&self, worker: Worker) {
        if let Err(error) = worker.run() {
            self.watch.shutdown.request_and_log(&error.to_string());
        }
    }

    /// Does the work of a stuck thread, or has it done. Called by the watchdog, which must not wait long if it has other
    /// invocations to watch.
    fn take_over(self: &Arc<Self>, stuck: StuckInvocation) {
        if self.workers > 1 {
            return self.hand_over(stuck);
        }
        if self.report(stuck, false).is_some() {
            if self.watch.is_ending() {
                return self.retire();
            }
            let error = process::reexec();
            let reason = format!("the process cannot restart: {error}");
            self.watch.shutdown.request_and_log(&reason);
        }
    }
}

impl Crew for Supervisor {
    type Stuck = StuckInvocation;

    fn relief(&self) -> &Relief<StuckInvocation> {
        &self.relief
    }

    fn shutdown(&self) -> &Shutdown {
        &self.watch.shutdown
    }

    fn is_ending(&self) -> bool {
        self.watch.is_ending()
    }

    fn retire(&self) {
        self.watch.end_worker();
    }

    fn spawn(&self, work: impl FnOnce() + Send + 'static) -> bool {
        let thread = thread::Builder::new().name("worker".to_owned());
        thread.spawn(work).is_ok()
    }

    /// The log or the Runtime API may be stuck.
    fn report(&self, invocation: StuckInvocation, watches: bool) -> Option<Left> {
        let StuckInvocation {
            stuck,
            invocation,
            since,
            timeline,
        } = invocation;
        // A new thread could not open what it needs, and a new process could not be executed.
        if stuck.left.is_some() && self.function.policy().lockdown {
            self.watch.shutdown.request(NOT_REPLACED);
        }
        if !stuck.is_unanswered {
            return stuck.left;
        }
        // Two lines may have to wait: the failure, and why the Runtime API did not take it.
        let afterwards = self.watch.restart_takes() + 2 * MAX_LOG_WAIT;
        let within = match watches {
            true => MIN_REPORT,
            false => timeline.report_within(afterwards),
        };
        let log = self.log.waiting_at_most(MAX_LOG_WAIT);
        let client = RuntimeClient::new(Arc::clone(&self.endpoint), log, Some(within));
        let failure = stuck_failure(since);
        // The thread is replaced whether the failure was taken or not.
        let _ = client.fail(&invocation, &failure);
        let event = InvocationFailed {
            invocation: &invocation,
            failure: &failure,
            output: None,
            is_stuck: true,
        };
        let observers = &self.function.observers;
        observers.each(|observer| observer.invocation_failed(&event));
        stuck.left
    }

    /// Starts a worker on this thread, and runs it until it ends.
    fn work(self: &Arc<Self>) {
        match self.worker() {
            Ok(mut worker) => {
                worker.try_create_first();
                self.run_worker(worker);
            }
            Err(failure) => self.watch.shutdown.request_and_log(&failure.to_string()),
        }
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

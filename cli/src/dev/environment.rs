//! The execution environment of one function: a `bootstrap` with its Runtime API. It is started,
//! killed and replaced like an environment of Lambda.

pub(super) mod extensions;
mod invocation;
mod launch;
pub mod log;
mod memory;
pub mod process;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{self, Arc, PoisonError};
use std::time::Duration;

use lambda_wasm_emulator::{Function, Outcome, Post, ShutdownReason};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::explain;
use super::functions::Limits;
use super::history::Record;
use super::setup::Code;
use super::watch::Fingerprint;
use log::Destination;
use process::{InUse, Process};

/// The longest wait before a bootstrap that keeps failing is started again.
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// An environment of a function. It serves as many events at the same time as its limits allow.
pub(super) struct ExecutionEnvironment {
    function: Function,
    code: Code,
    limits: Limits,
    /// Locked while a process starts or ends, and not while it serves an event.
    state: Mutex<State>,
    /// One for each event at the same time.
    slots: Arc<Semaphore>,
    /// The invocation to which the lines of the log belong: the last one that began.
    logging: Arc<sync::Mutex<Option<Record>>>,
    /// The time at which the process was started, or its last invocation ended.
    idle_since: sync::Mutex<Option<Instant>>,
    /// The number of consecutive processes that ended without a response.
    failures: AtomicU32,
}

/// The state that changes over time.
#[derive(Default)]
struct State {
    process: Option<Arc<Process>>,
    /// The duration of the process's start, until the first invocation.
    init: Option<Duration>,
    /// The files that the last process was started from.
    fingerprint: Option<Fingerprint>,
    /// The time at which the process may be started again.
    not_before: Option<Instant>,
}

/// The right to invoke in an environment once, until this is dropped.
pub(super) struct Claim {
    _slot: Option<OwnedSemaphorePermit>,
    /// Its share of the function's concurrency.
    _permit: Option<OwnedSemaphorePermit>,
}

impl ExecutionEnvironment {
    /// Creates an environment without a process.
    pub fn new(function: Function, code: Code, limits: Limits) -> Self {
        Self {
            function,
            code,
            limits,
            state: Mutex::default(),
            slots: Arc::new(Semaphore::new(limits.events.min(Semaphore::MAX_PERMITS))),
            logging: Arc::default(),
            idle_since: sync::Mutex::default(),
            failures: AtomicU32::new(0),
        }
    }

    /// Claims the environment, if it can serve another event.
    pub fn try_claim(&self, permit: &mut Option<OwnedSemaphorePermit>) -> Option<Claim> {
        let slot = self.slots.clone().try_acquire_owned().ok()?;
        Some(Claim {
            _slot: Some(slot),
            _permit: permit.take(),
        })
    }

    /// Claims the environment once it can serve another event.
    pub async fn claim(&self, permit: Option<OwnedSemaphorePermit>) -> Claim {
        Claim {
            _slot: self.slots.clone().acquire_owned().await.ok(),
            _permit: permit,
        }
    }

    /// Starts the process, or restarts it if its files have changed. Logs a failure.
    pub async fn start(&self) {
        let mut state = self.state.lock().await;
        if state.fingerprint.as_ref() != Some(&self.fingerprint()) {
            // The log of this start belongs to no invocation.
            self.log_to(None);
            // The failure is logged, and is the outcome of the next request.
            drop(self.ready(&mut state).await);
        }
    }

    /// Ends the process if no event came for so long. The next event starts another.
    pub async fn end_if_idle(&self, after: Duration) {
        let Some(_all) = self.claim_all() else {
            return;
        };
        let Ok(mut state) = self.state.try_lock() else {
            return;
        };
        let since = *self
            .idle_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_idle = since.is_some_and(|since| since.elapsed() >= after);
        if is_idle && state.process.is_some() {
            self.end_process(&mut state, ShutdownReason::Spindown).await;
            let seconds = after.as_secs_f64();
            self.log(&format!(
                "no event for {seconds} s: the environment has ended"
            ));
        }
    }

    /// Ends the process, unless it serves an event.
    pub async fn end(&self) {
        if let Some(_all) = self.claim_all()
            && let Ok(mut state) = self.state.try_lock()
        {
            self.end_process(&mut state, ShutdownReason::Spindown).await;
        }
    }

    /// Claims the environment alone, if it serves no event.
    fn claim_all(&self) -> Option<OwnedSemaphorePermit> {
        let all = u32::try_from(self.limits.events).ok()?;
        self.slots.clone().try_acquire_many_owned(all).ok()
    }

    /// Returns a process that runs the present files and waits for an event.
    async fn ready(&self, state: &mut State) -> Result<(Arc<Process>, InUse), Outcome> {
        let fingerprint = self.fingerprint();
        let changed = state.fingerprint.as_ref() != Some(&fingerprint);
        let running = state
            .process
            .as_ref()
            .filter(|process| process.is_running());
        if let Some(process) = running.filter(|_| !changed) {
            return Ok((process.clone(), process.begin_use().await));
        }
        if changed && state.fingerprint.is_some() {
            self.log("files have changed: restarting");
            self.failures.store(0, Ordering::Relaxed);
            state.not_before = None;
        }
        if let Some(old) = running.cloned() {
            state.process = None;
            // Its invocations go on, and nothing waits for them.
            tokio::spawn(async move {
                old.end_of_use().await;
                old.end(ShutdownReason::Spindown).await;
            });
        }
        let process = state.process.as_ref();
        if let Some(failure) = process.and_then(|process| process.extension_failure()) {
            self.log(&format!("{}: {failure}", failure.kind));
        }
        self.end_process(state, ShutdownReason::Failure).await;
        if let Some(time) = state.not_before.take() {
            sleep_until(time).await;
        }
        state.fingerprint = Some(fingerprint);
        let begun = Instant::now();
        let (events, log) = (self.limits.events, self.destination());
        match Process::start(&self.function, &self.code, events, log).await {
            Ok(mut process) => {
                state.init = Some(begun.elapsed());
                if self.function.has_snap_start && self.limits.events == 1 {
                    self.log("the bootstrap was restored, as by SnapStart");
                }
                // A start has more CPU on Lambda, and as much time as it needs for its memory.
                process.limit_memory(self.function.memory_mb);
                if self.limits.cpu
                    && let Err(error) = process.limit_cpu(self.function.memory_mb)
                {
                    self.log(&format!("--cpu has no effect: {error}"));
                }
                self.rest_from_now();
                let process = Arc::new(process);
                state.process = Some(process.clone());
                let in_use = process.begin_use().await;
                Ok((process, in_use))
            }
            Err(outcome) => {
                match &outcome {
                    Outcome::InitError(post) => self.log(&error_text("the start", post)),
                    Outcome::ExtensionFailed(failure) => {
                        self.log(&format!("{}: {failure}", failure.kind));
                    }
                    Outcome::Lost(why) => self.log(why),
                    other => self.log(&format!("{other:?}")),
                }
                self.back_off(state);
                Err(outcome)
            }
        }
    }

    /// Ends a process that has failed, unless it has ended already. The next request starts another
    /// after a pause that grows.
    async fn fail(&self, process: &Arc<Process>) {
        let mut state = self.state.lock().await;
        if is_present(&state, process) {
            self.end_process(&mut state, ShutdownReason::Failure).await;
            self.back_off(&mut state);
        }
    }

    /// Delays the next start, longer after each failure.
    fn back_off(&self, state: &mut State) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed);
        let pause = Duration::from_millis(100) * 2_u32.pow(failures.min(10));
        state.not_before = Some(Instant::now() + pause.min(MAX_BACKOFF));
    }

    /// Notes that the process has nothing to do from now on.
    fn rest_from_now(&self) {
        let idle_since = self.idle_since.lock();
        *idle_since.unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Has the log belong to this invocation from now on.
    fn log_to(&self, record: Option<&Record>) {
        let logging = self.logging.lock();
        *logging.unwrap_or_else(PoisonError::into_inner) = record.cloned();
    }

    /// Ends the process, if there is one. The next request starts another.
    async fn end_process(&self, state: &mut State, reason: ShutdownReason) {
        if let Some(process) = state.process.take() {
            process.end(reason).await;
        }
    }

    /// The terminal, and the invocation to which the log belongs.
    fn destination(&self) -> Destination {
        let (terminal, logging) = (Destination::stderr(), self.logging.clone());
        Destination::new(move |lines| {
            terminal.take(lines);
            let logging = logging.lock();
            let record = &*logging.unwrap_or_else(PoisonError::into_inner);
            if let Some(record) = record.as_ref().filter(|_| !lines.is_empty()) {
                record.change(|entry| entry.log(lines));
            }
        })
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::read(&self.code, &self.function.handler)
    }

    fn log(&self, what: &str) {
        super::log(&format!("{}: {what}", self.function.name));
    }
}

/// Returns whether a process is the one that serves events now.
fn is_present(state: &State, process: &Arc<Process>) -> bool {
    let present = state.process.as_ref();
    present.is_some_and(|present| Arc::ptr_eq(present, process))
}

/// Returns the line about a failure, with its type, and the next step when the type is new. The bootstrap
/// has logged the message and the stack trace.
fn error_text(what: &str, post: &Post) -> String {
    match post.json()["errorType"].as_str() {
        Some("") => format!("{what} failed"),
        Some(kind) => match explain::once(kind) {
            Some(remedy) => format!("{what} failed: {kind}\nhint: {remedy} (docs/errors.md)"),
            None => format!("{what} failed: {kind}"),
        },
        None => format!("{what} failed: {}", post.text()),
    }
}

#[cfg(test)]
mod tests;

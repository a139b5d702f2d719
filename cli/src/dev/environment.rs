//! The execution environment of one function: a `bootstrap` with its Runtime API. It is started,
//! killed and replaced like an environment of Lambda.

mod extensions;
mod launch;
pub mod log;
pub mod process;

use std::sync::{self, Arc, PoisonError};
use std::time::Duration;

use lambda_wasm_emulator::{End, Function, Invocation, LogTail, Outcome, Post, ShutdownReason};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::explain;
use super::failure::Failure;
use super::functions::{self, Limits};
use super::history::Record;
use super::report::Metrics;
use super::setup::Code;
use super::source;
use super::watch::Fingerprint;
use log::Destination;
use process::Process;

/// The longest wait before a bootstrap that keeps failing is started again.
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// An environment of a function. It serves one event at a time.
pub(super) struct ExecutionEnvironment {
    function: Function,
    code: Code,
    limits: Limits,
    state: Arc<Mutex<State>>,
    /// The invocation to which the lines of the log belong.
    logging: Arc<sync::Mutex<Option<Record>>>,
}

/// The state that changes over time.
#[derive(Default)]
struct State {
    process: Option<Process>,
    /// The duration of the process's start, until the first invocation.
    init: Option<Duration>,
    /// The files that the last process was started from.
    fingerprint: Option<Fingerprint>,
    /// The number of consecutive processes that ended without a response.
    failures: u32,
    /// The time at which the process may be started again.
    not_before: Option<Instant>,
    /// The time at which the process was started, or its last invocation ended.
    idle_since: Option<Instant>,
}

/// The right to use an environment, until this is dropped.
pub(super) struct Claim {
    state: OwnedMutexGuard<State>,
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
            state: Arc::default(),
            logging: Arc::default(),
        }
    }

    /// Claims the environment, if it is not in use.
    pub fn try_claim(&self, permit: &mut Option<OwnedSemaphorePermit>) -> Option<Claim> {
        let state = self.state.clone().try_lock_owned().ok()?;
        let _permit = permit.take();
        Some(Claim { state, _permit })
    }

    /// Claims the environment once it is not in use.
    pub async fn claim(&self, permit: Option<OwnedSemaphorePermit>) -> Claim {
        Claim {
            state: self.state.clone().lock_owned().await,
            _permit: permit,
        }
    }

    /// Starts the process, or restarts it if its files have changed. Logs a failure.
    pub async fn start(&self) {
        let mut state = self.state.lock().await;
        if state.fingerprint.as_ref() != Some(&self.fingerprint()) {
            // The failure is logged, and is the outcome of the next request.
            drop(self.ready(&mut state).await);
        }
    }

    /// Ends the process if no event came for so long. The next event starts another.
    pub async fn end_if_idle(&self, after: Duration) {
        let Ok(mut state) = self.state.try_lock() else {
            return;
        };
        let is_idle = state
            .idle_since
            .is_some_and(|since| since.elapsed() >= after);
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
        if let Ok(mut state) = self.state.try_lock() {
            self.end_process(&mut state, ShutdownReason::Spindown).await;
        }
    }

    /// Invokes the function. Starts a process if none runs or its files have changed. While a response
    /// streams, the process is busy, and further events wait.
    pub async fn invoke(
        self: &Arc<Self>,
        mut claim: Claim,
        record: Record,
        invocation: Invocation,
        log: Option<LogTail>,
    ) -> Outcome {
        self.log_to(&claim.state, &record);
        let arrived = Instant::now();
        let process = match self.ready(&mut claim.state).await {
            Ok(process) => process,
            Err(outcome) => {
                let failure = self.failure(&outcome);
                record.change(|entry| {
                    entry.part("Start", arrived.into());
                    entry.failed(failure);
                });
                self.report(&mut claim.state, &record, None);
                return outcome;
            }
        };
        let begun = Instant::now();
        let mut outcome = process.invoke(invocation).await;
        record.change(|entry| {
            if begun - arrived > functions::WAIT_SHOWN {
                entry.part_until("Start", arrived.into(), begun.into());
            }
            entry.part("Until the response", begun.into());
        });
        match &mut outcome {
            Outcome::Streamed(stream) => {
                record.change(|entry| entry.streams(&stream.headers));
                let seen = record.clone();
                stream.listen(move |chunk| seen.change(|entry| entry.piece(&chunk.bytes)));
                let end = stream.end();
                tokio::spawn(self.clone().follow(claim, end, log, record, begun));
            }
            other => {
                let took = begun.elapsed();
                let failure = self.failure(other);
                record.change(|entry| match &*other {
                    Outcome::Response(post) => entry.responded(post),
                    _ => entry.failed(failure),
                });
                end_log(&mut claim.state, Some(other), log).await;
                self.report(&mut claim.state, &record, Some(took));
                self.settle(&mut claim.state, other, &record).await;
            }
        }
        outcome
    }

    /// Returns the failure of an outcome, with places in the source if they are known. Logs these.
    fn failure(&self, outcome: &Outcome) -> Option<Failure> {
        let mut failure = Failure::of(outcome, self.function.timeout)?;
        let artifact = self
            .code
            .root
            .join(format!("{}.cwasm", self.function.handler));
        let explained = source::explain(&artifact, &failure.trace);
        if explained != failure.trace {
            self.log(&format!(
                "the places in the source:\n{}",
                explained.join("\n")
            ));
            failure.trace = explained;
        }
        Some(failure)
    }

    /// Has the log belong to this invocation from now on.
    fn log_to(&self, state: &State, record: &Record) {
        if let Some(process) = &state.process {
            process.pass_log_on();
        }
        let logging = self.logging.lock();
        *logging.unwrap_or_else(PoisonError::into_inner) = Some(record.clone());
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

    /// Waits for the end of a response that streams to a client.
    async fn follow(
        self: Arc<Self>,
        mut claim: Claim,
        end: impl Future<Output = End>,
        log: Option<LogTail>,
        record: Record,
        begun: Instant,
    ) {
        let state = &mut *claim.state;
        let Some(process) = state.process.as_mut() else {
            return;
        };
        let streams = Instant::now();
        let end = process.follow(end).await;
        let took = begun.elapsed();
        let is_cut = matches!(end, End::Cut);
        let failed = Outcome::failed_end(end);
        let failure = failed.as_ref().and_then(|outcome| self.failure(outcome));
        record.change(|entry| {
            entry.part("Stream", streams.into());
            entry.failed(failure);
        });
        end_log(state, failed.as_ref(), log).await;
        self.report(state, &record, Some(took));
        match failed {
            None => state.failures = 0,
            Some(_) if is_cut => self.log("the response was cut off before its end"),
            Some(outcome) => self.settle(state, &outcome, &record).await,
        }
    }

    /// Reports an invocation, which has taken this long unless the process did not start.
    fn report(&self, state: &mut State, record: &Record, took: Option<Duration>) {
        let metrics = Metrics {
            duration: took,
            init: state.init.take(),
            memory_mb: self.function.memory_mb,
            used_mb: state.process.as_ref().and_then(Process::max_memory_mb),
        };
        state.idle_since = Some(Instant::now());
        record.change(|entry| entry.ended(metrics));
    }

    /// Logs a failure, and ends a process that cannot be used again.
    async fn settle(&self, state: &mut State, outcome: &Outcome, record: &Record) {
        match outcome {
            Outcome::Response(_) | Outcome::Streamed(_) => state.failures = 0,
            Outcome::Error(post) => {
                state.failures = 0;
                self.log(&error_text("the invocation", post));
            }
            Outcome::TooLarge { size } => {
                self.log(&format!("the response has {size} bytes: too many"))
            }
            Outcome::TimedOut => {
                let seconds = self.function.timeout.as_secs_f64();
                self.log(&format!("Task timed out after {seconds:.2} seconds"));
                self.end_process(state, ShutdownReason::Timeout).await;
            }
            Outcome::InitError(post) => {
                self.log(&error_text("the start", post));
                self.fail(state).await;
            }
            Outcome::ExtensionFailed(failure) => {
                self.log(&format!("{}: {failure}", failure.kind));
                self.fail(state).await;
            }
            Outcome::Lost(why) => {
                self.log(why);
                if state.process.as_ref().is_some_and(Process::is_over_memory) {
                    let size = self.function.memory_mb;
                    let note = format!(
                        "it had more memory than its MemorySize, {size} MB: Lambda ends such an environment"
                    );
                    self.log(&note);
                    record.change(|entry| entry.note(&note));
                }
                self.fail(state).await;
            }
            Outcome::NotTaken => {
                self.log("the bootstrap no longer asks for events");
                self.fail(state).await;
            }
        }
    }

    /// Returns a process that runs the present files and waits for an event.
    async fn ready<'a>(&self, state: &'a mut State) -> Result<&'a mut Process, Outcome> {
        let fingerprint = self.fingerprint();
        let changed = state.fingerprint.as_ref() != Some(&fingerprint);
        let running = state.process.as_mut().is_some_and(Process::is_running);
        if changed || !running {
            if changed && state.fingerprint.is_some() {
                self.log("files have changed: restarting");
                state.failures = 0;
                state.not_before = None;
            }
            let reason = match running {
                true => ShutdownReason::Spindown,
                false => ShutdownReason::Failure,
            };
            let process = state.process.as_ref();
            if let Some(failure) = process.and_then(Process::extension_failure) {
                self.log(&format!("{}: {failure}", failure.kind));
            }
            self.end_process(state, reason).await;
            if let Some(time) = state.not_before.take() {
                sleep_until(time).await;
            }
            state.fingerprint = Some(fingerprint);
            let begun = Instant::now();
            match Process::start(&self.function, &self.code, self.destination()).await {
                Ok(mut process) => {
                    state.init = Some(begun.elapsed());
                    // A start has more CPU on Lambda, and as much time as it needs for its memory.
                    process.limit_memory(self.function.memory_mb);
                    if self.limits.cpu
                        && let Err(error) = process.limit_cpu(self.function.memory_mb)
                    {
                        self.log(&format!("--cpu has no effect: {error}"));
                    }
                    state.idle_since = Some(Instant::now());
                    state.process = Some(process);
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
                    self.fail(state).await;
                    return Err(outcome);
                }
            }
        }
        let gone = || Outcome::Lost("the process is gone".to_owned());
        state.process.as_mut().ok_or_else(gone)
    }

    /// Ends a process that has failed. The next request starts another after a pause that grows.
    async fn fail(&self, state: &mut State) {
        self.end_process(state, ShutdownReason::Failure).await;
        let pause = Duration::from_millis(100) * 2_u32.pow(state.failures.min(10));
        state.not_before = Some(Instant::now() + pause.min(MAX_BACKOFF));
        state.failures += 1;
    }

    /// Ends the process, if there is one. The next request starts another.
    async fn end_process(&self, state: &mut State, reason: ShutdownReason) {
        if let Some(process) = state.process.take() {
            process.end(reason).await;
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::read(&self.code, &self.function.handler)
    }

    fn log(&self, what: &str) {
        super::log(&format!("{}: {what}", self.function.name));
    }
}

/// Passes on the invocation's log before its outcome is logged, and sends the end of the log to its
/// receiver. `None` stands for a streamed response that is complete.
async fn end_log(state: &mut State, outcome: Option<&Outcome>, log: Option<LogTail>) {
    let Some(process) = state.process.as_mut() else {
        return;
    };
    match outcome {
        Some(Outcome::Error(_)) => process.rest().await,
        None | Some(Outcome::Response(_) | Outcome::TooLarge { .. }) if log.is_some() => {
            process.rest().await;
        }
        _ => process.pass_log_on(),
    }
    if let Some(log) = log {
        // The caller may have disconnected.
        let _ = log.send(process.log_tail());
    }
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

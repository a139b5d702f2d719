//! The invocations of an environment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lambda_wasm_emulator::{End, Invocation, LogTail, Outcome, ShutdownReason};
use tokio::time::Instant;

use super::process::{InUse, Process};
use super::{Claim, ExecutionEnvironment, error_text, is_present};
use crate::dev::failure::Failure;
use crate::dev::functions;
use crate::dev::history::Record;
use crate::dev::report::Metrics;
use crate::dev::source;

/// An invocation whose response streams to a client.
struct Streaming {
    claim: Claim,
    process: Arc<Process>,
    in_use: InUse,
    record: Record,
    log: Option<LogTail>,
    init: Option<Duration>,
    begun: Instant,
}

impl ExecutionEnvironment {
    /// Invokes the function. Starts a process if none runs or its files have changed. While a response
    /// streams, the process is busy.
    pub async fn invoke(
        self: &Arc<Self>,
        claim: Claim,
        record: Record,
        invocation: Invocation,
        log: Option<LogTail>,
    ) -> Outcome {
        let arrived = Instant::now();
        let ready = {
            let mut state = self.state.lock().await;
            if let Some(process) = &state.process {
                process.pass_log_on();
            }
            self.log_to(Some(&record));
            let ready = self.ready(&mut state).await;
            ready.map(|ready| (ready, state.init.take()))
        };
        let ((process, in_use), init) = match ready {
            Ok(ready) => ready,
            Err(outcome) => {
                let failure = self.failure(&outcome);
                record.change(|entry| {
                    entry.part("Start", arrived.into());
                    entry.failed(failure);
                });
                self.report(None, &record, None, None);
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
                let streaming = Streaming {
                    claim,
                    process,
                    in_use,
                    record,
                    log,
                    init,
                    begun,
                };
                tokio::spawn(self.clone().follow(streaming, end));
            }
            other => {
                let took = begun.elapsed();
                let failure = self.failure(other);
                record.change(|entry| match &*other {
                    Outcome::Response(post) => entry.responded(post),
                    _ => entry.failed(failure),
                });
                end_log(&process, Some(other), log).await;
                // A task that ends the process waits for the end of its use, with the lock.
                drop(in_use);
                self.report(Some(&process), &record, init, Some(took));
                self.settle(&process, other, &record).await;
            }
        }
        outcome
    }

    /// Returns the failure of an outcome, with places in the source if they are known. Logs these.
    fn failure(&self, outcome: &Outcome) -> Option<Failure> {
        let mut failure = Failure::of(outcome, self.function.timeout)?;
        let name = format!("{}.cwasm", self.function.handler);
        let explained = source::explain(&self.code.root.join(name), &failure.trace);
        if explained != failure.trace {
            let places = explained.join("\n");
            self.log(&format!("the places in the source:\n{places}"));
            failure.trace = explained;
        }
        Some(failure)
    }

    /// Waits for the end of a response that streams to a client.
    async fn follow(self: Arc<Self>, streaming: Streaming, end: impl Future<Output = End>) {
        let Streaming {
            claim,
            process,
            in_use,
            record,
            log,
            init,
            begun,
        } = streaming;
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
        end_log(&process, failed.as_ref(), log).await;
        drop(in_use);
        self.report(Some(&process), &record, init, Some(took));
        match failed {
            None => self.failures.store(0, Ordering::Relaxed),
            Some(_) if is_cut => self.log("the response was cut off before its end"),
            Some(outcome) => self.settle(&process, &outcome, &record).await,
        }
        drop(claim);
    }

    /// Reports an invocation, which has taken this long unless the process did not start.
    fn report(
        &self,
        process: Option<&Process>,
        record: &Record,
        init: Option<Duration>,
        took: Option<Duration>,
    ) {
        let metrics = Metrics {
            duration: took,
            init,
            memory_mb: self.function.memory_mb,
            used_mb: process.and_then(Process::max_memory_mb),
        };
        self.rest_from_now();
        record.change(|entry| entry.ended(metrics));
    }

    /// Logs a failure, and ends a process that cannot be used again.
    async fn settle(&self, process: &Arc<Process>, outcome: &Outcome, record: &Record) {
        match outcome {
            Outcome::Response(_) | Outcome::Streamed(_) => {
                self.failures.store(0, Ordering::Relaxed);
            }
            Outcome::Error(post) => {
                self.failures.store(0, Ordering::Relaxed);
                self.log(&error_text("the invocation", post));
            }
            Outcome::TooLarge { size } => {
                self.log(&format!("the response has {size} bytes: too many"))
            }
            Outcome::TimedOut => {
                let seconds = self.function.timeout.as_secs_f64();
                self.log(&format!("Task timed out after {seconds:.2} seconds"));
                // A Lambda Managed Instance goes on with the other invocations.
                if self.limits.events == 1 {
                    let mut state = self.state.lock().await;
                    if is_present(&state, process) {
                        self.end_process(&mut state, ShutdownReason::Timeout).await;
                    }
                }
            }
            Outcome::InitError(post) => {
                self.log(&error_text("the start", post));
                self.fail(process).await;
            }
            Outcome::ExtensionFailed(failure) => {
                self.log(&format!("{}: {failure}", failure.kind));
                self.fail(process).await;
            }
            Outcome::Lost(why) => {
                self.log(why);
                if process.is_over_memory() {
                    let size = self.function.memory_mb;
                    let note = format!(
                        "it had more memory than its MemorySize, {size} MB: Lambda ends such an environment"
                    );
                    self.log(&note);
                    record.change(|entry| entry.note(&note));
                }
                self.fail(process).await;
            }
            Outcome::NotTaken => {
                self.log("the bootstrap no longer asks for events");
                self.fail(process).await;
            }
        }
    }
}

/// Passes on the invocation's log before its outcome is logged, and sends the end of the log to its
/// receiver. `None` stands for a streamed response that is complete.
async fn end_log(process: &Process, outcome: Option<&Outcome>, log: Option<LogTail>) {
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

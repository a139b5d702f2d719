//! The loop that a Lambda runtime is: wait for an invocation, handle it, answer it.
//!
//! One worker is one thread that handles one invocation at a time, with a connection and a tokio runtime of its own.
//! Workers share nothing that changes but the watchdog.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::allocator::{self, Helpers};
use crate::failure::Failure;
use crate::function::{Function, Sandbox};
use crate::log::{Level, Log};
use crate::outbound::Client;
use crate::process::ThreadId;
use crate::responder::Responder;
use crate::runtime_api::{RuntimeApiError, RuntimeClient};
use crate::supervisor::Supervisor;
use crate::timeline::Timeline;

/// One thread of the host.
pub struct Worker {
    function: Arc<Function>,
    client: RuntimeClient,
    /// Sends the requests of all its instances.
    outbound: Client,
    runtime: Runtime,
    /// The runtime's other threads.
    helpers: Helpers,
    supervisor: Arc<Supervisor>,
    log: Log,
    /// The instance that waits for the next invocation, made ahead or kept; none if it could not be made ahead.
    sandbox: Option<Sandbox>,
    /// A used instance that there was no time to drop.
    leftover: Option<Sandbox>,
    /// How long the last instance took to be made ahead.
    instance_took: Duration,
    /// Whether the process has to be re-executed, and there was no time for it.
    is_bloated: bool,
}

impl Worker {
    /// A worker with its first instance, made while Lambda counts it as the start.
    ///
    /// # Errors
    ///
    /// If the component does not start.
    pub fn start(supervisor: &Arc<Supervisor>) -> Result<Self, Failure> {
        let function = Arc::clone(&supervisor.function);
        function.watchdog.start().map_err(|error| {
            Failure::new(
                "Runtime.NoResources",
                format!("deadlines cannot be watched, since no thread can be had: {error}"),
            )
        })?;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        // Timers and sockets are looked at between any two tasks, each of whose turns is bounded: a deadline does not wait for
        // all the connections of a worker to have had theirs.
        runtime.enable_time().event_interval(1);
        // They wait for files.
        let helpers = Helpers::new();
        runtime.on_thread_start(move || helpers.join());
        // Only what needs it: an I/O driver is three descriptors.
        if function.streams() || function.sends() {
            runtime.enable_io();
        }
        let runtime = runtime.build().map_err(|error| {
            Failure::new(
                "Runtime.NoResources",
                format!("the runtime for asynchronous calls cannot be made: {error}"),
            )
        })?;
        let client = supervisor.client();
        let outbound = function.client(client.addresses().to_vec());
        let since = Instant::now();
        let sandbox = runtime.block_on(function.sandbox(&outbound, None))?;
        Ok(Self {
            function,
            client,
            outbound,
            runtime,
            helpers,
            log: supervisor.log,
            supervisor: Arc::clone(supervisor),
            sandbox: Some(sandbox),
            leftover: None,
            // Lambda gives a start more CPU than what comes after it:
            // https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
            instance_took: supervisor.function.takes(since.elapsed()),
            is_bloated: false,
        })
    }

    /// Handles invocations for as long as the Runtime API has any, until another worker has taken its place, since it was
    /// stuck, or until the process is to end.
    ///
    /// # Errors
    ///
    /// Why the process has to end.
    pub fn run(mut self) -> Result<(), RuntimeApiError> {
        self.helpers.adopt();
        let thread = ThreadId::current();
        while !self.supervisor.is_ending() {
            let invocation = Arc::new(self.client.next()?);
            if !invocation.deadline.is_known {
                self.log.host(
                    Level::Warn,
                    Some(&invocation.id),
                    "the deadline (Lambda-Runtime-Deadline-Ms) is invalid: assuming 15 minutes",
                );
            }
            let responder = Responder::new(&self.client, Arc::clone(&invocation), self.log);
            let timeline = self.function.timeline(&invocation);
            let underway = self.supervisor.watch(&responder, timeline, thread);
            let (sandbox, leftover) = (self.sandbox.take(), self.leftover.take());
            let handled = or_report_panic(&responder, || {
                let outbound = &self.outbound;
                self.runtime.block_on(async {
                    drop(leftover);
                    self.function
                        .invoke(sandbox, outbound, &invocation, &responder, timeline)
                        .await
                })
            });
            if !underway.over() {
                return Ok(());
            }
            let used = handled?;
            // An instance that is not kept has outlived the answer: giving its memory back takes longer than sending it.
            self.tidy_up(used, &timeline, responder.has_failed());
            self.supervisor.exit_if_idle();
        }
        Ok(())
    }

    /// Does what comes after an answer: drops the used instance, or keeps it, and makes the next one.
    ///
    /// AWS counts an answered invocation as timed out if the next event is not asked for before its deadline. What there is
    /// no time for is left for the next invocation.
    fn tidy_up(&mut self, used: Option<Sandbox>, timeline: &Timeline, has_failed: bool) {
        let is_kept = |used: &Sandbox| !has_failed && self.function.may_serve(used);
        let has_time = |used: &Sandbox| timeline.has_time_for(self.function.drop_takes(used));
        let mut dropped = None;
        match used {
            Some(used) if is_kept(&used) => self.sandbox = Some(used),
            Some(used) if !has_time(&used) => {
                self.leftover = Some(used);
                self.is_bloated = true;
                return;
            }
            used => dropped = used,
        }
        self.runtime.block_on(async {
            drop(dropped);
            self.outbound.settle().await;
        });
        let may_be_bloated = self.sandbox.is_none() && (has_failed || allocator::excess() > 0);
        if self.is_bloated || may_be_bloated {
            self.is_bloated = self.supervisor.recycle(timeline);
        }
        if self.sandbox.is_none() {
            self.sandbox = self.make_ahead(timeline);
        }
    }

    /// Makes the next instance off the path of any invocation: the answer is out, and the next event has not been asked for.
    /// If it cannot be made, or not in time, the next invocation makes its own, and gets the failure.
    fn make_ahead(&mut self, timeline: &Timeline) -> Option<Sandbox> {
        if self.supervisor.is_ending() || !timeline.has_time_for(self.instance_took) {
            return None;
        }
        let since = Instant::now();
        let until = Some(timeline.ask_next_by);
        let made = or_panic(|| {
            let sandbox = self.function.sandbox(&self.outbound, until);
            self.runtime.block_on(sandbox)
        });
        self.instance_took = since.elapsed();
        let level = match timeline.has_time_for(Duration::ZERO) {
            true => Level::Warn,
            // It was stopped for being late.
            false => Level::Debug,
        };
        made.inspect_err(|failure| self.log.failure(level, None, failure))
            .ok()
    }
}

/// Does an invocation's work. A panic in it, which is a fault of this host, becomes the invocation's failure.
fn or_report_panic<T: Default>(
    responder: &Responder<'_>,
    work: impl FnOnce() -> Result<T, RuntimeApiError>,
) -> Result<T, RuntimeApiError> {
    // What the work owns is gone after a panic; what it borrows holds no state that could be half changed.
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        responder.fail(&panicked(&*panic))?;
        Ok(T::default())
    })
}

/// Does what a start is made of. A panic in it is a failure to report, as any other.
///
/// # Errors
///
/// What the work returns, or its panic.
pub fn or_panic<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Failure {
        is_crash: true,
        ..Failure::new(
            "Runtime.Panic",
            format!(
                "the runtime itself panicked, which is a bug in it, not in the function: {message}"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::config::Endpoint;
    use crate::invocation::Invocation;
    use crate::log::Format;

    /// Runs work for an invocation, and returns what the Runtime API got for it.
    fn sent_by(work: impl FnOnce(&Responder<'_>) -> Result<(), RuntimeApiError>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // As `localhost` is: nobody listens at the first of its addresses.
        let nobody = TcpListener::bind("127.0.0.1:0")
            .and_then(|closed| closed.local_addr())
            .unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            loop {
                let read = stream.read(&mut part).unwrap();
                if read == 0 {
                    return String::from_utf8(request).unwrap();
                }
                request.extend_from_slice(&part[..read]);
                let reply = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(reply.as_bytes()).unwrap();
            }
        });
        let (name, prefix) = (address.to_string(), String::new());
        let endpoint = Endpoint {
            name,
            addresses: vec![nobody, address],
            prefix,
        };
        let log = Log::new((Format::Text, Level::Fatal));
        let client = RuntimeClient::new(Arc::new(endpoint), log, None);
        let id = (
            "lambda-runtime-aws-request-id".parse().unwrap(),
            "id-1".parse().unwrap(),
        );
        let invocation = Invocation::new([id].into_iter().collect(), Vec::new()).unwrap();
        let responder = Responder::new(&client, Arc::new(invocation), log);
        or_report_panic(&responder, || work(&responder)).unwrap();
        drop(client);
        server.join().unwrap()
    }

    #[test]
    fn a_panic_of_the_hosts_own_is_the_invocations_failure() {
        let sent = sent_by(|_| panic!("on purpose"));
        assert!(
            sent.starts_with("POST /2018-06-01/runtime/invocation/id-1/error HTTP/1.1\r\n"),
            "{sent}"
        );
        assert!(
            sent.contains("lambda-runtime-function-error-type: Runtime.Panic\r\n"),
            "{sent}"
        );
        assert!(sent.contains("on purpose"), "{sent}");
    }

    #[test]
    fn a_panic_after_the_answer_sends_no_second_one() {
        let sent = sent_by(|responder| {
            responder.respond("application/json", b"{}")?;
            panic!("too late to matter")
        });
        assert!(
            sent.starts_with("POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\n"),
            "{sent}"
        );
        assert_eq!(sent.matches("POST ").count(), 1, "{sent}");
    }
}

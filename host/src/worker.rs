//! The loop that a Lambda runtime is: wait for an invocation, handle it, answer it.
//!
//! One worker is one thread that handles one invocation at a time, with a connection and a tokio runtime of its own.
//! Workers share nothing that changes but the watchdog.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::allocator::{self, Helpers};
use crate::failure::Failure;
use crate::function::{Function, Sandbox};
use crate::log::{Level, Log};
use crate::outbound::Client;
use crate::rescue::Rescue;
use crate::responder::Responder;
use crate::runtime_api::{RuntimeApiError, RuntimeClient};

/// One thread of the host.
pub struct Worker {
    function: Arc<Function>,
    client: RuntimeClient,
    /// Sends the requests of all its instances.
    outbound: Client,
    runtime: Runtime,
    /// The runtime's other threads.
    helpers: Helpers,
    rescue: Arc<Rescue>,
    log: Log,
    /// The instance that waits for the next invocation, made ahead or kept; none if it could not be made ahead.
    sandbox: Option<Sandbox>,
}

impl Worker {
    /// A worker with its first instance, made while Lambda counts it as the start.
    ///
    /// # Errors
    ///
    /// If the component does not start.
    pub fn start(rescue: &Arc<Rescue>) -> Result<Self, Failure> {
        let function = Arc::clone(&rescue.function);
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
        let client = rescue.client();
        let outbound = function.client(client.addresses().to_vec());
        let sandbox = runtime.block_on(function.sandbox(&outbound))?;
        Ok(Self {
            function,
            client,
            outbound,
            runtime,
            helpers,
            log: rescue.log,
            rescue: Arc::clone(rescue),
            sandbox: Some(sandbox),
        })
    }

    /// Handles invocations for as long as the Runtime API has any, or until another worker has taken its place, since it
    /// was stuck.
    ///
    /// # Errors
    ///
    /// Why the process has to end.
    pub fn run(mut self) -> Result<(), RuntimeApiError> {
        self.helpers.adopt();
        loop {
            let invocation = Arc::new(self.client.next()?);
            if !invocation.deadline.is_known {
                self.log.host(
                    Level::Warn,
                    Some(&invocation.id),
                    "the deadline (Lambda-Runtime-Deadline-Ms) makes no sense: assuming the longest that Lambda allows",
                );
            }
            let responder = Responder::new(&self.client, Arc::clone(&invocation), self.log);
            let limit = self.function.limit(&invocation);
            let underway = self.rescue.watch(&responder, limit, invocation.deadline.at);
            let sandbox = self.sandbox.take();
            let handled = or_report_panic(&responder, || {
                let outbound = &self.outbound;
                let invoke =
                    self.function
                        .invoke(sandbox, outbound, &invocation, &responder, limit);
                self.runtime.block_on(invoke)
            });
            if !underway.over() {
                return Ok(());
            }
            let kept = handled?;
            self.runtime.block_on(self.outbound.settle());
            if kept.is_none() && (responder.has_failed() || allocator::excess() > 0) {
                self.rescue.leave_nothing_behind();
            }
            // Off the path of any invocation: the answer is out, and the next event has not been asked for.
            self.sandbox = kept.or_else(|| self.make_ahead());
        }
    }

    /// The next instance. One that cannot be made is tried again for the next invocation, which then gets the failure.
    fn make_ahead(&self) -> Option<Sandbox> {
        or_panic(|| self.runtime.block_on(self.function.sandbox(&self.outbound)))
            .inspect_err(|failure| self.log.failure(Level::Warn, None, failure))
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
        let client = RuntimeClient::new(Arc::new(endpoint), log);
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

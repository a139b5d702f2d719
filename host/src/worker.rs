//! The loop of a Lambda runtime: wait for an invocation, handle it, answer it.
//!
//! A worker is a thread that handles one invocation at a time, with its own connection and its own tokio runtime. Workers
//! share the function, which does not change, and the watch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_wasm_memory::allocator::{self, ThreadGroup};
use tokio::runtime::Runtime;

use crate::call::invoke;
use crate::failure::{ErrorType, Failure};
use crate::function::Function;
use crate::instance::Instance;
use crate::log::Log;
use crate::observer::{InvocationBegun, InvocationEnded, NextInstanceFailed};
use crate::outbound::Client;
use crate::panics;
use crate::responder::Responder;
use crate::runtime_api::{RuntimeApiError, RuntimeClient};
use crate::timeline::Timeline;
use crate::watch::Watch;

/// One thread of the host.
pub struct Worker {
    function: Arc<Function>,
    client: RuntimeClient,
    /// Sends the requests of all instances of this worker.
    outbound: Client,
    runtime: Runtime,
    /// The other threads of the tokio runtime, which wait for files.
    helpers: ThreadGroup,
    watch: Arc<Watch>,
    log: Log,
    /// The instance for the next invocation, created ahead or kept. `None` if it could not be created ahead.
    instance: Option<Instance>,
    /// A used instance that has not been dropped yet, for lack of time.
    leftover: Option<Instance>,
    /// How long it took to create the last instance ahead.
    instance_took: Duration,
    /// Whether the process may have to be re-executed, and has not been yet for lack of time.
    is_bloated: bool,
}

impl Worker {
    /// Creates a worker that has no instance yet.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the system has no thread or file descriptor for it.
    pub fn new(
        function: &Arc<Function>,
        client: RuntimeClient,
        watch: &Arc<Watch>,
        log: Log,
    ) -> Result<Self, Failure> {
        function.watchdog.start().map_err(|error| {
            Failure::new(
                ErrorType::NoResources,
                format!("deadlines cannot be watched, since no thread can be had: {error}"),
            )
        })?;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        // tokio looks at timers and sockets between any two tasks, whose turns are bounded: a timeout does not wait until all
        // connections of the worker have had their turn.
        runtime.enable_time().event_interval(1);
        let helpers = ThreadGroup::new();
        runtime.on_thread_start(move || helpers.register());
        // An I/O driver takes three file descriptors.
        if function.is_streaming() || function.allows_outbound_http() {
            runtime.enable_io();
        }
        let runtime = runtime.build().map_err(|error| {
            Failure::new(
                ErrorType::NoResources,
                format!("the runtime for asynchronous calls cannot be made: {error}"),
            )
        })?;
        let outbound = function.outbound_client(client.addresses().to_vec());
        Ok(Self {
            function: Arc::clone(function),
            client,
            outbound,
            runtime,
            helpers,
            log,
            watch: Arc::clone(watch),
            instance: None,
            leftover: None,
            instance_took: Duration::ZERO,
            is_bloated: false,
        })
    }

    /// Creates the first instance. Lambda counts that as the start.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the component does not start.
    pub fn create_first(&mut self) -> Result<(), Failure> {
        let since = Instant::now();
        let instance = Instance::create_ahead(&self.function, &self.outbound, None);
        self.instance = Some(self.runtime.block_on(instance)?);
        // Lambda gives a start more CPU than an invocation:
        // https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
        self.instance_took = self.function.wall_time(since.elapsed());
        Ok(())
    }

    /// Creates the first instance, unless that fails: then the first invocation creates it, and gets the failure.
    pub fn try_create_first(&mut self) {
        let since = Instant::now();
        if let Err(failure) = panics::catch(|| self.create_first()) {
            let event = NextInstanceFailed {
                since,
                failure: &failure,
                is_late: false,
            };
            let observers = &self.function.observers;
            observers.each(|observer| observer.next_instance_failed(&event));
        }
    }

    /// Handles invocations until the process is to end, or until another worker has taken the place of this one, which was
    /// stuck.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has to end.
    pub fn run(mut self) -> Result<(), RuntimeApiError> {
        self.helpers.attach();
        let thread = self.watch.enter();
        while !self.watch.is_ending() {
            let Some(invocation) = self.client.next()? else {
                break;
            };
            let invocation = Arc::new(invocation);
            let observers = &self.function.observers;
            let responder =
                Responder::new(&self.client, Arc::clone(&invocation), observers, self.log);
            let timeline = self.function.timeline(&invocation);
            let guard = self.watch.begin(&responder, timeline, &thread);
            let event = InvocationBegun {
                invocation: &invocation,
            };
            observers.each(|observer| observer.invocation_begun(&event));
            let (instance, leftover) = (self.instance.take(), self.leftover.take());
            let handled = or_report_panic(&responder, || {
                let (function, outbound) = (&self.function, &self.outbound);
                self.runtime.block_on(async {
                    drop(leftover);
                    invoke(
                        function,
                        instance,
                        outbound,
                        &invocation,
                        &responder,
                        timeline,
                    )
                    .await
                })
            });
            let used = handled.as_ref().ok().and_then(Option::as_ref);
            let event = InvocationEnded {
                invocation: &invocation,
                error_type: responder.error_type(),
                memory: used.map(Instance::memory),
            };
            observers.each(|observer| observer.invocation_ended(&event));
            if !guard.finish() {
                return Ok(());
            }
            let used = handled?;
            if self.watch.termination.is_requested() {
                break;
            }
            // A used instance is dropped after the response: to give its memory back takes longer than to send a response.
            self.tidy_up(used, &timeline, responder.has_failed());
        }
        self.watch.end_worker();
        Ok(())
    }

    /// Drops the used instance, or keeps it, and creates the next one.
    ///
    /// AWS counts an answered invocation as timed out if the next event is not asked for before its deadline. Work for which
    /// there is no time is left for the next invocation.
    fn tidy_up(&mut self, used: Option<Instance>, timeline: &Timeline, has_failed: bool) {
        let is_kept = |used: &Instance| !has_failed && used.may_serve(&self.function);
        let has_time = |used: &Instance| timeline.has_time_for(used.drop_takes(&self.function));
        let mut dropped = None;
        match used {
            Some(used) if is_kept(&used) => self.instance = Some(used),
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
        let may_be_bloated =
            self.instance.is_none() && (has_failed || allocator::peak_over_limit() > 0);
        if self.is_bloated || may_be_bloated {
            self.is_bloated = self.watch.recycle_if_bloated(timeline);
        }
        if self.instance.is_none() {
            self.instance = self.create_ahead(timeline);
        }
    }

    /// Creates the next instance after the response, before the next event is asked for. If the instance is not created in
    /// time, or at all, the next invocation creates its own and gets the failure.
    fn create_ahead(&mut self, timeline: &Timeline) -> Option<Instance> {
        if self.watch.is_ending() || !timeline.has_time_for(self.instance_took) {
            return None;
        }
        let since = Instant::now();
        let until = Some(timeline.ask_next_by);
        let created = panics::catch(|| {
            let instance = Instance::create_ahead(&self.function, &self.outbound, until);
            self.runtime.block_on(instance)
        });
        self.instance_took = since.elapsed();
        created
            .inspect_err(|failure| {
                let event = NextInstanceFailed {
                    since,
                    failure,
                    is_late: !timeline.has_time_for(Duration::ZERO),
                };
                let observers = &self.function.observers;
                observers.each(|observer| observer.next_instance_failed(&event));
            })
            .ok()
    }
}

/// Does an invocation's work. A panic of the host in it becomes the invocation's failure.
fn or_report_panic<T: Default>(
    responder: &Responder<'_>,
    work: impl FnOnce() -> Result<T, RuntimeApiError>,
) -> Result<T, RuntimeApiError> {
    panics::catch_as(work, |failure| {
        responder.report(&failure)?;
        Ok(T::default())
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::invocation::Invocation;
    use crate::log::{Format, Level};
    use crate::observer::Observers;
    use crate::runtime_api::Endpoint;

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
        let endpoint = Endpoint::new(name, vec![nobody, address], prefix);
        let log = Log::new((Format::Text, Level::Fatal));
        let client = RuntimeClient::new(Arc::new(endpoint), log, None);
        let id = (
            "lambda-runtime-aws-request-id".parse().unwrap(),
            "id-1".parse().unwrap(),
        );
        let invocation = Invocation::new([id].into_iter().collect(), Vec::new()).unwrap();
        let observers = Observers::new(vec![Box::new(log)]);
        let responder = Responder::new(&client, Arc::new(invocation), &observers, log);
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

//! The events of the process that an observer may want to know: a log, a tracer, metrics.
//!
//! `main` lists the observers. The [log](Log) is the first: its lines about invocations and outgoing requests are written here. A [trace](trace) is another.
//!
//! An event borrows its fields, and has the moment of a beginning, from which an observer computes a duration. So an event that
//! no observer wants allocates nothing and reads no clock. A method runs on the thread of the step that it reports: it must
//! return soon, and must not panic.

mod log;
pub mod trace;

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use wasmtime_wasi_http::Error;

use crate::failure::Failure;
use crate::guest_output::GuestOutput;
use crate::invocation::Invocation;
use crate::policy::Origin;

/// Receives the events of the process. Each method does nothing by default.
pub trait Observer: Send + Sync {
    /// Whether the observer wants to know how long outgoing requests take. If no observer does, no clock is read for them.
    fn times_requests(&self) -> bool {
        false
    }

    /// All workers have their first instance.
    fn started(&self, event: &Started) {
        let _ = event;
    }

    /// A worker has an event.
    fn invocation_begun(&self, event: &InvocationBegun<'_>) {
        let _ = event;
    }

    /// An instance was created, and its start code has run.
    fn instance_made(&self, event: &InstanceMade) {
        let _ = event;
    }

    /// The instance for a later invocation could not be created.
    fn next_instance_failed(&self, event: &NextInstanceFailed<'_>) {
        let _ = event;
    }

    /// A function sends a request, which its policy allows.
    fn request_begun(&self, event: &RequestBegun<'_>) {
        let _ = event;
    }

    /// A function's request is not sent, since its policy does not allow it.
    fn request_denied(&self, event: &RequestDenied<'_>) {
        let _ = event;
    }

    /// A request failed, or its response has been read or dropped.
    fn request_ended(&self, event: &RequestEnded<'_>) {
        let _ = event;
    }

    /// An invocation failed, perhaps after its response.
    fn invocation_failed(&self, event: &InvocationFailed<'_>) {
        let _ = event;
    }

    /// An invocation has been answered, and its call has ended.
    fn invocation_ended(&self, event: &InvocationEnded<'_>) {
        let _ = event;
    }
}

/// The end of the start.
#[derive(Debug, Clone, Copy)]
pub struct Started {
    /// How long the start took, from `main` on.
    pub took: Duration,
    /// How many invocations can run at the same time.
    pub workers: usize,
}

/// The beginning of an invocation.
#[derive(Debug, Clone, Copy)]
pub struct InvocationBegun<'a> {
    /// The invocation, with its id, headers and beginning.
    pub invocation: &'a Invocation,
}

/// A new instance.
#[derive(Debug, Clone, Copy)]
pub struct InstanceMade {
    /// When its creation began.
    pub since: Instant,
    /// The size of its memories and tables, in bytes.
    pub memory: usize,
}

/// An instance that could not be created ahead.
#[derive(Debug, Clone, Copy)]
pub struct NextInstanceFailed<'a> {
    /// When its creation began.
    pub since: Instant,
    /// Why it failed.
    pub failure: &'a Failure,
    /// Whether its start code was stopped because the worker had to ask for the next event.
    pub is_late: bool,
}

/// The beginning of a request.
#[derive(Clone, Copy)]
pub struct RequestBegun<'a> {
    /// The request.
    pub request: RequestId<'a>,
    /// Its method.
    pub method: &'a Method,
    /// The path of its URL, without the query.
    pub path: &'a str,
    /// The service of AWS for which the host signs the request, if it does.
    pub signed: Option<&'a str>,
    /// Why the host does not sign the request, although it may be meant to.
    pub unsigned: Option<&'a dyn Display>,
}

/// A request that is not sent.
#[derive(Clone, Copy)]
pub struct RequestDenied<'a> {
    /// The request.
    pub request: RequestId<'a>,
    /// Its method.
    pub method: &'a Method,
    /// The path of its URL, without the query.
    pub path: &'a str,
    /// Why it is denied.
    pub why: &'a dyn Display,
}

/// The end of a request.
#[derive(Clone, Copy)]
pub struct RequestEnded<'a> {
    /// The request.
    pub request: RequestId<'a>,
    /// When it began, if an observer [wants to know](Observer::times_requests).
    pub since: Option<Instant>,
    /// How it ended.
    pub outcome: RequestOutcome<'a>,
}

/// Which request an event is about.
#[derive(Debug, Clone, Copy)]
pub struct RequestId<'a> {
    /// The invocation that it belongs to. `None` if start code sends it.
    pub invocation: Option<&'a Invocation>,
    /// Its number among the requests of its instance.
    pub number: usize,
    /// Where it goes.
    pub origin: &'a Origin,
    /// The output of its instance. Lines about the request count as the guest's output.
    pub output: &'a GuestOutput,
}

/// How a request ended.
#[derive(Clone, Copy)]
pub enum RequestOutcome<'a> {
    /// There was a response with this status. Its body may have been left unread.
    Answered(StatusCode),
    /// There was no response.
    Failed {
        /// The error that the function gets.
        code: &'a Error,
        /// The cause, if the error does not tell it.
        cause: Option<&'a dyn Display>,
    },
    /// The function dropped the request, or its instance ended, before there was a response.
    Dropped,
}

/// A failure of an invocation.
#[derive(Debug, Clone, Copy)]
pub struct InvocationFailed<'a> {
    /// The invocation.
    pub invocation: &'a Invocation,
    /// Why it failed.
    pub failure: &'a Failure,
    /// The output of its instance, if it has one. The failure's line is cut to what the invocation may still write.
    pub output: Option<&'a GuestOutput>,
    /// Whether the invocation's thread is stuck. Nothing may wait then, not even for the log.
    pub is_stuck: bool,
}

/// The end of an invocation.
#[derive(Debug, Clone, Copy)]
pub struct InvocationEnded<'a> {
    /// The invocation.
    pub invocation: &'a Invocation,
    /// The type of its failure. `None` if it succeeded.
    pub error_type: Option<&'a str>,
    /// The size of the instance's memories and tables, in bytes. `None` if there is no instance.
    pub memory: Option<usize>,
}

/// All observers of the process. Clones are the same observers.
#[derive(Clone)]
pub struct Observers(Arc<[Box<dyn Observer>]>);

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observers").field(&self.0.len()).finish()
    }
}

impl Observers {
    /// Creates the list of observers, which receive each event in this order.
    #[must_use]
    pub fn new(observers: Vec<Box<dyn Observer>>) -> Self {
        Self(observers.into())
    }

    /// Hands an event to each observer.
    pub fn each(&self, observe: impl Fn(&dyn Observer)) {
        for observer in &*self.0 {
            observe(&**observer);
        }
    }

    /// Reads the clock for a request that begins, if an observer wants to know how long it takes.
    #[must_use]
    pub fn request_clock(&self) -> Option<Instant> {
        let is_timed = self.0.iter().any(|observer| observer.times_requests());
        is_timed.then(Instant::now)
    }
}

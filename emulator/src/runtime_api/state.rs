//! The rules of the Runtime API, without I/O: the runtimes that hold events, and the answers that count.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::extensions::registry::Extensions;
use super::invocation::{INVOCATION_ID, TRACE_ID};
use super::telemetry::Telemetry;
use super::telemetry::events::Status;
use super::{End, ExtensionFailure, Invocation, Outcome, Post, Violation};

/// The most bytes that a buffered answer may have: 6 MiB and the 100 bytes that Lambda allows on
/// top, as its own Runtime Interface Emulator counts (`MaxPayloadSize`).
pub const MAX_ANSWER: usize = 6 * 1024 * 1024 + 100;

/// The state of the Runtime API.
#[derive(Default)]
pub(super) struct State {
    /// Events that no runtime has taken yet.
    queue: VecDeque<Queued>,
    /// Events that a runtime holds, by request id.
    pub open: HashMap<String, OpenEvent>,
    /// The ends of the request ids that were handed out.
    pub closed: HashMap<String, Closed>,
    /// Events handed out so far.
    attempts: usize,
    /// The reason why events can no longer be served, if there is one.
    pub failed: Option<Failed>,
    /// The function that extensions register for.
    pub function: Description,
    pub extensions: Extensions,
    pub telemetry: Telemetry,
    /// Whether the runtime has SnapStart, and has not asked for its restore.
    pub must_be_restored: bool,
    /// Runtimes that wait in `next` now.
    pub waiting: usize,
    /// Calls of `next` so far.
    pub next_calls: usize,
    /// TCP connections accepted so far.
    pub connections: usize,
    /// Breaches of the contract so far.
    pub violations: Vec<Violation>,
}

/// The first failure that ended the environment.
pub(super) enum Failed {
    /// The runtime reported an init error.
    Init(Post),
    /// An extension failed.
    Extension(ExtensionFailure),
    /// The runtime's process has ended, for this reason.
    Exited(String),
}

/// The failure of a runtime that asks for an event before its restore. Lambda does not publish such a version:
/// <https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html>.
const NOT_RESTORED: &str = "the function has SnapStart, and the bootstrap asked for an event before its restore (GET /2018-06-01/runtime/restore/next): Lambda would not publish the version\nhint: use the bootstrap of lambda-wasm, or remove SnapStart from the function in the template";

/// The facts about a function that the APIs for extensions need.
pub(super) struct Description {
    pub name: String,
    pub handler: String,
    pub memory_mb: u32,
    /// Whether it runs on a Lambda Managed Instance.
    pub is_managed: bool,
}

impl Default for Description {
    /// Returns the description of the function of [`Invocation::new`].
    fn default() -> Self {
        Self {
            name: "function".to_owned(),
            handler: String::new(),
            memory_mb: 128,
            is_managed: false,
        }
    }
}

struct Queued {
    invocation: Invocation,
    outcome: oneshot::Sender<Outcome>,
    /// The timer that ends its patience.
    _timer: Timer,
}

/// An event that a runtime holds.
pub(super) struct OpenEvent {
    /// The number of the attempt with this request id.
    pub attempt: usize,
    expected_echo: Option<String>,
    /// The time at which it was handed out.
    pub begun: Instant,
    /// Its tracing header.
    pub trace: Option<HeaderValue>,
    pub waiter: Waiter,
    /// The timer that ends it at its deadline.
    _timer: Timer,
}

/// The receivers of an event's outcome.
pub(super) enum Waiter {
    /// The caller that submitted it, until it is answered.
    Outcome(oneshot::Sender<Outcome>),
    /// The streamed answer, which may have to end early.
    Stream(oneshot::Sender<End>),
}

impl Waiter {
    /// Sends the outcome. A receiver that was dropped is not an error.
    pub fn end(self, outcome: Outcome) {
        match (self, outcome) {
            (Self::Outcome(waiter), outcome) => drop(waiter.send(outcome)),
            (Self::Stream(stream), Outcome::TimedOut) => drop(stream.send(End::TimedOut)),
            (Self::Stream(stream), Outcome::Lost(why)) => drop(stream.send(End::Lost(why))),
            (Self::Stream(stream), Outcome::ExtensionFailed(failure)) => {
                drop(stream.send(End::Lost(failure.to_string())));
            }
            // Only its own end ends a stream.
            (Self::Stream(stream), _) => drop(stream.send(End::Cut)),
        }
    }
}

/// A task that runs later, unless this is dropped before.
pub(super) struct Timer(pub AbortHandle);

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The end of an event.
#[derive(Clone, Copy)]
pub(super) enum Closed {
    Answered,
    Expired,
    /// The environment has failed.
    Failed,
}

/// An event on its way out through `next`.
pub(super) struct Handout {
    pub headers: HeaderMap,
    pub event: Bytes,
}

/// The kind of a runtime's answer.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Response,
    Error,
}

/// The reason why an answer or an init error is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    InvalidRequestId,
    TooLarge,
    Stale,
    InvalidState,
}

impl Failed {
    /// Returns the outcome of the events that the environment does not serve.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Init(post) => Outcome::InitError(post.clone()),
            Self::Extension(failure) => Outcome::ExtensionFailed(failure.clone()),
            Self::Exited(why) => Outcome::Lost(why.clone()),
        }
    }
}

impl State {
    /// Queues an event for the next runtime that asks.
    pub fn submit(
        &mut self,
        invocation: Invocation,
        outcome: oneshot::Sender<Outcome>,
        timer: Timer,
    ) {
        match &self.failed {
            // A receiver that was dropped is not an error, here and below.
            Some(failed) => drop(outcome.send(failed.outcome())),
            None => self.queue.push_back(Queued {
                invocation,
                outcome,
                _timer: timer,
            }),
        }
    }

    /// Counts a call of `next`.
    pub fn enter_next(&mut self) {
        self.next_calls += 1;
        self.waiting += 1;
        if self.must_be_restored {
            self.fail(Failed::Exited(NOT_RESTORED.to_owned()));
        }
        self.publish_reports_if_ready();
    }

    /// Returns whether an event can be handed out: extensions may have to finish the last one.
    pub fn has_event(&self) -> bool {
        !self.queue.is_empty() && self.extensions.are_ready()
    }

    /// Returns whether a runtime waits in `next` without an event, and the extensions wait too.
    pub fn is_idle(&self) -> bool {
        self.waiting > 0 && self.queue.is_empty() && self.extensions.are_ready()
    }

    /// Returns the init error, if the runtime reported it.
    pub fn init_error(&self) -> Option<&Post> {
        match &self.failed {
            Some(Failed::Init(post)) => Some(post),
            _ => None,
        }
    }

    /// Hands the oldest event to a runtime that waits, which holds it from now on. Events whose
    /// outcome has no receiver are dropped. `start_timer` gets the request id, the attempt and the
    /// time left, after which it must call [`expire`](Self::expire).
    pub fn hand_out(
        &mut self,
        start_timer: impl Fn(String, usize, Duration) -> Timer,
    ) -> Option<Handout> {
        // Another call of `next` may have begun an invocation of the extensions.
        if !self.has_event() {
            return None;
        }
        let queued = std::iter::from_fn(|| self.queue.pop_front())
            .find(|queued| !queued.outcome.is_closed())?;
        let (headers, time_left) = queued.invocation.dispatch();
        let take_invoke = self.extensions.take_invoke();
        let extension_event = take_invoke.then(|| queued.invocation.extension_event(time_left));
        let expected_echo = queued.invocation.expected_echo();
        let request_id = queued.invocation.request_id;
        self.attempts += 1;
        self.waiting -= 1;
        if let Some(event) = extension_event {
            let timer = start_timer(request_id.clone(), self.attempts, time_left);
            self.extensions.invoke(&event, self.attempts, timer);
        }
        let open = OpenEvent {
            attempt: self.attempts,
            expected_echo,
            begun: Instant::now(),
            trace: headers.get(TRACE_ID).cloned(),
            waiter: Waiter::Outcome(queued.outcome),
            _timer: start_timer(request_id.clone(), self.attempts, time_left),
        };
        self.publish_start(&request_id, &open);
        self.open.insert(request_id, open);
        Some(Handout {
            headers,
            event: queued.invocation.event,
        })
    }

    /// Ends the wait of an event that no runtime took in time.
    pub fn give_up(&mut self, request_id: &str) {
        let is_it = |queued: &Queued| queued.invocation.request_id == request_id;
        if let Some(queued) = self.queue.iter().position(is_it)
            && let Some(queued) = self.queue.remove(queued)
        {
            drop(queued.outcome.send(Outcome::NotTaken));
        }
    }

    /// Ends an attempt whose deadline has passed, if it is still open. The deadline is also that of the
    /// extensions.
    pub fn expire(&mut self, request_id: &str, attempt: usize) {
        if self.open.get(request_id).map(|open| open.attempt) == Some(attempt) {
            self.close(request_id, Closed::Expired, Outcome::TimedOut);
            self.publish_reports();
        }
        for extension in self.extensions.busy_with(attempt) {
            let request_id = request_id.to_owned();
            self.fail(Failed::Extension(ExtensionFailure {
                kind: "Sandbox.Timedout".to_owned(),
                extension: extension.clone(),
                message: format!("was busy at the deadline of request {request_id}"),
            }));
            self.violations.push(Violation::ExtensionLate {
                extension,
                request_id,
            });
        }
    }

    /// Checks that an answer with these headers counts.
    pub fn check(&mut self, request_id: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        let id = request_id.to_owned();
        let open = self.open.get(request_id);
        let Some(open) = open.filter(|open| matches!(open.waiter, Waiter::Outcome(_))) else {
            // A streamed answer counts from its start.
            let answered = open.map(|_| Closed::Answered);
            let closed = answered.or_else(|| self.closed.get(request_id).copied());
            self.violations.push(match closed {
                Some(Closed::Answered) => Violation::AnsweredTwice(id),
                Some(Closed::Expired) => Violation::Late(id),
                Some(Closed::Failed) => return Err(Refusal::InvalidRequestId),
                None => Violation::UnknownRequest(id),
            });
            return Err(Refusal::InvalidRequestId);
        };
        let Some(expected) = &open.expected_echo else {
            return Ok(());
        };
        let echoed = headers.get(INVOCATION_ID);
        match echoed.map(|echoed| String::from_utf8_lossy(echoed.as_bytes())) {
            Some(echoed) if echoed == *expected => Ok(()),
            Some(echoed) => {
                self.violations.push(Violation::InvocationIdDiffers {
                    request_id: id,
                    echoed: echoed.into_owned(),
                });
                Err(Refusal::Stale)
            }
            None => {
                self.violations.push(Violation::InvocationIdMissing(id));
                Ok(())
            }
        }
    }

    /// Accepts a runtime's answer, or returns the reason why it is refused.
    pub fn answer(&mut self, request_id: &str, kind: Kind, post: Post) -> Result<(), Refusal> {
        self.check(request_id, &post.headers)?;
        let size = post.body.len();
        if size > MAX_ANSWER {
            self.violations.push(Violation::TooLarge {
                request_id: request_id.to_owned(),
                size,
            });
            self.close(request_id, Closed::Answered, Outcome::TooLarge { size });
            return Err(Refusal::TooLarge);
        }
        let outcome = match kind {
            Kind::Response => Outcome::Response(post),
            Kind::Error => Outcome::Error(post),
        };
        self.close(request_id, Closed::Answered, outcome);
        Ok(())
    }

    /// Accepts an init error. It is the outcome of every event that waits or follows.
    pub fn init_failed(&mut self, post: Post) -> Result<(), Refusal> {
        if self.next_calls > 0 {
            self.violations.push(Violation::InitErrorAfterNext);
            return Err(Refusal::InvalidState);
        }
        self.fail(Failed::Init(post));
        Ok(())
    }

    /// Ends the environment. The failure is the outcome of all events that wait or are open; the first
    /// failure is that of all later events.
    pub fn fail(&mut self, failed: Failed) {
        for queued in self.queue.drain(..) {
            drop(queued.outcome.send(failed.outcome()));
        }
        for (id, open) in std::mem::take(&mut self.open) {
            self.publish_done(&id, &open, Status::of(&failed.outcome()));
            open.waiter.end(failed.outcome());
            self.closed.insert(id, Closed::Failed);
        }
        self.publish_reports();
        self.failed.get_or_insert(failed);
    }

    fn close(&mut self, request_id: &str, how: Closed, outcome: Outcome) {
        if let Some(open) = self.open.remove(request_id) {
            self.publish_done(request_id, &open, Status::of(&outcome));
            open.waiter.end(outcome);
            self.closed.insert(request_id.to_owned(), how);
        }
    }
}

//! The rules of the Runtime API, without I/O: the runtimes that hold events, and the answers that count.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::invocation::INVOCATION_ID;
use super::{End, Invocation, Outcome, Post, Violation};

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
    /// The init error, if the runtime reported it.
    pub init_error: Option<Post>,
    /// The reason why the runtime's process has ended, if it has.
    exited: Option<String>,
    /// Runtimes that wait in `next` now.
    pub waiting: usize,
    /// Calls of `next` so far.
    pub next_calls: usize,
    /// TCP connections accepted so far.
    pub connections: usize,
    /// Breaches of the contract so far.
    pub violations: Vec<Violation>,
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

impl State {
    /// Queues an event for the next runtime that asks.
    pub fn submit(
        &mut self,
        invocation: Invocation,
        outcome: oneshot::Sender<Outcome>,
        timer: Timer,
    ) {
        // A receiver that was dropped is not an error, here and below.
        match (&self.init_error, &self.exited) {
            (Some(post), _) => drop(outcome.send(Outcome::InitError(post.clone()))),
            (None, Some(why)) => drop(outcome.send(Outcome::Lost(why.clone()))),
            (None, None) => self.queue.push_back(Queued {
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
    }

    /// Returns whether an event can be handed out.
    pub fn has_event(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Returns whether a runtime waits in `next` without an event.
    pub fn is_idle(&self) -> bool {
        self.waiting > 0 && self.queue.is_empty()
    }

    /// Hands the oldest event to a runtime that waits, which holds it from now on. Events whose
    /// outcome has no receiver are dropped. `start_timer` gets the request id, the attempt and the
    /// time left, after which it must call [`expire`](Self::expire).
    pub fn hand_out(
        &mut self,
        start_timer: impl FnOnce(String, usize, Duration) -> Timer,
    ) -> Option<Handout> {
        let queued = std::iter::from_fn(|| self.queue.pop_front())
            .find(|queued| !queued.outcome.is_closed())?;
        let (headers, time_left) = queued.invocation.dispatch();
        let expected_echo = queued.invocation.expected_echo();
        let request_id = queued.invocation.request_id;
        self.attempts += 1;
        self.waiting -= 1;
        let open = OpenEvent {
            attempt: self.attempts,
            expected_echo,
            waiter: Waiter::Outcome(queued.outcome),
            _timer: start_timer(request_id.clone(), self.attempts, time_left),
        };
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

    /// Ends an attempt whose deadline has passed, if it is still open.
    pub fn expire(&mut self, request_id: &str, attempt: usize) {
        if self.open.get(request_id).map(|open| open.attempt) == Some(attempt) {
            self.close(request_id, Closed::Expired, Outcome::TimedOut);
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
        for queued in self.queue.drain(..) {
            drop(queued.outcome.send(Outcome::InitError(post.clone())));
        }
        self.init_error = Some(post);
        Ok(())
    }

    /// Notes that the runtime's process has ended. All its events, and all events that wait, are lost.
    pub fn runtime_exited(&mut self, why: &str) {
        for queued in self.queue.drain(..) {
            drop(queued.outcome.send(Outcome::Lost(why.to_owned())));
        }
        for (_, open) in self.open.drain() {
            open.waiter.end(Outcome::Lost(why.to_owned()));
        }
        self.exited = Some(why.to_owned());
    }

    fn close(&mut self, request_id: &str, how: Closed, outcome: Outcome) {
        if let Some(open) = self.open.remove(request_id) {
            open.waiter.end(outcome);
            self.closed.insert(request_id.to_owned(), how);
        }
    }
}

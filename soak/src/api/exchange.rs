//! One connection: the requests that come, and the replies with their faults.

use std::io;
use std::net::TcpStream;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::{End, Shared};
use crate::ledger::Answer;
use crate::messages::{event_reply, failure, reply, response};
use crate::plan::{Answering, Handing, Plan};
use crate::wire::{Head, Pace, Wire};

/// How often a connection that waits for an event looks whether it still has another end.
const LOOK: Duration = Duration::from_millis(20);

const NEXT: &str = "/2018-06-01/runtime/invocation/next";

/// Whether a connection serves another request.
enum Then {
    Go,
    End,
}

impl Shared {
    /// Serves a connection until one of its ends closes it.
    pub(super) fn serve(&self, stream: TcpStream, connection: u64) -> io::Result<()> {
        let mut wire = Wire::new(stream)?;
        while let Some(head) = wire.head()? {
            let then;
            (wire, then) = if head.method == "GET" && head.path == NEXT {
                let Some(served) = self.next(wire, connection)? else {
                    return Ok(());
                };
                served
            } else {
                let Some(served) = self.answer(wire, &head)? else {
                    return Ok(());
                };
                served
            };
            if matches!(then, Then::End) || self.is_closed.load(Ordering::Acquire) {
                wire.close();
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits for an event that may be handed out. `None` if this connection gets no further event.
    fn wait(&self, wire: &Wire, connection: u64) -> Option<Result<Plan, u16>> {
        let mut state = self.lock();
        let stopped = *self
            .stopped_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let was_stopped_since = |since| stopped.is_some_and(|stopped| stopped > since);
        state.ledger.asked_for_next(connection, was_stopped_since);
        state.waiting += 1;
        let found = loop {
            match state.end {
                Some(End::Next(status)) => break Some(Err(status)),
                Some(End::Gone) => break None,
                _ if state.next < state.limit => {
                    let mut plan = Plan::draw(self.load.seed, state.next, self.load.function);
                    if self.load.is_unread {
                        plan = plan.unread();
                    }
                    if self.load.is_slow {
                        plan = plan.slow();
                    }
                    plan = plan.by_clock(state.ahead);
                    state.next += 1;
                    break Some(Ok(plan));
                }
                _ => {}
            }
            let waited = self.changed.wait_timeout(state, LOOK);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if !wire.is_silent() || self.is_closed.load(Ordering::Acquire) {
                break None;
            }
        };
        state.waiting -= 1;
        if let Some(Ok(plan)) = &found {
            if let Some(kind) = plan.handing.kind() {
                state.ledger.counts.fault(kind);
            }
            if plan.deadline_is_odd() {
                state.ledger.counts.fault("next: another clock's deadline");
            }
            if plan.handing.delivers() {
                let ahead = state.ahead;
                state.ledger.hand_out(plan.clone(), connection, ahead);
            }
        }
        found
    }

    fn next(&self, mut wire: Wire, connection: u64) -> io::Result<Option<(Wire, Then)>> {
        let plan = match self.wait(&wire, connection) {
            None => {
                wire.reset();
                return Ok(None);
            }
            Some(Err(status)) => {
                wire.write(&reply(status, "", b"{}"), Pace::FAST)?;
                return Ok(Some((wire, Then::End)));
            }
            Some(Ok(plan)) => plan,
        };
        let whole = event_reply(&plan);
        let (mut pace, mut then) = (Pace::FAST, Then::Go);
        let bytes = match plan.handing {
            Handing::Reset => {
                wire.reset();
                return Ok(None);
            }
            Handing::Closed => {
                wire.close();
                return Ok(None);
            }
            Handing::Cut(thousandths) => {
                // Without its last byte at least.
                let length = (whole.len() - 1) * thousandths / 1000;
                wire.write(&whole[..length], Pace::FAST)?;
                wire.reset();
                return Ok(None);
            }
            Handing::Garbage => {
                wire.write(b"\0\x01\x02 SSH-2.0 \xff\r\n\r\n", Pace::FAST)?;
                wire.close();
                return Ok(None);
            }
            Handing::Status(status) => reply(status, "", b"{\"errorMessage\":\"on purpose\"}"),
            Handing::Pieces(piece) => {
                pace = Pace::slow(piece);
                whole
            }
            Handing::Last => {
                then = Then::End;
                whole
            }
            _ => whole,
        };
        if wire.write(&bytes, pace).is_err() {
            self.lock().ledger.take_back(plan.number);
            return Ok(None);
        }
        Ok(Some((wire, then)))
    }

    fn answer(&self, mut wire: Wire, head: &Head) -> io::Result<Option<(Wire, Then)>> {
        let route = head.path.strip_prefix("/2018-06-01/runtime/invocation/");
        let route = route.and_then(|route| route.rsplit_once('/'));
        let attempt = head.header("lambda-runtime-invocation-id");
        let is_error = matches!(route, Some((_, "error")));
        let Some((id, "response" | "error")) = route else {
            wire.body(head, Pace::FAST, usize::MAX)?;
            wire.write(&reply(404, "", b""), Pace::FAST)?;
            return Ok(Some((wire, Then::Go)));
        };
        let Some((plan, fault, was_read)) = self.fault_of_answer(id, attempt) else {
            wire.reset();
            return Ok(None);
        };
        let pace = match fault {
            Answering::ReadInPieces(piece) => Pace::slow(piece),
            _ => Pace::FAST,
        };
        if fault == Answering::Informed {
            wire.write(b"HTTP/1.1 100 Continue\r\n\r\n", Pace::FAST)?;
        }
        let at_most = match fault {
            Answering::ResetAtHead => 0,
            Answering::ResetWithin(bytes) => bytes,
            _ => usize::MAX,
        };
        let note = |answer: Option<Answer>, is_taken| {
            let words = format!("w{:x}n", self.load.seed);
            self.lock()
                .ledger
                .note(plan.number, answer, is_taken, &words);
        };
        if matches!(fault, Answering::ResetAtHead | Answering::ResetWithin(_)) {
            note(None, false);
            let _ = wire.body(head, pace, at_most);
            wire.reset();
            return Ok(None);
        }
        let body = match wire.body(head, pace, at_most) {
            Ok(body) => body,
            Err(error) => {
                note(None, false);
                return Err(error);
            }
        };
        let answer = match is_error {
            true => failure(&body.bytes),
            false => response(&body.bytes, &body.trailers, self.load.function),
        };
        // A second answer is refused after one that was read.
        let status = match fault {
            Answering::Status(status) => status,
            _ if was_read => 403,
            _ => 202,
        };
        let is_reset = matches!(
            fault,
            Answering::ResetAfter
                | Answering::ClosedAfter
                | Answering::ReplyCut
                | Answering::Garbage
        );
        // Before the reply leaves: the next request of this worker may come at once.
        note(Some(answer), status == 202 && !is_reset);
        let (mut pace, mut then) = (Pace::FAST, Then::Go);
        let ok = b"{\"status\":\"OK\"}";
        let bytes = match fault {
            Answering::ResetAfter => {
                wire.reset();
                return Ok(None);
            }
            Answering::ClosedAfter => {
                wire.close();
                return Ok(None);
            }
            Answering::ReplyCut => {
                wire.write(b"HTTP/1.1 202 Acc", Pace::FAST)?;
                wire.close();
                return Ok(None);
            }
            Answering::Garbage => {
                wire.write(b"\0\x01\x02 SSH-2.0 \xff\r\n\r\n", Pace::FAST)?;
                wire.close();
                return Ok(None);
            }
            Answering::ReplyChunked => {
                let head = format!("HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n");
                [head.as_bytes(), b"3\r\n{\"s\r\n0\r\n\r\n"].concat()
            }
            Answering::ReplyLong => reply(status, "", &[b' '; 200_000]),
            Answering::ReplyInPieces(piece) => {
                pace = Pace::slow(piece);
                reply(status, "", ok)
            }
            Answering::Late(pause) => {
                thread::sleep(pause);
                reply(status, "", ok)
            }
            Answering::Last => {
                then = Then::End;
                reply(status, "Connection: close\r\n", ok)
            }
            _ => reply(status, "", ok),
        };
        wire.write(&bytes, pace)?;
        Ok(Some((wire, then)))
    }

    /// Returns the plan of the invocation that is answered, what happens to the answer, and whether an earlier one was read.
    fn fault_of_answer(&self, id: &str, attempt: Option<&str>) -> Option<(Plan, Answering, bool)> {
        let mut state = self.lock();
        let (plan, earlier) = state.ledger.answered(id, attempt)?;
        let mut fault = match earlier == 0 || plan.is_persistent {
            true => plan.answering,
            false => Answering::Taken,
        };
        if let Some(End::Response(status)) = state.end
            && state.ended_by.is_none()
        {
            state.ended_by = Some(plan.number);
            fault = Answering::Status(status);
        }
        if let Some(kind) = fault.kind() {
            state.ledger.counts.fault(kind);
        }
        let was_read = state.ledger.has_answer(plan.number);
        Some((plan, fault, was_read))
    }
}

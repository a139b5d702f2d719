//! Forwards the response that a guest hands over while its call runs: a head, then a body in chunks.
//!
//! The forwarder collects the body and sends it when it is complete, or streams it chunk by chunk. Either way the guest may
//! work on after its last byte. While a chunk waits to be sent, the forwarder reads no other: a guest that is faster than
//! its reader has to wait, and the host holds no body.
//!
//! ```text
//!  AwaitingHead ──► Receiving ──► Complete ──► Done
//!       │               │             │         ▲
//!       └───────────────┴─────────────┴─► Broken┘
//! ```

mod buffered;
mod state;
mod streamed;

use std::future::{Future, pending};
use std::mem::replace;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ::http::response::Parts;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use tokio::time::timeout_at;

pub(crate) use self::state::GuestResponse;

use self::buffered::{Buffered, Kind};
use self::state::{Sink, State};
use self::streamed::Streamed;
use crate::failure::{ErrorType, Failure};
use crate::http::compress::{Compression, Gzip};
use crate::http::{BodyLength, EventSource, unfinished, wasi};
use crate::policy::Policy;
use crate::responder::{LARGEST_RESPONSE, Responder};
use crate::runtime_api::RuntimeApiError;
use crate::timeline::Timeline;

/// The form in which Lambda gets a guest's response.
pub(crate) enum ResponseMode<'a> {
    /// The JSON that an event source of HTTP requests expects, or a stream.
    Http {
        /// The event source.
        source: &'static EventSource,
        /// Whether the body may be compressed.
        compression: Compression,
        /// Whether the response is streamed.
        is_streamed: bool,
        /// Whether the request is a HEAD.
        is_head: bool,
        /// Says which statuses are failures.
        policy: &'a Policy,
    },
    /// The body, if the status is 2xx: for events that are not HTTP requests.
    Event {
        /// The path that the guest received the event at.
        path: String,
    },
    /// The body.
    Bytes {
        /// Whether the response is streamed.
        is_streamed: bool,
    },
}

/// The outcome of a call.
pub(crate) enum CallOutcome {
    /// The guest returned.
    Returned,
    /// The guest returned its own failure, which replaces a response that has not been sent.
    Failed(Failure),
    /// The guest was stopped. A response that is complete is sent nevertheless.
    Stopped(Failure),
}

/// Forwards the response of one call.
pub(crate) struct ResponseForwarder<'a> {
    responder: &'a Responder<'a>,
    mode: ResponseMode<'a>,
    timeline: Timeline,
    state: State,
}

impl<'a> ResponseForwarder<'a> {
    /// Creates a forwarder of the response that comes from `response`.
    #[must_use]
    pub(crate) fn new(
        responder: &'a Responder<'a>,
        mode: ResponseMode<'a>,
        response: oneshot::Receiver<GuestResponse>,
        timeline: Timeline,
    ) -> Self {
        Self {
            responder,
            mode,
            timeline,
            state: State::AwaitingHead(response),
        }
    }

    /// Forwards the response while `call` runs, and returns what `call` returns.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has to end.
    pub(crate) async fn run_alongside<T>(
        &mut self,
        call: impl Future<Output = T>,
    ) -> Result<T, RuntimeApiError> {
        let mut call = pin!(call);
        loop {
            tokio::select! {
                biased;
                returned = &mut call => return Ok(returned),
                step = self.step() => step?,
            }
        }
    }

    /// Takes one step. The future can be dropped at any time, and nothing is lost.
    async fn step(&mut self) -> Result<(), RuntimeApiError> {
        if let Some(stream) = self.state.busy_stream() {
            stream.advance().await;
            if stream.is_closed() {
                // The guest learns that the response has no reader when it writes.
                self.state = State::Done(self.state.take_stream());
            }
            return Ok(());
        }
        match &mut self.state {
            State::AwaitingHead(response) => {
                let response = response.await;
                self.on_head(response);
            }
            State::Receiving { body, .. } => {
                let frame = body.frame().await;
                self.on_frame(frame);
            }
            State::Complete { .. } | State::Broken { .. } => self.answer()?,
            State::Done(_) => pending().await,
        }
        Ok(())
    }

    /// Takes the rest of what the guest handed over before its call ended. The guest's store must not have been dropped.
    pub(crate) fn poll_remaining(&mut self) {
        loop {
            match &mut self.state {
                State::AwaitingHead(response) => match now(response) {
                    Some(response) => self.on_head(response),
                    None => return,
                },
                State::Receiving { body, .. } => match now(body.frame()) {
                    Some(frame) => self.on_frame(frame),
                    None => return,
                },
                State::Complete { .. } | State::Broken { .. } | State::Done(_) => return,
            }
        }
    }

    /// Sends the rest of the response, or the failure, when the call has ended.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has to end.
    pub(crate) async fn on_end(mut self, outcome: CallOutcome) -> Result<(), RuntimeApiError> {
        let late = match (outcome, &self.state) {
            (CallOutcome::Returned, State::AwaitingHead(_)) => {
                let why = "the function returned without a response";
                self.break_off(Failure::new(ErrorType::NoResponse, why));
                None
            }
            (CallOutcome::Returned, State::Receiving { .. }) => {
                let why = "it was not finished when the function returned";
                self.break_off(unfinished(why));
                None
            }
            (CallOutcome::Returned, _) => None,
            (CallOutcome::Failed(failure) | CallOutcome::Stopped(failure), State::Done(_))
            | (CallOutcome::Stopped(failure), State::Complete { .. }) => Some(failure),
            (CallOutcome::Failed(failure) | CallOutcome::Stopped(failure), _) => {
                self.break_off(failure);
                None
            }
        };
        if !matches!(self.state, State::Done(_)) {
            self.flush().await;
            self.answer()?;
        }
        if let Some(stream) = self.state.take_stream() {
            let until = self.timeline.close_stream;
            self.responder.close(stream, until).await?;
        }
        if let Some(failure) = late {
            self.responder.log(&failure);
        }
        Ok(())
    }

    /// Lets the chunks leave that wait, until the guest has to stop.
    async fn flush(&mut self) {
        let until = self.timeline.stop.into();
        while let Some(stream) = self.state.busy_stream() {
            if timeout_at(until, stream.advance()).await.is_err() {
                self.break_off(Failure::new(
                    ErrorType::Timeout,
                    "the function's response was not read to its end before the deadline: its reader stalled, or is too slow",
                ));
                return;
            }
        }
    }

    fn on_head(&mut self, response: Result<GuestResponse, oneshot::error::RecvError>) {
        let started = match response {
            Ok(Ok(response)) => {
                let (parts, body) = response.into_parts();
                self.sink(&parts).map(|(sink, length)| (body, length, sink))
            }
            Ok(Err(code)) => Err(Failure::new(
                ErrorType::HttpError,
                format!(
                    "the function answered with an error code of wasi:http instead of a response: {code}"
                ),
            )),
            Err(_) => Err(Failure::new(
                ErrorType::NoResponse,
                "the function dropped its response",
            )),
        };
        self.state = match started {
            Ok((body, length, sink)) => State::Receiving { body, length, sink },
            Err(failure) => State::Broken {
                failure,
                stream: None,
            },
        };
    }

    /// Decides by a response's head where its body goes.
    fn sink(&self, parts: &Parts) -> Result<(Sink, BodyLength), Failure> {
        let head = wasi::response(parts);
        let is_head = matches!(self.mode, ResponseMode::Http { is_head: true, .. });
        let length = BodyLength::new(&head, is_head);
        let status = head.status_code;
        let sink = match &self.mode {
            ResponseMode::Http { policy, .. } if policy.is_failure(status) => {
                Sink::Buffered(Buffered::new(Kind::FailedStatus { status }))
            }
            ResponseMode::Http {
                source,
                compression,
                is_streamed,
                ..
            } => {
                let mut head = head;
                let is_compressed = compression.negotiate(&mut head);
                let stop = self.timeline.stop;
                let gzip = |largest| is_compressed.then(|| Gzip::new(largest, stop));
                match is_streamed {
                    true => Sink::Streamed(Box::new(Streamed::http(head, gzip(usize::MAX))?)),
                    false => Sink::Buffered(Buffered::new(Kind::Http {
                        source,
                        head,
                        gzip: gzip(LARGEST_RESPONSE).map(Box::new),
                    })),
                }
            }
            ResponseMode::Event { path } => Sink::Buffered(Buffered::new(Kind::Event {
                path: path.clone(),
                status,
            })),
            ResponseMode::Bytes { is_streamed: true } => {
                Sink::Streamed(Box::new(Streamed::bytes()))
            }
            ResponseMode::Bytes { is_streamed: false } => {
                Sink::Buffered(Buffered::new(Kind::Bytes))
            }
        };
        Ok((sink, length))
    }

    fn on_frame(&mut self, frame: Option<Result<Frame<Bytes>, wasmtime_wasi_http::Error>>) {
        let State::Receiving { length, sink, .. } = &mut self.state else {
            return;
        };
        let ended = match frame {
            Some(Ok(frame)) => {
                // A response of Lambda's has no place for a guest's trailers.
                let Some(chunk) = frame.into_data().ok().filter(|chunk| !chunk.is_empty()) else {
                    return;
                };
                length.add(chunk.len());
                match sink.push(chunk, self.responder) {
                    Ok(true) => {}
                    Ok(false) => self.state = State::Done(None),
                    Err(failure) => self.break_off(failure),
                }
                return;
            }
            Some(Err(error)) => length.check_broken_off(&error.to_string()),
            None => length.check_end(),
        };
        match ended {
            Ok(()) => self.state.complete(),
            Err(failure) => self.break_off(failure),
        }
    }

    fn break_off(&mut self, failure: Failure) {
        let stream = self.state.take_stream();
        self.state = State::Broken { failure, stream };
    }

    /// Sends the response if it is complete, and the failure if it is broken.
    fn answer(&mut self) -> Result<(), RuntimeApiError> {
        match replace(&mut self.state, State::Done(None)) {
            State::Complete {
                size,
                sink: Sink::Buffered(buffered),
            } => match buffered.into_response(size, |warning| self.responder.warn(warning)) {
                Ok((content_type, body)) => self.responder.respond(content_type, &body),
                Err(failure) => self.responder.report(&failure),
            },
            State::Complete {
                sink: Sink::Streamed(streamed),
                ..
            } => {
                self.state = State::Done(streamed.end(self.responder));
                Ok(())
            }
            State::Broken {
                failure,
                stream: None,
            } => self.responder.report(&failure),
            State::Broken {
                failure,
                stream: Some(mut stream),
            } => {
                stream.fail(&failure);
                self.responder.log(&failure);
                self.state = State::Done(Some(stream));
                Ok(())
            }
            other => {
                self.state = other;
                Ok(())
            }
        }
    }
}

/// Returns a future's output if it is ready.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    // tokio's budget for one turn does not apply: there is no later turn.
    match pin!(unconstrained(future)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

//! An entry: a request, its invocation, or both.

use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use jiff::Timestamp;
use lambda_wasm_emulator::{Answered, Invocation, Post};
use serde_json::{Value, json};

use super::details::{Details, Response};
use crate::dev::event_source;
use crate::dev::failure::Failure;
use crate::dev::report::{self, Format, Metrics};
use crate::dev::requests;

#[derive(Debug)]
pub struct Entry {
    pub number: u64,
    /// The version of the history at the last change.
    pub version: u64,
    /// The bytes that the history has counted for the details.
    pub counted: usize,
    at: Timestamp,
    begun: Instant,
    pub function: Option<String>,
    /// The event source, if there is an event.
    pub source: Option<&'static str>,
    /// The method and path of the request, or another description of the event.
    what: String,
    /// The request in the line: the method and path, `invoke`, or `event` for an asynchronous invocation.
    request: String,
    /// The request id of the invocation.
    id: Option<String>,
    waiting: Waiting,
    status: Option<u16>,
    /// The measures of the invocation, once it has ended.
    metrics: Option<Metrics>,
    is_printed: bool,
    pub failure: Option<Failure>,
    /// Left out when there are too many.
    pub details: Option<Details>,
}

/// Whether a client of an event source waits.
#[derive(Debug)]
enum Waiting {
    No,
    /// Until the request of this id is answered.
    For(String),
}

impl Entry {
    pub fn of_invocation(function: &str, invocation: &Invocation) -> Self {
        let described = event_source::describe(invocation.event());
        let waiting = match invocation.request() {
            Some(id) => Waiting::For(id.to_owned()),
            None => Waiting::No,
        };
        Self {
            function: Some(function.to_owned()),
            source: Some(described.source),
            what: described.what,
            request: "event".to_owned(),
            id: Some(invocation.id().to_owned()),
            waiting,
            details: Some(Details::new(invocation.event().clone())),
            ..Self::empty()
        }
    }

    /// Creates the entry of a request that had no invocation.
    pub fn without_invocation(answered: &Answered<'_>) -> Self {
        let now = Timestamp::now();
        Self {
            at: now - answered.took,
            function: answered.function.map(str::to_owned),
            what: answered.request.to_owned(),
            request: answered.request.to_owned(),
            status: Some(answered.status),
            ..Self::empty()
        }
    }

    fn empty() -> Self {
        Self {
            number: 0,
            version: 0,
            counted: 0,
            at: Timestamp::now(),
            begun: Instant::now(),
            function: None,
            source: None,
            what: String::new(),
            request: String::new(),
            id: None,
            waiting: Waiting::No,
            status: None,
            metrics: None,
            is_printed: false,
            failure: None,
            details: None,
        }
    }

    /// Whether the request of this id is not answered yet.
    pub fn waits_for(&self, request: &str) -> bool {
        matches!(&self.waiting, Waiting::For(id) if id == request)
    }

    /// Whether the entry is about a request, by its id or the one of its invocation.
    pub fn is_of(&self, request: &str) -> bool {
        self.waits_for(request) || self.id.as_deref() == Some(request)
    }

    /// Whether nothing will change any more.
    pub fn has_ended(&self) -> bool {
        self.id.is_none() || (self.metrics.is_some() && matches!(self.waiting, Waiting::No))
    }

    pub fn answered(&mut self, answered: &Answered<'_>) {
        answered.request.clone_into(&mut self.request);
        self.status = Some(answered.status);
        self.waiting = Waiting::No;
    }

    pub fn ended(&mut self, metrics: Metrics) {
        self.metrics = Some(metrics);
    }

    pub fn failed(&mut self, failure: Option<Failure>) {
        self.failure = failure;
    }

    pub fn note(&mut self, note: &str) {
        if let Some(details) = &mut self.details {
            details.notes.push(note.to_owned());
        }
    }

    pub fn log(&mut self, lines: &[u8]) {
        if let Some(details) = &mut self.details {
            details.log(lines);
        }
    }

    /// Adds a part of the invocation, which has ended now.
    pub fn part(&mut self, name: &'static str, since: Instant) {
        self.part_until(name, since, Instant::now());
    }

    pub fn part_until(&mut self, name: &'static str, since: Instant, until: Instant) {
        let begun = self.begun;
        if let Some(details) = &mut self.details {
            let after = |instant: Instant| instant.saturating_duration_since(begun);
            details.parts.push((name, after(since), after(until)));
        }
    }

    /// Keeps a whole response.
    pub fn responded(&mut self, post: &Post) {
        if let Some(details) = &mut self.details {
            details.response = Some(Response::whole(post));
        }
    }

    /// Keeps the beginning of a stream.
    pub fn streams(&mut self, headers: &HeaderMap) {
        if let Some(details) = &mut self.details {
            details.response = Some(Response::streamed(headers));
        }
    }

    /// Keeps a piece of a stream, which has come now.
    pub fn piece(&mut self, bytes: &[u8]) {
        let elapsed = self.begun.elapsed();
        if let Some(details) = &mut self.details {
            details.piece(elapsed, bytes);
        }
    }

    /// Adds the beginning or the end of an outgoing request.
    pub fn requested(&mut self, event: requests::Event) {
        let begun = self.at.as_microsecond();
        if let Some(details) = &mut self.details {
            // Both clocks are this machine's.
            let micros = u64::try_from(event.at - begun).unwrap_or_default();
            details.requested(Duration::from_micros(micros), event);
        }
    }

    /// The bytes of the details and of the failure.
    pub fn bytes(&self) -> usize {
        let failure = self.failure.as_ref();
        let failure = failure.map_or(0, |failure| {
            failure.message.len() + failure.trace.iter().map(String::len).sum::<usize>()
        });
        self.details.as_ref().map_or(0, Details::bytes) + failure
    }

    /// Leaves the details out, and of a failure all but its type.
    pub fn shrink(&mut self) {
        self.details = None;
        if let Some(failure) = &mut self.failure {
            failure.message = String::new();
            failure.trace = Vec::new();
        }
    }

    /// Returns the line of an entry that has ended, once.
    pub fn line_if_due(&mut self, format: Format) -> Option<String> {
        if self.is_printed || !self.has_ended() {
            return None;
        }
        self.is_printed = true;
        let function = self.function.as_deref();
        Some(report::line(
            format,
            function,
            &self.request,
            self.status,
            self.metrics.as_ref(),
        ))
    }

    fn state(&self) -> &'static str {
        let has_failed = self.failure.is_some() || self.status.is_some_and(|status| status >= 500);
        match (has_failed, self.has_ended()) {
            (true, _) => "failed",
            (false, true) => "ended",
            (false, false) => "running",
        }
    }

    /// Returns all but the details.
    pub fn summary(&self) -> Value {
        let mut summary = json!({
            "number": self.number,
            "at": self.at.as_millisecond(),
            "function": self.function,
            "source": self.source,
            "request": if self.what.is_empty() { &self.request } else { &self.what },
            "id": self.id,
            "status": self.status,
            "state": self.state(),
            "error": self.failure.as_ref().map(|failure| &failure.kind),
        });
        if let Some(metrics) = &self.metrics {
            summary["metrics"] = report::metrics(metrics);
        }
        summary
    }
}

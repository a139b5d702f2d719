//! A request, as the observers see it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use http::request::Parts;
use wasmtime_wasi_http::Error;

use crate::guest_output::GuestOutput;
use crate::invocation::Invocation;
use crate::observer::{Observers, RequestBegun, RequestEnded, RequestId, RequestOutcome};
use crate::policy::Origin;

/// A request that has begun. Its end is observed when it fails, and otherwise when this is dropped.
pub struct ObservedRequest {
    observers: Observers,
    invocation: Option<Arc<Invocation>>,
    number: usize,
    origin: Origin,
    output: GuestOutput,
    since: Option<Instant>,
    status: Option<StatusCode>,
    has_ended: bool,
}

impl ObservedRequest {
    /// Begins a request of `invocation`, with this number in its instance.
    pub fn begin(
        observers: Observers,
        invocation: Option<Arc<Invocation>>,
        number: usize,
        origin: Origin,
        output: GuestOutput,
    ) -> Self {
        Self {
            since: observers.request_clock(),
            observers,
            invocation,
            number,
            origin,
            output,
            status: None,
            has_ended: false,
        }
    }

    /// Tells the observers that the request has begun.
    pub fn tell_begun(&self, parts: &Parts, signed: Option<&str>, unsigned: Option<&dyn Display>) {
        let request = self.id();
        let event = RequestBegun {
            request,
            method: &parts.method,
            path: parts.uri.path(),
            signed,
            unsigned,
        };
        self.observers
            .each(|observer| observer.request_begun(&event));
    }

    /// Notes the status of the response.
    pub fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Ends the request with the error that the function gets. `cause` tells more, if the host knows more.
    pub fn fail(&mut self, code: &Error, cause: Option<&dyn Display>) {
        self.end(RequestOutcome::Failed { code, cause });
    }

    fn id(&self) -> RequestId<'_> {
        RequestId {
            invocation: self.invocation.as_deref(),
            number: self.number,
            origin: &self.origin,
            output: &self.output,
        }
    }

    fn end(&mut self, outcome: RequestOutcome<'_>) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let event = RequestEnded {
            request: self.id(),
            since: self.since,
            outcome,
        };
        self.observers
            .each(|observer| observer.request_ended(&event));
    }
}

impl Drop for ObservedRequest {
    fn drop(&mut self) {
        let outcome = self
            .status
            .map_or(RequestOutcome::Dropped, RequestOutcome::Answered);
        self.end(outcome);
    }
}

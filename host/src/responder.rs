//! Answers one invocation, once: whoever claims the answer first sends it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use lambda_wasm_lifecycle::Claim;

use crate::failure::{ErrorType, Failure};
use crate::guest_output::GuestOutput;
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::observer::{InvocationFailed, Observers};
use crate::runtime_api::streamed::StreamedResponse;
use crate::runtime_api::{RuntimeApiError, RuntimeClient};

/// The largest response that Lambda takes, in bytes: 6 MiB and 100 bytes.
///
/// See "Invocation payload" in <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>. Lambda's own error
/// message has the 100 bytes.
pub(crate) const LARGEST_RESPONSE: usize = 6 * 1024 * 1024 + 100;

/// Answers one invocation.
pub struct Responder<'a> {
    client: &'a RuntimeClient,
    invocation: Arc<Invocation>,
    claim: Claim,
    /// The type of the first failure, if there is one.
    error_type: OnceLock<String>,
    observers: &'a Observers,
    log: Log,
    /// The output of the invocation's instance, once it has one.
    output: OnceLock<GuestOutput>,
}

impl<'a> Responder<'a> {
    /// Creates the responder of an invocation that has not been answered.
    #[must_use]
    pub fn new(
        client: &'a RuntimeClient,
        invocation: Arc<Invocation>,
        observers: &'a Observers,
        log: Log,
    ) -> Self {
        Self {
            client,
            invocation,
            claim: Claim::new(),
            error_type: OnceLock::new(),
            observers,
            log,
            output: OnceLock::new(),
        }
    }

    /// Makes failures count as output of the invocation's instance, since the guest may have written their messages.
    pub fn log_to(&self, output: GuestOutput) {
        let _ = self.output.set(output);
    }

    /// Returns the invocation.
    #[must_use]
    pub fn invocation(&self) -> &Arc<Invocation> {
        &self.invocation
    }

    /// Returns the claim to the answer, for another thread.
    #[must_use]
    pub fn claim(&self) -> Claim {
        self.claim.clone()
    }

    /// Returns whether the invocation failed, before or after its response.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.error_type.get().is_some()
    }

    /// Returns the type of the invocation's first failure, before or after its response.
    #[must_use]
    pub fn error_type(&self) -> Option<&str> {
        self.error_type.get().map(String::as_str)
    }

    /// Sends a response, unless the invocation has been answered. A response that Lambda would refuse becomes a failure.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has to end.
    pub fn respond(&self, content_type: &str, body: &[u8]) -> Result<(), RuntimeApiError> {
        if body.len() > LARGEST_RESPONSE {
            return self.report(&too_large(body.len()));
        }
        if !self.claim.claim() {
            return Ok(());
        }
        self.client.respond(&self.invocation, content_type, body)
    }

    /// Answers the invocation with a failure, unless it has been answered, and logs the failure.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has to end.
    pub fn report(&self, failure: &Failure) -> Result<(), RuntimeApiError> {
        // The failure is sent first: the log may be stuck.
        let sent = self.fail(failure);
        self.log(failure);
        sent
    }

    /// Answers the invocation with a failure, unless it has been answered.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has to end.
    pub fn fail(&self, failure: &Failure) -> Result<(), RuntimeApiError> {
        if !self.claim.claim() {
            return Ok(());
        }
        self.send(failure)
    }

    /// Tells the observers, and so the log, of a failure of the invocation, without an answer.
    pub fn log(&self, failure: &Failure) {
        self.set_failed(failure);
        let event = InvocationFailed {
            invocation: &self.invocation,
            failure: &sendable(failure),
            output: self.output.get(),
            is_stuck: false,
        };
        self.observers
            .each(|observer| observer.invocation_failed(&event));
    }

    /// Logs a warning about the invocation.
    pub fn warn(&self, message: &str) {
        let id = Some(self.invocation.id.as_str());
        self.log.host(Level::Warn, id, message);
    }

    /// Begins a streamed response, unless the invocation has been answered. Has to be called inside a tokio runtime with I/O.
    #[must_use]
    pub fn stream(&self, content_type: &str) -> Option<StreamedResponse> {
        let is_ours = self.claim.claim();
        is_ours.then(|| self.client.stream(&self.invocation, content_type))
    }

    /// Waits until `until` for a streamed response to be sent. If nothing of it has left, a failure takes its place: the
    /// stream has claimed the answer.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has to end.
    pub async fn close(
        &self,
        stream: StreamedResponse,
        until: Instant,
    ) -> Result<(), RuntimeApiError> {
        let Some(failure) = stream.close(until.into()).await? else {
            return Ok(());
        };
        let sent = self.send(&failure);
        self.log(&failure);
        sent
    }

    fn set_failed(&self, failure: &Failure) {
        let error_type = || failure.error_type.to_string();
        self.error_type.get_or_init(error_type);
    }

    /// Sends a failure. The caller has claimed the answer.
    fn send(&self, failure: &Failure) -> Result<(), RuntimeApiError> {
        self.set_failed(failure);
        self.client.fail(&self.invocation, &sendable(failure))
    }
}

/// Returns the failure, or a shorter one in its place if Lambda would refuse it.
fn sendable(failure: &Failure) -> Cow<'_, Failure> {
    let size = failure.size();
    if size <= LARGEST_RESPONSE {
        return Cow::Borrowed(failure);
    }
    Cow::Owned(Failure::new(
        ErrorType::ResponseSizeTooLarge,
        format!(
            "the function's own failure ({:.100}) has {size} bytes, and Lambda takes at most {LARGEST_RESPONSE}: its message or stack trace is too long",
            failure.error_type
        ),
    ))
}

/// Creates the failure of a response of `size` bytes, with Lambda's own error type and message.
#[must_use]
pub(crate) fn too_large(size: usize) -> Failure {
    Failure::new(
        ErrorType::ResponseSizeTooLarge,
        format!(
            "Response payload size ({size} bytes) exceeded maximum allowed payload size ({LARGEST_RESPONSE} bytes)."
        ),
    )
}

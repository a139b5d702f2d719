//! The right to answer one invocation, which is taken once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::failure::Failure;
use crate::guest_output::GuestOutput;
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::runtime_api::streamed::StreamedResponse;
use crate::runtime_api::{RuntimeApiError, RuntimeClient};

/// The largest answer that Lambda takes, in bytes: 6 MiB and 100 bytes.
///
/// See "Invocation payload" in <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>; the 100 bytes are
/// in the error that Lambda itself gives.
pub const LARGEST_RESPONSE: usize = 6 * 1024 * 1024 + 100;

/// Answers one invocation. Clones share the right to.
#[derive(Clone)]
pub struct Responder<'a> {
    client: &'a RuntimeClient,
    invocation: Arc<Invocation>,
    claimed: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    log: Log,
    /// What the failures of the invocation count against, once it has an instance.
    output: Arc<OnceLock<GuestOutput>>,
}

impl<'a> Responder<'a> {
    /// The right to answer `invocation`.
    #[must_use]
    pub fn new(client: &'a RuntimeClient, invocation: Arc<Invocation>, log: Log) -> Self {
        Self {
            client,
            invocation,
            claimed: Arc::default(),
            failed: Arc::default(),
            log,
            output: Arc::default(),
        }
    }

    /// Has failures count as output of the invocation's instance: their words may be the guest's.
    pub fn log_to(&self, output: GuestOutput) {
        let _ = self.output.set(output);
    }

    /// Sends an answer, unless there was one. One that Lambda would refuse becomes a failure.
    ///
    /// # Errors
    ///
    /// If the process has to end.
    pub fn respond(&self, content_type: &str, body: &[u8]) -> Result<(), RuntimeApiError> {
        if body.len() > LARGEST_RESPONSE {
            return self.fail(&too_large(body.len()));
        }
        if self.claim() {
            self.client.respond(&self.invocation, content_type, body)?;
        }
        Ok(())
    }

    /// Sends a failure, unless there was an answer, and logs it.
    ///
    /// # Errors
    ///
    /// If the process has to end.
    pub fn fail(&self, failure: &Failure) -> Result<(), RuntimeApiError> {
        let size = failure.size();
        if size > LARGEST_RESPONSE {
            return self.fail(&Failure::new(
                "Function.ResponseSizeTooLarge",
                format!(
                    "the function's own failure ({:.100}) has {size} bytes, and Lambda takes at most {LARGEST_RESPONSE}: its message or stack trace is too long",
                    failure.error_type
                ),
            ));
        }
        self.failed.store(true, Ordering::Release);
        // Sent first: the log may be one that is not read.
        let sent = match self.claim() {
            true => self.client.fail(&self.invocation, failure).map(|_| ()),
            false => Ok(()),
        };
        match self.output.get() {
            Some(output) => output.failure(Level::Error, failure),
            None => {
                let id = Some(self.invocation.id.as_str());
                self.log.failure(Level::Error, id, failure);
            }
        }
        sent
    }

    /// Logs a warning about the invocation.
    pub fn warn(&self, message: &str) {
        self.log
            .host(Level::Warn, Some(&self.invocation.id), message);
    }

    /// Sends a failure in place of an answer of this responder's own, of which nothing has left.
    ///
    /// # Errors
    ///
    /// If the process has to end.
    pub fn fail_instead(&self, failure: &Failure) -> Result<(), RuntimeApiError> {
        self.claimed.store(false, Ordering::Release);
        self.fail(failure)
    }

    /// Begins a streamed answer, unless there was an answer. Has to be called inside a tokio runtime with I/O.
    #[must_use]
    pub fn stream(&self, content_type: &str) -> Option<StreamedResponse> {
        self.claim()
            .then(|| self.client.stream(&self.invocation, content_type))
    }

    /// One who may take the right to answer, from another thread.
    #[must_use]
    pub fn heir(&self) -> Heir {
        Heir {
            invocation: Arc::clone(&self.invocation),
            claimed: Arc::clone(&self.claimed),
        }
    }

    /// Whether a failure was sent or logged.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }
}

/// May take the right to answer an invocation, if nobody has.
#[derive(Debug)]
pub struct Heir {
    invocation: Arc<Invocation>,
    claimed: Arc<AtomicBool>,
}

impl Heir {
    /// The invocation to answer, for who is the first to ask.
    #[must_use]
    pub fn claim(&self) -> Option<Arc<Invocation>> {
        (!self.claimed.swap(true, Ordering::AcqRel)).then(|| Arc::clone(&self.invocation))
    }
}

/// The failure that an answer of `size` bytes becomes. The name and the words are Lambda's own for it.
#[must_use]
pub fn too_large(size: usize) -> Failure {
    Failure::new(
        "Function.ResponseSizeTooLarge",
        format!(
            "Response payload size ({size} bytes) exceeded maximum allowed payload size ({LARGEST_RESPONSE} bytes)."
        ),
    )
}

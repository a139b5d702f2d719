//! Responses that count as failures of their invocations.

use std::fmt;

use crate::failure::{ErrorType, Failure};

/// The largest part of a response's body in the message of a failure, in bytes.
const MAX_BODY_IN_MESSAGE: usize = 8 * 1024;

/// Returns the failure of a response whose status counts as a failure, with the start of its body.
pub fn failed_status(status: u16, body: &[u8]) -> Failure {
    let message = format!(
        "the function answered with the status {status}: {}",
        Start(body)
    );
    Failure::new(ErrorType::HttpStatus, message)
}

/// Returns the failure of an event that is not an HTTP request, and was answered with this status at this path.
pub fn failed_event(path: &str, status: u16, body: &[u8]) -> Failure {
    let body = Start(body).to_string();
    Failure::new(
        ErrorType::HttpStatus,
        format!(
            "the event is not an HTTP request, so the function received it as `POST {path}`, and answered with the status {status}: {}\nhint: handle `POST {path}` in the function, or set `pass-through-path` in its policy to a path that it handles",
            body.trim_end()
        ),
    )
}

/// The start of a body, as text.
struct Start<'a>(&'a [u8]);

impl fmt::Display for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = &self.0[..self.0.len().min(MAX_BODY_IN_MESSAGE)];
        let more = if kept.len() < self.0.len() {
            " …"
        } else {
            ""
        };
        write!(f, "{}{more}", String::from_utf8_lossy(kept))
    }
}

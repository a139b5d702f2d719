//! Errors after which the process cannot work with the Runtime API.

use thiserror::Error;
use ureq::http::StatusCode;

/// An error after which the process has to end.
#[derive(Debug, Error)]
pub enum RuntimeApiError {
    /// The Runtime API says that the environment is broken.
    #[error(
        "the Runtime API at {endpoint} answered {status} to {request}: the environment cannot recover, so this process ends, and Lambda starts another"
    )]
    Broken {
        /// The address of the Runtime API.
        endpoint: String,
        /// The status of the reply.
        status: StatusCode,
        /// The request.
        request: &'static str,
    },
    /// Requests kept failing.
    #[error(
        "the Runtime API at {endpoint} failed {tries} times: {last}. This process ends, and Lambda starts another"
    )]
    GaveUp {
        /// The address of the Runtime API.
        endpoint: String,
        /// How many requests failed.
        tries: usize,
        /// The last failure.
        last: String,
    },
}

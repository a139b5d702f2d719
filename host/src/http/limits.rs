//! The largest response of an event source. Lambda's own limit holds for all of them.

use crate::failure::{ErrorType, Failure};
use crate::responder::{LARGEST_RESPONSE, too_large};

/// The largest response that an event source takes.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// The largest JSON, in bytes.
    pub largest: usize,
    /// The limit of the event source, for messages, if the limit is not Lambda's.
    pub source: Option<&'static str>,
    /// Whether a text that fits only as base64 is sent as base64.
    pub text_as_base64: bool,
}

/// 1 MiB, in bytes.
pub(super) const MIB: usize = 1024 * 1024;

impl Limit {
    /// Lambda's limit.
    pub(super) const LAMBDA: Self = Self {
        largest: LARGEST_RESPONSE,
        source: None,
        text_as_base64: true,
    };

    /// Returns the failure that a response of `size` bytes becomes, with a hint.
    pub(super) fn too_large(&self, size: usize) -> Failure {
        let mut failure = self.exceeded(size);
        failure.error_message += match self.source {
            None => {
                "\nhint: set `stream = true` in the policy and have the event source stream, or set `compress = true`, for clients that accept gzip"
            }
            Some(_) => {
                "\nhint: return less, or a link to the rest, or set `compress = true` in the policy, for clients that accept gzip"
            }
        };
        failure
    }

    /// Returns the failure that a response of `size` bytes becomes, without a hint.
    pub(super) fn exceeded(&self, size: usize) -> Failure {
        let Some(source) = self.source else {
            return too_large(size);
        };
        Failure::new(
            ErrorType::ResponseSizeTooLarge,
            format!(
                "Response payload size ({size} bytes) exceeded maximum allowed payload size ({} bytes): {source} of JSON from a function.",
                self.largest
            ),
        )
    }
}

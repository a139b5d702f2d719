//! The length of a response's body, and what the head says about it: RFC 9110, 8.6.

use crate::bindings::api;
use crate::failure::{ErrorType, Failure};

/// Compares the bytes of a body with the `content-length` of its response.
pub struct BodyLength {
    promised: Option<usize>,
    /// Whether the body may be absent although `content-length` promises one.
    may_be_absent: bool,
    received: usize,
}

impl BodyLength {
    /// Reads what the head of a response promises. `is_head` says whether it answers a HEAD request.
    #[must_use]
    pub fn new(head: &api::Response, is_head: bool) -> Self {
        let mut headers = head.headers.iter();
        let promised = headers.find(|(name, _)| name == "content-length");
        Self {
            promised: promised.and_then(|(_, value)| value.parse().ok()),
            may_be_absent: is_head || head.status_code == 304,
            received: 0,
        }
    }

    /// Counts bytes of the body.
    pub fn add(&mut self, bytes: usize) {
        self.received += bytes;
    }

    /// Returns how many bytes the body has so far.
    #[must_use]
    pub fn received(&self) -> usize {
        self.received
    }

    /// Checks the length of a body that has ended.
    ///
    /// # Errors
    ///
    /// Returns the failure to report if the body has another length than promised.
    pub fn check_end(&self) -> Result<(), Failure> {
        match self.promised {
            Some(promised) if promised != self.received && !self.is_absent() => {
                Err(unfinished(&format!(
                    "it has {} bytes, and its content-length says {promised}",
                    self.received
                )))
            }
            _ => Ok(()),
        }
    }

    /// Checks a body that broke off, which is how a body of WASI 0.2 ends if it is shorter than promised.
    ///
    /// # Errors
    ///
    /// Returns the failure to report, unless the response may have no body.
    pub fn check_broken_off(&self, why: &str) -> Result<(), Failure> {
        match self.promised {
            Some(_) if self.is_absent() => Ok(()),
            _ => Err(unfinished(why)),
        }
    }

    fn is_absent(&self) -> bool {
        self.received == 0 && self.may_be_absent
    }
}

/// Creates the failure of a response whose body is not complete.
#[must_use]
pub fn unfinished(why: &str) -> Failure {
    Failure::new(
        ErrorType::UnfinishedResponse,
        format!("the body of the function's response is not complete: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(status_code: u16, is_head: bool, received: usize) -> BodyLength {
        let head = api::Response {
            status_code,
            headers: vec![("content-length".to_owned(), "5".to_owned())],
            cookies: Vec::new(),
            body: Vec::new(),
        };
        let mut length = BodyLength::new(&head, is_head);
        length.add(received);
        length
    }

    #[test]
    fn a_body_has_the_length_that_its_head_promises() {
        assert!(length(200, false, 5).check_end().is_ok());
        for received in [0, 4, 6] {
            assert!(length(200, false, received).check_end().is_err());
        }
        assert!(length(200, false, 5).check_broken_off("cut").is_err());
    }

    #[test]
    fn head_and_304_may_promise_a_body_that_they_do_not_have() {
        for (status, is_head) in [(200, true), (304, false)] {
            assert!(length(status, is_head, 0).check_end().is_ok());
            assert!(length(status, is_head, 0).check_broken_off("cut").is_ok());
            assert!(length(status, is_head, 4).check_end().is_err());
            assert!(length(status, is_head, 4).check_broken_off("cut").is_err());
        }
    }
}

//! The requests of SnapStart: the wait for a restore, and its failure.
//!
//! Container images do them themselves: <https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html>.

use ureq::http::StatusCode;

use super::{RuntimeApiError, RuntimeClient};
use crate::failure::Failure;

impl RuntimeClient {
    /// Tells Lambda that the start has ended, and waits until the process is restored from the snapshot that Lambda
    /// takes. Returns `false` if SIGTERM is received instead.
    ///
    /// # Errors
    ///
    /// Returns an error if the Runtime API does not restore the process.
    pub fn restore_next(&self) -> Result<bool, RuntimeApiError> {
        let mut asked = self.try_restore_next();
        if asked.is_err() && self.has_no_reply() && !self.is_terminated() {
            // The connection did not survive the snapshot.
            asked = self.try_restore_next();
        }
        match asked {
            Ok(StatusCode::OK) => Ok(true),
            Ok(status) => Err(RuntimeApiError::Broken {
                endpoint: self.endpoint.name.clone(),
                status,
                request: "GET restore/next",
            }),
            Err(_) if self.is_terminated() => Ok(false),
            Err(error) => Err(RuntimeApiError::GaveUp {
                endpoint: self.endpoint.name.clone(),
                tries: 2,
                last: format!("GET restore/next: {error}"),
            }),
        }
    }

    fn try_restore_next(&self) -> Result<StatusCode, ureq::Error> {
        self.begin_exchange(true);
        let uri = format!("{}/restore/next", self.base);
        Ok(self.agent.get(uri).call()?.status())
    }

    /// Reports that the process cannot serve after the restore.
    ///
    /// # Errors
    ///
    /// Returns why the Runtime API did not take the report.
    pub fn restore_error(&self, failure: &Failure) -> Result<(), String> {
        self.report_start("/restore/error", failure)
    }
}

//! The invocation and its function.

use std::time::{Duration, SystemTime};

pub use crate::bindings::handler::lambda::function::types::Context;

impl Context {
    /// Returns when Lambda ends the invocation. The host stops the function shortly before.
    pub fn deadline(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.deadline_ms)
    }

    /// Returns the time until the deadline, which is zero after it.
    pub fn remaining(&self) -> Duration {
        let left = self.deadline().duration_since(SystemTime::now());
        left.unwrap_or_default()
    }
}

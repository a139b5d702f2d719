//! Panics of the host itself, as failures.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use crate::failure::{ErrorType, Failure};

/// Does some work. A panic in the work becomes a failure.
///
/// # Errors
///
/// Returns the work's own failure, or the failure that its panic becomes.
pub fn catch<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_as(work, Err)
}

/// Does some work. If the work panics, returns the result of `report` for the failure.
pub fn catch_as<T>(work: impl FnOnce() -> T, report: impl FnOnce(Failure) -> T) -> T {
    // The values that the work owns are gone after a panic. The values that it borrows have no state that could be half
    // changed.
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| report(failure(&*panic)))
}

fn failure(panic: &(dyn Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Failure {
        is_crash: true,
        ..Failure::new(
            ErrorType::Panic,
            format!(
                "the runtime itself panicked, which is a bug in it, not in the function: {message}"
            ),
        )
    }
}

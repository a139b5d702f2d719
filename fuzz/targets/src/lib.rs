//! The fuzz targets: one module for each, with a function `run` that takes the fuzzer's bytes and panics with a finding.
//!
//! `fuzz_targets/` beside this crate has the program, and `tests/short.rs` runs the targets without a fuzzer. CONTRIBUTING.md
//! describes both.

pub mod artifact;
pub mod backtrace;
pub mod door;
pub mod event;
pub mod invocation;
pub mod log;
pub mod peer;
pub mod policy;
pub mod prelude;
pub mod response;
#[path = "../../../test-support/src/signature.rs"]
#[allow(clippy::unwrap_used, reason = "it is code of the tests")]
mod signature;
pub mod signing;
pub mod template;
mod words;

use lambda_wasm_memory::allocator::{self, Allocator};

/// A target: it reads bytes of the fuzzer.
pub type Run = fn(&[u8]);

/// All targets, by their names.
pub const TARGETS: [(&str, Run); 11] = [
    ("artifact", artifact::run),
    ("backtrace", backtrace::run),
    ("door", door::run),
    ("event", event::run),
    ("invocation", invocation::run),
    ("log", log::run),
    ("policy", policy::run),
    ("prelude", prelude::run),
    ("response", response::run),
    ("signing", signing::run),
    ("template", template::run),
];

/// The allocator of `bootstrap`, which counts: the budgets of the host depend on it.
#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

/// A request as it is sent, for the second implementation of signatures.
pub struct Request {
    /// The request line.
    pub line: String,
    /// The headers, one in each line.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Calls `work`, and fails if this thread then held more than so many bytes in addition.
pub fn within<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    allocator::set_limit(allocator::allocated().saturating_add_unsigned(bytes));
    let result = work();
    let over = allocator::peak_over_limit();
    allocator::set_limit(isize::MAX);
    assert!(
        over <= 0,
        "{over} bytes more than the {bytes} that were allowed"
    );
    result
}

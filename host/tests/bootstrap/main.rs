//! The real `bootstrap` of `dist/`, over real sockets. `./build.sh test` builds what these tests run.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/aws_events.rs"]
mod aws_events;
#[cfg_attr(
    not(feature = "compiler"),
    allow(dead_code, reason = "some of it is for tests that need the compiler")
)]
mod components;
#[path = "../support/crates.rs"]
mod crates;
#[allow(dead_code, reason = "the tests of HTTP use it")]
#[path = "../support/oci_wasm.rs"]
mod oci_wasm;
mod refusal;
mod support;

mod answers;
mod artifacts;
mod budgets;
mod concurrency;
mod context;
mod crashes;
mod deadlines;
mod exceptions;
mod hostile;
mod http;
mod log;
mod misfits;
mod next_in_time;
mod outbound;
mod policy;
mod rest_api;
mod runtime_api_faults;
mod start;
mod start_code;
mod streaming_function;
mod stuck;
#[cfg(feature = "compiler")]
mod unused_imports;

//! The real `bootstrap`, over real sockets. `./build.sh test` builds what these tests run.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod refusal;

mod answers;
mod artifacts;
mod concurrency;
mod context;
mod crashes;
mod deadlines;
mod exceptions;
mod hostile;
mod http;
mod init;
mod log;
mod memory;
mod misfits;
mod next_in_time;
mod outbound;
mod page_faults;
mod places;
mod policy;
mod rest_api;
mod runtime_api_faults;
mod small;
mod snapshot;
mod start;
mod start_code;
mod streaming_function;
mod stuck;
mod termination;
#[cfg(feature = "compiler")]
mod unused_imports;

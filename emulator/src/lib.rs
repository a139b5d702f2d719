//! AWS Lambda as a runtime and a client see it, on this machine: the Runtime API that a `bootstrap`
//! asks for events, and the front doors that make those events out of HTTP requests.
//!
//! [`RuntimeApi`] is strict. It refuses what the service refuses, and writes down every breach of
//! the contract so that a test can say there was none. It knows nothing of what the runtime runs.

#![forbid(unsafe_code)]

pub mod environment;
pub mod front_door;
pub mod runtime_api;
pub mod template;

pub use front_door::{Answered, Functions, LogTail};
pub use runtime_api::{
    AnswerStream, Chunk, End, Invocation, Outcome, Pending, Post, RuntimeApi, Violation,
};
pub use template::{Api, Architecture, Function, InvokeMode, Route, Template};

//! AWS Lambda for a runtime and a client on this machine: the Runtime API that a `bootstrap` asks for
//! events, the Extensions and Telemetry APIs, and the event sources that create those events from
//! HTTP requests.
//!
//! [`RuntimeApi`] is strict. It refuses the requests that the service refuses, and records every
//! breach of the contract for tests. It does not know what the runtime runs.

#![forbid(unsafe_code)]

pub mod account;
mod control_group;
pub mod event_source;
mod function_name;
pub mod runtime_api;
pub mod template;
pub mod variables;

pub use control_group::ControlGroup;
pub use event_source::{Answered, Functions, LogTail};
pub use runtime_api::{
    AnswerStream, Chunk, End, ExtensionFailure, Invocation, LogSource, Outcome, Pending, Post,
    RuntimeApi, ShutdownLimits, ShutdownReason, Violation,
};
pub use template::{
    Api, ApiSettings, Architecture, Asynchronous, Auth, Authorization, AuthorizerEvent, Cors,
    EventSource, Function, IdentitySource, Input, InvokeMode, JwtAuthorizer, LambdaAuthorizer,
    Other, Pattern, Polled, Route, SourceKind, Template, Why,
};

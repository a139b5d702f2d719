//! Rust types and calls for the WIT package `lambda:function`, generated from `wit/`.
//!
//! One generated world has all exports that the host calls. `exports.rs` finds the export that a component has.

#![allow(missing_docs, reason = "the WIT has the documentation")]

use crate::config::FunctionMetadata;
use crate::failure;
use crate::invocation::{Invocation, header};

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package lambda-wasm:host;
        world function {
            import lambda:function/invocation@0.1.0;
            export lambda:function/api@0.1.0;
            export lambda:function/handler@0.1.0;
            export lambda:function/streaming-handler@0.1.0;
            export lambda:function/init@0.1.0;
        }
    ",
    exports: { default: async },
    imports: { default: trappable },
    with: { "wasi:io": wasmtime_wasi::p2::bindings::io },
});

pub(crate) use exports::lambda::function::{api, handler, init, streaming_handler};
pub(crate) use lambda::function::invocation;
pub(crate) use lambda::function::types::{self, Context, Failure};

impl Context {
    /// Creates the context that a guest gets with an invocation.
    #[must_use]
    pub fn new(metadata: &FunctionMetadata, invocation: &Invocation) -> Self {
        let text = |name| invocation.header(name).map(str::to_owned);
        Self {
            request_id: invocation.id.clone(),
            invoked_function_arn: text(header::FUNCTION_ARN).unwrap_or_default(),
            function_name: metadata.name.clone(),
            function_version: metadata.version.clone(),
            memory_limit_mib: metadata.memory_mib,
            deadline_ms: invocation.deadline.unix_ms,
            trace_id: text(header::TRACE_ID),
            log_group: metadata.log_group.clone(),
            log_stream: metadata.log_stream.clone(),
            client_context: text(header::CLIENT_CONTEXT),
            cognito_identity: text(header::COGNITO_IDENTITY),
            tenant_id: text(header::TENANT_ID),
        }
    }
}

impl From<Failure> for failure::Failure {
    /// Keeps the error type, message and stack trace that the guest chose.
    fn from(failure: Failure) -> Self {
        Self {
            stack_trace: failure.stack_trace,
            ..Self::from_function(failure.error_type, failure.error_message)
        }
    }
}

//! Rust types and calls for the WIT package `lambda:function`, generated from `wit/`.
//!
//! One generated world holds all that the host calls; which of its exports a component has is found out when it is loaded.

#![allow(missing_docs, reason = "the WIT has the documentation")]

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package lambda-wasm:host;
        world function {
            import lambda:function/invocation@0.1.0;
            export lambda:function/api@0.1.0;
            export lambda:function/handler@0.1.0;
            export lambda:function/streaming-handler@0.1.0;
        }
    ",
    exports: { default: async },
    imports: { default: trappable },
    with: { "wasi:io": wasmtime_wasi::p2::bindings::io },
});

pub use exports::lambda::function::{api, handler, streaming_handler};
pub use lambda::function::invocation;
pub use lambda::function::types::{self, Context, Failure};

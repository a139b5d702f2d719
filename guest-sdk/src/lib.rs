//! Functions in Rust for lambda-wasm.
//!
//! A function of any event is a closure or the name of a function. The event can be any type that serde reads, and the
//! response any type that it writes:
//!
//! ```
//! use lambda_wasm_guest::{Result, handler, json};
//! use serde_json::Value;
//!
//! handler!(|event: Value, context| -> Result<Value> {
//!     Ok(json!({ "id": context.request_id, "greeting": format!("Hello, {}!", event["name"]) }))
//! });
//! ```
//!
//! [`handler!`] is for JSON in, JSON out. [`api!`] is for HTTP requests, and [`stream!`] for a response that is sent while
//! it is made. Each crate has one of them. The types of AWS's events are in [`events`], with a feature for each event
//! source.

#![warn(missing_docs)]

mod api;
#[doc(hidden)]
pub mod bindings;
mod context;
mod error;
mod handler;
mod logger;
mod stream;

pub use api::{Request, Response};
#[cfg(feature = "events")]
pub use aws_lambda_events as events;
pub use bindings::handler::lambda::function::invocation;
pub use context::Context;
pub use error::{Error, Result};
pub use log;
pub use serde_json::{self, json};
pub use stream::Output;

#[doc(hidden)]
pub mod private {
    pub use crate::api::run as run_api;
    pub use crate::handler::run as run_handler;
    pub use crate::stream::run as run_stream;
}

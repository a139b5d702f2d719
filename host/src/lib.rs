//! The runtime of lambda-wasm: runs a precompiled WebAssembly component as an AWS Lambda function.
//!
//! The binary `bootstrap` is this library and a `main`. The compile tool uses [`artifact`], [`engine`], [`world`],
//! [`imports`] and [`exports`], so that it refuses a component that the host would refuse.

pub mod artifact;
pub mod aws;
pub mod bindings;
pub mod call;
pub mod config;
pub mod coredump;
pub mod cpu;
pub mod crash;
pub mod engine;
pub mod exports;
pub mod failure;
pub mod forwarder;
mod frames;
pub mod function;
pub mod guest_output;
pub mod http;
pub mod imports;
pub mod instance;
pub mod interfaces;
pub mod invocation;
pub mod log;
pub mod observer;
pub mod outbound;
pub mod panics;
pub mod policy;
pub mod process;
pub mod responder;
pub mod runtime_api;
pub mod sandbox;
pub mod shutdown;
pub mod supervisor;
pub mod timeline;
pub mod timings;
pub mod watch;
pub mod watchdog;
pub mod worker;
pub mod world;

//! The runtime of lambda-wasm: runs a precompiled WebAssembly component as an AWS Lambda function.
//!
//! The binary `bootstrap` is this library and a `main`. The compile tool uses [`artifact`], [`engine`], [`world`],
//! [`imports`] and [`exports`], so that it refuses a component that the host would refuse.

// Only what the tool, the bench and the tests use is public.
#![warn(unreachable_pub)]

pub mod artifact;
mod aws;
mod bindings;
mod call;
pub mod config;
mod coredump;
pub mod cpu;
mod crash;
pub mod engine;
pub mod exports;
pub mod failure;
mod forwarder;
mod frames;
pub mod function;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod guest_output;
pub mod http;
pub mod imports;
mod instance;
pub mod interfaces;
pub mod invocation;
pub mod lockdown;
pub mod log;
pub mod observer;
mod outbound;
pub mod panics;
pub mod policy;
mod process;
#[cfg(feature = "compiler")]
pub mod rehearsal;
mod responder;
pub mod runtime_api;
mod sandbox;
pub mod supervisor;
pub mod termination;
mod timeline;
pub mod timings;
pub mod variant;
mod watch;
pub mod worker;
pub mod world;

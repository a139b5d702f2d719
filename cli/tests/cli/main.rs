//! The real `lambda-wasm`, on files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod compile;
mod documents;
mod inspect;
mod package;
mod refused;
mod usage;

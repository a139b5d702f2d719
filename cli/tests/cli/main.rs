//! The real `lambda-wasm`, on files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../host/tests/bootstrap/components.rs"]
mod components;
mod support;

mod compile;
mod documents;
mod inspect;
mod package;
mod refused;
mod usage;

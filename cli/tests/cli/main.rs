//! The real `lambda-wasm`, on files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod build;
mod closed_output;
mod compile;
mod container;
mod dependencies;
mod documents;
mod examples;
mod faults;
mod inspect;
mod interrupts;
mod invoke;
mod kept_functions;
mod lambda_root;
mod languages;
mod layer;
mod mcp;
mod new;
mod newcomer;
mod package;
mod package_check;
mod package_template;
mod progress;
mod refused;
mod release;
mod sbom;
mod signed;
mod snap_start;
mod snapshot;
mod supply_chain;
mod testing;
mod usage;
mod wrap;

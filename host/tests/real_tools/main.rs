//! What is built, run as its users run it: by AWS's emulator, by `cargo lambda`, by `lambda-wasm dev`; and how it is
//! linked. `./build.sh test` builds and installs what these tests run.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod browser;
mod http;
mod moto;

mod aws;
mod cargo_lambda;
mod deploy;
mod deploy_answers;
mod deploy_document;
mod dev;
mod dev_application;
mod dev_doors;
mod dev_environments;
mod dev_page;
mod dev_requests;
mod dev_sources;
mod emulator_rie;
mod examples;
mod instructions;
mod invoke_remote;
mod link;
mod startup_order;

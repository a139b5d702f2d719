//! Shared by the tests of the workspace: components, a `bootstrap` that runs them, Runtime APIs that misbehave, and models
//! of the event sources.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod aws_events;
pub mod components;
pub mod crates;
mod deployment;
pub mod event_sources;
mod guests;
mod locks;
mod oci_wasm;
pub mod program;
mod scripted_api;
pub mod signature;
pub mod tools;

pub use deployment::{Deployment, Host, Output, Process, Unread};
pub use guests::{arm64_artifact, artifact, build_guest, compile_once, guest};
pub use locks::{lock, once_a_run};
pub use oci_wasm::oci_wasm_component;
pub use scripted_api::{Connection, Request, ScriptedApi};

use std::env::consts::ARCH;
use std::path::PathBuf;
use std::time::Duration;

/// How long a test waits for what has to come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The project's folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The full variant of `bootstrap`.
pub fn full_bootstrap() -> PathBuf {
    built(&format!("target/bootstraps/bootstrap-{ARCH}"))
}

/// The small variant of `bootstrap`.
pub fn small_bootstrap() -> PathBuf {
    built(&format!("target/bootstraps/bootstrap-{ARCH}-small"))
}

/// The host for arm64 that the tests of x86_64 run in an emulator.
pub(crate) fn arm64_bootstrap() -> PathBuf {
    root().join("target/bootstraps/bootstrap-aarch64-quick")
}

/// A file that `./build.sh` builds.
pub fn built(path: &str) -> PathBuf {
    let path = root().join(path);
    assert!(
        path.exists(),
        "{} is missing: run ./build.sh test",
        path.display()
    );
    path
}

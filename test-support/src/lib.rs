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
pub use guests::{artifact, build_guest, compile_once, guest};
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

/// Returns the architecture of the host that the tests run, as Rust names it: `LAMBDA_WASM_TEST_ARCH`, or this machine's.
///
/// `scripts/test.sh` sets the variable to run tests with the host for arm64.
pub fn arch() -> String {
    std::env::var("LAMBDA_WASM_TEST_ARCH").unwrap_or_else(|_| ARCH.to_owned())
}

/// Returns the program that runs the host, if it is for another CPU than this machine's.
pub fn cpu_emulator() -> Option<String> {
    let arch = arch();
    (arch != ARCH).then(|| format!("qemu-{arch}-static"))
}

/// Returns the path of the full variant of `bootstrap`. For another CPU, it is built in less time and not optimized much.
pub fn full_bootstrap() -> PathBuf {
    bootstrap("")
}

/// Returns the path of the small variant of `bootstrap`. For another CPU, only the full one is built.
pub fn small_bootstrap() -> PathBuf {
    bootstrap("-small")
}

fn bootstrap(variant: &str) -> PathBuf {
    let kind = if cpu_emulator().is_some() {
        "-quick"
    } else {
        variant
    };
    built(&format!("target/bootstraps/bootstrap-{}{kind}", arch()))
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

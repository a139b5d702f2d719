//! What the tests run: components that are built here, and a `bootstrap` that runs them.

mod cpu_share;
#[allow(dead_code, reason = "the tests of HTTP and of streaming use the rest")]
mod functions;
mod host;
mod scripted_api;

pub use cpu_share::CpuShare;
pub use functions::{compile, functions, rust_guest};
pub use host::{Host, HostBuilder, Output, Process};
pub use scripted_api::{Connection, Request, ScriptedApi};

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

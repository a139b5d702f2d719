//! The components that the tests run, from source and compiled, in one folder as on Lambda.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{built, root};

/// Builds the Rust guests once a run, and returns the folder that their components lie in.
fn guests() -> &'static Path {
    static GUESTS: OnceLock<PathBuf> = OnceLock::new();
    GUESTS.get_or_init(|| {
        let target = root().join("target/guests");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([
                "build",
                "--release",
                "--examples",
                "--target",
                "wasm32-wasip2",
            ])
            .arg("--manifest-path")
            .arg(root().join("host/tests/guests/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target);
        if let Some(rustc) = std::env::var_os("WASM_RUSTC") {
            cargo.env("RUSTC", rustc);
        }
        let output = cargo.output().unwrap();
        assert!(
            output.status.success(),
            "the guests do not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        target.join("wasm32-wasip2/release/examples")
    })
}

/// A component of `host/tests/guests`.
pub fn rust_guest(name: &str) -> PathBuf {
    guests().join(format!("{name}.wasm"))
}

/// Speaks `wasi:http` 0.2, and does what the request's path says.
pub fn http_p2() -> PathBuf {
    rust_guest("http_p2")
}

/// Does the same by `wasi:http` 0.3.
pub fn http_p3() -> PathBuf {
    rust_guest("http_p3")
}

/// Echoes the request's body, by crate `wstd`.
pub fn http_wstd() -> PathBuf {
    rust_guest("http_wstd")
}

/// A `streaming-function` that does what its event says.
pub fn streaming() -> PathBuf {
    rust_guest("streaming")
}

/// The folder with the Rust guests that are invoked with events, compiled: `handler.cwasm` and `api.cwasm`.
pub fn functions() -> &'static Path {
    static FUNCTIONS: OnceLock<PathBuf> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let folder = root().join("target/test-functions");
        for name in ["handler", "api"] {
            let output = compile(&rust_guest(name), &folder.join(format!("{name}.cwasm")));
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        folder
    })
}

/// Runs `lambda-wasm compile`.
pub fn compile(component: &Path, artifact: &Path) -> std::process::Output {
    Command::new(built("target/release/lambda-wasm"))
        .arg("compile")
        .arg(component)
        .arg("-o")
        .arg(artifact)
        .output()
        .unwrap()
}

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

/// Answers with what it saw of a request.
pub fn http_seen() -> PathBuf {
    rust_guest("http_seen")
}

/// Echoes the request's body, by crate `wstd`.
pub fn http_wstd() -> PathBuf {
    rust_guest("http_wstd")
}

/// A `streaming-function` that does what its event says.
pub fn streaming() -> PathBuf {
    rust_guest("streaming")
}

/// The folder with the Rust guests, compiled: one artifact for each, and for those that answer by HTTP others that differ
/// in their policy, `NAME_stream` and `NAME_fail`.
pub fn functions() -> &'static Path {
    static FUNCTIONS: OnceLock<PathBuf> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let folder = root().join("target/test-functions");
        let guests = [
            rust_guest("handler"),
            rust_guest("api"),
            rust_guest("policy"),
            rust_guest("hostile"),
            rust_guest("hostile_http"),
            rust_guest("hostile_p3"),
            http_p2(),
            http_p3(),
            http_seen(),
            http_wstd(),
            streaming(),
        ];
        for guest in guests {
            let name = guest.file_stem().unwrap().to_str().unwrap();
            let artifact = folder.join(format!("{name}.cwasm"));
            let output = compile(&guest, &artifact);
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            for (suffix, policy) in [
                ("stream", "stream = true\n"),
                ("fail", "fail-status = \"500-599\"\n"),
            ] {
                let other = folder.join(format!("{name}_{suffix}"));
                std::fs::copy(&artifact, other.with_extension("cwasm")).unwrap();
                std::fs::write(other.with_extension("toml"), policy).unwrap();
            }
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

//! The components that the tests run: built from source and compiled, once for all tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::locks::{lock, once_a_run};
use crate::{arch, built, root};

/// Returns the path of a component of `host/tests/guests`, whose components are built once a run.
pub fn guest(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let target = root().join("target/guests");
        build_guest("host/tests/guests", &target, &["--examples"]);
        target.join("wasm32-wasip2/release/examples")
    });
    directory.join(format!("{name}.wasm"))
}

/// Builds the components of a package once a run. `package` is its path in the repository.
pub fn build_guest(package: &str, target: &Path, arguments: &[&str]) {
    let name = target.file_name().unwrap().to_str().unwrap();
    once_a_run(name, || {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--release", "--target", "wasm32-wasip2"])
            .args(arguments)
            .arg("--manifest-path")
            .arg(root().join(package).join("Cargo.toml"))
            .arg("--target-dir")
            .arg(target);
        if let Some(rustc) = std::env::var_os("WASM_RUSTC") {
            cargo.env("RUSTC", rustc);
        }
        let output = cargo.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{package} does not build:\n{stderr}"
        );
    });
}

/// Returns the path of the artifact of a component of `host/tests/guests`.
pub fn artifact(guest_name: &str) -> PathBuf {
    compile_once(&guest(guest_name))
}

/// Compiles a component, unless its artifact is from the same bytes and the same tool. The tests share the artifact.
pub fn compile_once(component: &Path) -> PathBuf {
    let name = component.file_stem().unwrap().to_str().unwrap();
    let arch = arch();
    let directory = root().join("target/test-functions").join(&arch);
    let artifact = directory.join(format!("{name}.cwasm"));
    let key_file = directory.join(format!("{name}.key"));
    let key = key(component);
    let _lock = lock(&format!("artifact-{name}-{arch}"));
    let is_current = artifact.exists() && std::fs::read(&key_file).is_ok_and(|old| old == key);
    if !is_current {
        std::fs::create_dir_all(&directory).unwrap();
        let new = directory.join(format!("{name}.new.cwasm"));
        compile(component, &new);
        std::fs::rename(new, &artifact).unwrap();
        std::fs::write(key_file, key).unwrap();
    }
    artifact
}

/// Returns what an artifact depends on: the component, and the tool that compiles it.
fn key(component: &Path) -> Vec<u8> {
    let tool = built("target/release/lambda-wasm").metadata().unwrap();
    let built = tool.modified().unwrap();
    let built = built.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let digest = Sha256::digest(std::fs::read(component).unwrap());
    format!("{digest:x?} {} {}", tool.len(), built.as_nanos()).into_bytes()
}

/// Runs `lambda-wasm compile`, for the architecture of the host that is tested.
///
/// # Panics
/// If it fails.
#[track_caller]
pub(crate) fn compile(component: &Path, artifact: &Path) {
    let output = Command::new(built("target/release/lambda-wasm"))
        .arg("compile")
        .arg(component)
        .arg("-o")
        .arg(artifact)
        .arg("--target")
        .arg(format!("{}-unknown-linux-gnu", arch()))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

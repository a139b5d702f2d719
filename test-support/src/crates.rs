//! The folders of crates that carry files which the tests read.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of a package that the manifest's package depends on, wherever cargo unpacked it.
pub fn folder(package: &str, manifest: &Path, arguments: &[&str]) -> PathBuf {
    // What other platforms need is not downloaded.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .args(["--filter-platform", &platform])
        .args(arguments)
        .arg("--manifest-path")
        .arg(manifest)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {stderr}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|known| known["name"] == package);
    let manifest = Path::new(package.unwrap()["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().to_owned()
}

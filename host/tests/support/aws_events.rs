//! The event samples that the crate `aws_lambda_events` carries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A sample, by its file's name without `example-` and `.json`.
pub fn sample(name: &str) -> String {
    let path = folder().join(format!("example-{name}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The samples whose names begin so, in order.
#[allow(dead_code, reason = "not every test that reads samples reads them all")]
pub fn samples(prefix: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut names: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let name = name.strip_prefix("example-")?.strip_suffix(".json")?;
            name.starts_with(prefix).then(|| name.to_owned())
        })
        .collect();
    names.sort();
    names
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // What other platforms need has not been downloaded.
        let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--offline"])
            .args(["--filter-platform", &platform, "--manifest-path"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo metadata: {stderr}");
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let package = packages
            .iter()
            .find(|package| package["name"] == "aws_lambda_events")
            .unwrap();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        manifest.with_file_name("src").join("fixtures")
    })
}

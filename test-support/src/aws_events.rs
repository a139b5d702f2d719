//! The event samples that the crate `aws_lambda_events` carries.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::crates;

/// A sample, by its file's name without `example-` and `.json`.
pub fn sample(name: &str) -> String {
    let path = folder().join(format!("example-{name}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The samples whose names begin so, in order.
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
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let package = crates::folder("aws_lambda_events", Path::new(manifest), &["--offline"]);
        package.join("src/fixtures")
    })
}

//! Dependencies that Cargo cannot build for components: found before the build, which may take minutes until it fails.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use lambda_wasm_host::artifact;
use serde::Deserialize;

use super::TARGET;
use crate::build::tool;
use crate::project::Project;

/// Packages that have C code or need a library of C, and what to use instead. Each was tried without a C compiler for
/// WebAssembly.
const NATIVE: [(&str, &str); 11] = [
    (
        "aws-lc-sys",
        "for TLS, send requests through `wasi:http`, where the host has TLS; for the rest, the crates of RustCrypto",
    ),
    ("bzip2-sys", "`bzip2` 0.6 or newer, which is Rust alone"),
    ("curl-sys", "a client of `wasi:http`, such as `wstd`"),
    ("libgit2-sys", "`gix`"),
    ("libsqlite3-sys", "a database that is reached over HTTP"),
    ("libz-sys", "`flate2` with its default features"),
    ("lzma-sys", "`lzma-rs`"),
    ("onig_sys", "`fancy-regex`"),
    (
        "openssl-sys",
        "a client of `wasi:http`, such as `wstd`: the host has TLS; for the rest, the crates of RustCrypto",
    ),
    (
        "ring",
        "for TLS, send requests through `wasi:http`, where the host has TLS; for the rest, the crates of RustCrypto",
    ),
    ("zstd-sys", "`ruzstd`, which is Rust alone"),
];

/// The features with which `tokio` refuses WebAssembly, by its own `compile_error!`.
const TOKIO: [&str; 6] = [
    "fs",
    "io-std",
    "net",
    "process",
    "rt-multi-thread",
    "signal",
];

/// The variables that say where a C compiler or OpenSSL for WebAssembly is: the crates `cc` and `openssl-sys`.
const CONFIGURED: [&str; 4] = [
    "CC_wasm32_wasip2",
    "CC_wasm32-wasip2",
    "TARGET_CC",
    "WASM32_WASIP2_OPENSSL_DIR",
];

/// The output of `cargo metadata`: <https://doc.rust-lang.org/cargo/commands/cargo-metadata.html>.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
    root: Option<String>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    features: Vec<String>,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// `build` or `dev`, or nothing for what is linked.
    kind: Option<String>,
}

/// Checks the dependencies of a project, unless they are those of the last check.
///
/// # Errors
///
/// Returns an error that names the dependencies that cannot be built, or if Cargo fails.
pub(super) fn check(project: &Project, cargo: &Path) -> Result<()> {
    let inputs = || {
        let files = ["Cargo.toml", "Cargo.lock"].map(|name| project.directory.join(name));
        let texts = files.map(|file| std::fs::read(file).unwrap_or_default());
        artifact::sha256(&texts.concat())
    };
    let stamp = project.scratch().join("dependencies");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == inputs()) {
        return Ok(());
    }
    let mut command = std::process::Command::new(cargo);
    command
        .args([
            "metadata",
            "--format-version=1",
            "--filter-platform",
            TARGET,
        ])
        .current_dir(&project.directory);
    let output = tool::output(&mut command, "cargo metadata")?;
    let metadata: Metadata =
        serde_json::from_slice(&output).context("the output of `cargo metadata` is not known")?;
    let has_compiler = CONFIGURED
        .iter()
        .any(|name| std::env::var_os(name).is_some())
        || tool::find("clang", "").is_ok();
    let unusable = metadata.unusable(has_compiler);
    if !unusable.is_empty() {
        bail!("a component cannot have these dependencies:{unusable}");
    }
    std::fs::create_dir_all(project.scratch())
        .and_then(|()| std::fs::write(&stamp, inputs()))
        .with_context(|| format!("{} cannot be written", stamp.display()))
}

impl Metadata {
    /// Returns a line for each package that cannot be built, and what to use instead.
    fn unusable(&self, has_compiler: bool) -> String {
        let names: BTreeMap<_, _> = self
            .packages
            .iter()
            .map(|package| (package.id.as_str(), package.name.as_str()))
            .collect();
        let mut lines = String::new();
        for (id, path) in self.linked(&names) {
            let Some(name) = names.get(id) else { continue };
            let native = NATIVE.iter().find(|(native, _)| native == name);
            if let Some((_, instead)) = native.filter(|_| !has_compiler) {
                lines.push_str(&format!(
                    "\n  {path}: it is not Rust alone, and there is no C compiler for WebAssembly\n  hint: use {instead}"
                ));
            }
            let features = self.resolve.nodes.iter().find(|node| node.id == id);
            let features = features
                .map(|node| node.features.as_slice())
                .unwrap_or_default();
            let refused: Vec<_> = TOKIO
                .into_iter()
                .filter(|name| features.iter().any(|feature| feature == name))
                .collect();
            if *name == "tokio" && !refused.is_empty() {
                lines.push_str(&format!(
                    "\n  {path}: it does not have the features {} on WebAssembly\n  hint: use only sync, macros, io-util, rt and time, with default-features = false in what depends on it",
                    refused.join(", ")
                ));
            }
        }
        lines
    }

    /// Returns the packages that are linked into the component, each with the shortest path of names that leads to it.
    fn linked(&self, names: &BTreeMap<&str, &str>) -> Vec<(&str, String)> {
        let nodes: BTreeMap<_, _> = self
            .resolve
            .nodes
            .iter()
            .map(|node| (node.id.as_str(), node))
            .collect();
        let mut found: Vec<(&str, String)> = Vec::new();
        found.extend(
            self.resolve
                .root
                .as_deref()
                .map(|root| (root, String::new())),
        );
        let mut next = 0;
        while let Some((id, path)) = found.get(next).cloned() {
            next += 1;
            for dependency in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
                let id = dependency.pkg.as_str();
                let is_linked = dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
                if is_linked && !found.iter().any(|(known, _)| *known == id) {
                    let name = names.get(id).copied().unwrap_or(id);
                    let path = match path.as_str() {
                        "" => name.to_owned(),
                        path => format!("{path} > {name}"),
                    };
                    found.push((id, path));
                }
            }
        }
        found
    }
}

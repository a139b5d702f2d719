//! Components of Rust, by Cargo.

mod dependencies;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::{core_module, tool};
use crate::project::Project;
use crate::wit;

/// The target of components.
pub const TARGET: &str = "wasm32-wasip2";

/// The crate `lambda-wasm-guest`, which no registry has: projects find it in their scratch directory.
const GUEST_MANIFEST: &str = include_str!("../../../guest-sdk/Cargo.toml");
static GUEST_SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/src");

/// How to get Cargo.
pub const CARGO: &str = "install Rust from https://rustup.rs";

/// A message of `cargo build --message-format=json`: "External tools" in the Cargo book
/// (<https://doc.rust-lang.org/cargo/reference/external-tools.html>).
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Builds the component of a Cargo project.
///
/// # Errors
///
/// Returns an error if Cargo or the target is missing, if the build fails, or if it makes no component.
pub fn build(project: &Project) -> Result<PathBuf> {
    let cargo = tool::find("cargo", CARGO)?;
    if !has_target(Some(&project.directory)) {
        bail!(
            "Rust cannot compile for {TARGET} here\nhint: {}",
            add_target()
        );
    }
    write_guest(&project.directory)?;
    dependencies::check(project, &cargo)?;
    let mut command = Command::new(cargo);
    command
        .args(["build", "--release", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(&project.directory);
    if project.options.debug {
        command
            .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
            .env("CARGO_PROFILE_RELEASE_STRIP", "none");
    }
    let output = tool::output(&mut command, "cargo build")?;
    let lines = output.split(|&byte| byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let files = messages
        .filter(|message| message.reason == "compiler-artifact")
        .flat_map(|message| message.filenames);
    // Cargo builds dependencies first, so that the last component is the project's own.
    let mut components = files.filter(|file| file.extension().is_some_and(|end| end == "wasm"));
    components.next_back().with_context(|| {
        "`cargo build` made no component\nhint: a component is a library with `crate-type = [\"cdylib\"]`, or a program"
    })
}

/// Writes the crate `lambda-wasm-guest` into the scratch directory of a project, if its Cargo.toml refers to it there.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be written.
pub fn write_guest(project: &Path) -> Result<()> {
    let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap_or_default();
    if !manifest.contains("\".lambda-wasm/guest\"") {
        return Ok(());
    }
    let scratch = project.join(".lambda-wasm");
    let guest = scratch.join("guest");
    // Cargo builds a file again that is newer than what was built from it.
    let write = |path: PathBuf, text: &str| match fs::read_to_string(&path) {
        Ok(there) if there == text => Ok(()),
        _ => core_module::write(&path, text),
    };
    write(guest.join("Cargo.toml"), GUEST_MANIFEST)?;
    for file in GUEST_SOURCE.files() {
        let path = guest.join("src").join(file.path());
        write(path, file.contents_utf8().unwrap_or_default())?;
    }
    wit::write(&scratch.join("wit"))
}

/// How to get the target.
pub fn add_target() -> String {
    format!("rustup target add {TARGET}")
}

/// Whether the Rust toolchain of a directory can compile for the target; also if there is no toolchain
/// that says so, since Cargo then says what is wrong.
pub fn has_target(directory: Option<&Path>) -> bool {
    let rustc = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(directory.unwrap_or(Path::new(".")))
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        return directory.is_some();
    };
    if !output.status.success() {
        return directory.is_some();
    }
    let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let entries = libraries.read_dir().into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

//! Checks that Lambda can start `bootstrap`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use lambda_wasm_host::variant;

use super::super::files::Packed;

/// The `bootstrap` of a package.
pub(super) struct Bootstrap {
    pub path: PathBuf,
    /// The architecture of an executable; nothing of a script.
    pub machine: Option<&'static str>,
    /// The version of wasmtime that is in it, if it can be found.
    pub wasmtime: Option<String>,
    /// Whether it is the small variant.
    pub is_small: bool,
}

/// Returns the `bootstrap` of a package, and adds what keeps Lambda from starting it.
pub(super) fn bootstrap(
    directory: &Path,
    files: &[Packed],
    faults: &mut Vec<String>,
) -> Option<Bootstrap> {
    let found = files.iter().find(|file| file.name == "bootstrap");
    let Some(found) = found else {
        faults.extend(below(directory, files));
        return None;
    };
    let bytes = match fs::read(&found.path) {
        Ok(bytes) => bytes,
        Err(error) => {
            faults.push(format!("{}: {error}", found.path.display()));
            return None;
        }
    };
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if line.starts_with(b"#!") && line.ends_with(b"\r") {
        faults.push(format!(
            "{} has Windows line ends (CRLF): Lambda looks for an interpreter whose name ends with a carriage return\nhint: save it with LF",
            found.path.display()
        ));
    }
    if bytes.is_empty() {
        faults.push(format!("{} is empty", found.path.display()));
    }
    Some(Bootstrap {
        machine: machine(&found.path),
        wasmtime: wasmtime(&bytes),
        is_small: bytes
            .windows(variant::SMALL.len())
            .any(|part| part == variant::SMALL.as_bytes()),
        path: found.path.clone(),
    })
}

/// Describes a `bootstrap` that is not at the top of the package.
fn below(directory: &Path, files: &[Packed]) -> Option<String> {
    let below = files
        .iter()
        .find(|file| file.name.ends_with("/bootstrap"))?;
    Some(format!(
        "{} is in a directory, and Lambda starts only a `bootstrap` at the top\nhint: zip the files of the directory, and not the directory: `lambda-wasm package` does",
        directory.join(&below.name).display()
    ))
}

/// Refuses a package with a `bootstrap` that is not at its top.
///
/// # Errors
///
/// Returns an error if there is one.
pub(in super::super) fn refuse_below(directory: &Path, files: &[Packed]) -> Result<()> {
    match below(directory, files) {
        Some(fault) => bail!("{fault}"),
        None => Ok(()),
    }
}

/// Adds the files that Lambda, which is not their owner, cannot execute or read.
pub(super) fn permissions(directory: &Path, files: &[Packed], faults: &mut Vec<String>) {
    for file in files {
        let is_program = file.name == "bootstrap" || file.name.starts_with("extensions/");
        let path = directory.join(&file.name);
        let (path, mode) = (path.display(), file.permissions);
        if is_program && mode & 0o001 == 0 {
            faults.push(format!(
                "{path} is not executable for everyone (its permissions are {mode:o})\nhint: run `chmod 755 {path}`, or let `lambda-wasm package` make the zip"
            ));
        } else if mode & 0o004 == 0 {
            faults.push(format!(
                "{path} is not readable for everyone (its permissions are {mode:o})\nhint: run `chmod 644 {path}`, or let `lambda-wasm package` make the zip"
            ));
        }
    }
}

/// Returns the architecture of an ELF executable, or `None` for another file, such as a script.
fn machine(path: &Path) -> Option<&'static str> {
    let mut header = [0; 20];
    File::open(path).ok()?.read_exact(&mut header).ok()?;
    // `e_machine` of the ELF header.
    match (&header[..4], header[18], header[19]) {
        (b"\x7fELF", 62, 0) => Some("x86_64"),
        (b"\x7fELF", 183, 0) => Some("aarch64"),
        _ => None,
    }
}

/// Returns the version of wasmtime in an executable of Rust: its panics name the files of the crate, such as
/// `wasmtime-48.0.8/src/runtime/vm.rs`.
fn wasmtime(bytes: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"/wasmtime-";
    const AFTER: &[u8] = b"/src/";
    let mut rest = bytes;
    loop {
        let at = rest.windows(NAME.len()).position(|part| part == NAME)?;
        rest = &rest[at + NAME.len()..];
        let is_version = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
        let length = rest.iter().take_while(is_version).count();
        if length > 0 && rest[length..].starts_with(AFTER) {
            return Some(String::from_utf8_lossy(&rest[..length]).into_owned());
        }
    }
}

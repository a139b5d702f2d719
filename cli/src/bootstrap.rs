//! The `bootstrap` that functions run in: a file of the user's, or one that this program has built in.
//!
//! A release of the tool is its executable followed by a zip archive with the hosts for both architectures
//! (scripts/pack-release.py). A tool that a contributor builds has no archive.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use lambda_wasm_emulator::Architecture;
use zip::ZipArchive;

use crate::output;

/// The architecture of this machine, if Lambda has it.
pub const NATIVE: Option<Architecture> = if cfg!(target_arch = "x86_64") {
    Some(Architecture::X86_64)
} else if cfg!(target_arch = "aarch64") {
    Some(Architecture::Arm64)
} else {
    None
};

/// Returns the architectures of the built-in hosts, for people, if this program has hosts.
pub fn built_in_names() -> Option<String> {
    let archive = archive()?;
    let names = [Architecture::X86_64, Architecture::Arm64]
        .into_iter()
        .filter(|architecture| archive.index_for_name(&entry_name(*architecture)).is_some())
        .map(Architecture::sam_name);
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| format!("built in for {}", names.join(" and ")))
}

/// The archive at the end of this program, if there is one.
fn archive() -> Option<ZipArchive<File>> {
    let program = File::open(std::env::current_exe().ok()?).ok()?;
    ZipArchive::new(program).ok()
}

fn entry_name(architecture: Architecture) -> String {
    format!("bootstrap-{}", architecture.as_str())
}

/// Writes the built-in host for an architecture to the cache of this user, unless it is there, and returns its
/// path; nothing if this program has none.
fn built_in(architecture: Architecture) -> Result<Option<PathBuf>> {
    let name = entry_name(architecture);
    let Some(mut archive) = archive() else {
        return Ok(None);
    };
    let Ok(mut entry) = archive.by_name(&name) else {
        return Ok(None);
    };
    let version = env!("CARGO_PKG_VERSION");
    let path = cache_directory()?.join(format!("{name}-{version}-{:08x}", entry.crc32()));
    // The name has the checksum, and the file is renamed into place: a file of that size is whole.
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() == entry.size()) {
        return Ok(Some(path));
    }
    let mut program = Vec::new();
    entry
        .read_to_end(&mut program)
        .context("the built-in bootstrap is damaged\nhint: install lambda-wasm again")?;
    output::replace_executable(&path, &program).context(
        "the built-in bootstrap cannot be written out\nhint: set LAMBDA_WASM_CACHE to a directory that can be written",
    )?;
    Ok(Some(path))
}

/// A `bootstrap` to use, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bootstrap {
    /// A file that the user named, or that is in the directory of the function.
    File(PathBuf),
    /// The built-in host, written out to this file.
    BuiltIn(PathBuf),
}

impl Bootstrap {
    /// Returns the `bootstrap` for a directory of components: the named file, or else the file
    /// `bootstrap` in the directory, or else the built-in host.
    ///
    /// # Errors
    ///
    /// Returns an error if the named file does not exist, if there is no `bootstrap` at all, or if the
    /// built-in host cannot be written out.
    pub fn find(
        named: Option<&Path>,
        directory: &Path,
        architecture: Option<Architecture>,
    ) -> Result<Self> {
        if let Some(path) = named {
            if !path.is_file() {
                bail!("--bootstrap {}: there is no such file", path.display());
            }
            return Ok(Self::File(path.canonicalize()?));
        }
        let path = directory.join("bootstrap");
        if path.is_file() {
            return Ok(Self::File(path.canonicalize()?));
        }
        let built_in = architecture.map(built_in).transpose()?.flatten();
        match built_in {
            Some(path) => Ok(Self::BuiltIn(path)),
            None => bail!(
                "there is no {}, and this lambda-wasm has no built-in bootstrap{}\nhint: name a bootstrap with --bootstrap, or build one with ./build.sh",
                path.display(),
                architecture
                    .map_or_else(String::new, |wanted| format!(" for {}", wanted.sam_name()))
            ),
        }
    }

    /// Returns the `bootstrap` to put into a directory: the named file, or else the built-in host, or
    /// else the file that is there.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub fn to_install(
        named: Option<&Path>,
        directory: &Path,
        architecture: Architecture,
    ) -> Result<Self> {
        if named.is_none()
            && let Some(path) = built_in(architecture)?
        {
            return Ok(Self::BuiltIn(path));
        }
        Self::find(named, directory, Some(architecture))
    }

    /// Where the executable is.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::BuiltIn(path) => path,
        }
    }
}

impl fmt::Display for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => output::shown(path).fmt(f),
            Self::BuiltIn(_) => write!(f, "built in ({})", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// The directory for files that can be made again: `LAMBDA_WASM_CACHE`, or `lambda-wasm` in the user's
/// cache (XDG Base Directory Specification).
///
/// # Errors
///
/// Returns an error if no variable of the environment names a directory.
pub fn cache_directory() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(own) = variable("LAMBDA_WASM_CACHE") {
        return std::path::absolute(own).context("LAMBDA_WASM_CACHE is not a path");
    }
    let home = || variable("HOME").map(|home| Path::new(&home).join(".cache"));
    let user = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let user = user.context("there is no HOME\nhint: set LAMBDA_WASM_CACHE to a directory")?;
    Ok(user.join("lambda-wasm"))
}

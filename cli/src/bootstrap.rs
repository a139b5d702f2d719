//! The `bootstrap` that functions run in: a file of the user's, or one that this program has built in.
//!
//! A release of the tool is its executable followed by a zip archive with the hosts for both architectures
//! (scripts/pack-release.py), in two variants. A tool that a contributor builds has no archive.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use lambda_wasm_emulator::Architecture;
use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_host::policy::Policy;
use lambda_wasm_host::variant::Variant;
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
        .filter(|architecture| {
            let name = entry_name(*architecture, Variant::Full);
            archive.index_for_name(&name).is_some()
        })
        .map(Architecture::sam_name);
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| format!("built in for {}", names.join(" and ")))
}

/// The archive at the end of this program, if there is one.
fn archive() -> Option<ZipArchive<File>> {
    let program = File::open(std::env::current_exe().ok()?).ok()?;
    ZipArchive::new(program).ok()
}

fn entry_name(architecture: Architecture, variant: Variant) -> String {
    let architecture = architecture.as_str();
    match variant {
        Variant::Full => format!("bootstrap-{architecture}"),
        Variant::Small => format!("bootstrap-{architecture}-small"),
    }
}

/// Returns the smallest variant that runs all functions of a directory. A function that cannot be read counts as one that
/// needs the full variant: its message comes from elsewhere.
fn variant_for(directory: &Path) -> Variant {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut artifacts = paths
        .filter(|path| path.extension().is_some_and(|name| name == "cwasm"))
        .peekable();
    let runs_on_small = |path: PathBuf| {
        let trailer = Trailer::inspect(&path).ok();
        let policy = Policy::read(&Policy::path(&path)).ok();
        let variant = trailer
            .zip(policy)
            .map(|(trailer, policy)| Variant::for_function(&trailer, &policy));
        variant == Some(Variant::Small)
    };
    match artifacts.peek().is_some() && artifacts.all(runs_on_small) {
        true => Variant::Small,
        false => Variant::Full,
    }
}

/// Writes a built-in host to the cache of this user, unless it is there, and returns it; nothing if this program has none.
fn built_in(architecture: Architecture, variant: Variant) -> Result<Option<Bootstrap>> {
    let name = entry_name(architecture, variant);
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
        return Ok(Some(Bootstrap::BuiltIn(path, variant)));
    }
    let mut program = Vec::new();
    entry
        .read_to_end(&mut program)
        .context("the built-in bootstrap is damaged\nhint: install lambda-wasm again")?;
    output::replace_executable(&path, &program).context(
        "the built-in bootstrap cannot be written out\nhint: set LAMBDA_WASM_CACHE to a directory that can be written",
    )?;
    Ok(Some(Bootstrap::BuiltIn(path, variant)))
}

/// A `bootstrap` to use, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bootstrap {
    /// A file that the user named, or that is in the directory of the function.
    File(PathBuf),
    /// A variant of the built-in host, written out to this file.
    BuiltIn(PathBuf, Variant),
}

impl Bootstrap {
    /// Returns the `bootstrap` that runs the components of a directory on this machine: the named file, or else the file
    /// `bootstrap` in the directory, or else the built-in host. That is the full variant, since a policy may change while
    /// the host runs.
    ///
    /// # Errors
    ///
    /// Returns an error if the named file does not exist, if there is no `bootstrap` at all, or if the
    /// built-in host cannot be written out.
    pub fn to_run(named: Option<&Path>, directory: &Path) -> Result<Self> {
        Self::find(named, directory, NATIVE, Variant::Full)
    }

    /// Returns the `bootstrap` for the package of a directory: as [`to_run`](Self::to_run), but the built-in host is the
    /// smallest variant that runs all components.
    ///
    /// # Errors
    ///
    /// As [`to_run`](Self::to_run).
    pub fn to_package(
        named: Option<&Path>,
        directory: &Path,
        architecture: Architecture,
    ) -> Result<Self> {
        let variant = variant_for(directory);
        Self::find(named, directory, Some(architecture), variant)
    }

    fn find(
        named: Option<&Path>,
        directory: &Path,
        architecture: Option<Architecture>,
        variant: Variant,
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
        let built_in = architecture.map(|architecture| built_in(architecture, variant));
        match built_in.transpose()?.flatten() {
            Some(built_in) => Ok(built_in),
            None => bail!(
                "there is no {}, and this lambda-wasm has no built-in bootstrap{}\nhint: name a bootstrap with --bootstrap: that of lambda-wasm-layer-….zip in a release, or one that ./build.sh builds in a clone",
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
    /// As [`to_run`](Self::to_run).
    pub fn to_install(
        named: Option<&Path>,
        directory: &Path,
        architecture: Architecture,
    ) -> Result<Self> {
        let variant = variant_for(directory);
        if named.is_none()
            && let Some(built_in) = built_in(architecture, variant)?
        {
            return Ok(built_in);
        }
        Self::find(named, directory, Some(architecture), variant)
    }

    /// Where the executable is.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::BuiltIn(path, _) => path,
        }
    }
}

impl fmt::Display for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => output::shown(path).fmt(f),
            Self::BuiltIn(_, variant) => {
                write!(
                    f,
                    "built in ({}, {})",
                    env!("CARGO_PKG_VERSION"),
                    variant.name()
                )
            }
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

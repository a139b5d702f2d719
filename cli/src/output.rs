//! Replaces a file with a complete one.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::interrupt::{self, Begun};

/// Writes a file beside the old one, and renames it when it is complete. A running host keeps the
/// old one, and so does a failure.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be written.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    write_beside(path, 0o644, write)
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes an executable as [`replace`] writes other files.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be written.
pub fn replace_executable(path: &Path, program: &[u8]) -> Result<()> {
    write_beside(path, 0o755, |file| Ok(file.write_all(program)?))
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn write_beside(path: &Path, mode: u32, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    // The target of a link is replaced, and the link stays.
    let path = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => path.canonicalize()?,
        Ok(_) => {
            bail!("it exists and is not a regular file\nhint: name another file with --output")
        }
        Err(_) => path.to_owned(),
    };
    let folder = directory_of(&path);
    fs::create_dir_all(&folder)
        .with_context(|| format!("its directory {} cannot be created", folder.display()))?;
    let mut builder = tempfile::Builder::new();
    builder.permissions(Permissions::from_mode(mode));
    let make = || builder.tempfile_in(folder);
    let (mut file, _unfinished) = interrupt::begin(make, |file| Begun::path(file.path()))?;
    write(file.as_file_mut())?;
    file.persist(path)?;
    Ok(())
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Shortens a path to how the user would write it in the current directory.
pub fn shown(path: &Path) -> std::path::Display<'_> {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok())
        .unwrap_or(path)
        .display()
}

//! The files that a component is made of, so that an unchanged project is not built again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::project::Project;

/// Directories that builds write, that hold what a lock file names, or that have tests.
const SKIPPED: [&str; 5] = ["dist", "target", "node_modules", "__pycache__", "tests"];

/// Whether a file or directory of a project is not part of its source.
pub fn is_skipped(name: &str) -> bool {
    name.starts_with('.') || SKIPPED.contains(&name)
}

/// Returns a digest of all files of a project, of how it is built, and of this version of the tool.
///
/// # Errors
///
/// Returns an error that names the file if one cannot be read.
pub(super) fn digest(project: &Project, compiler: &str) -> Result<String> {
    let mut files = Vec::new();
    collect(&project.directory, &mut files)?;
    files.sort();
    let mut digest = Sha256::new();
    let version = env!("CARGO_PKG_VERSION");
    digest.update(format!("{version}\n{compiler}\n{project:?}\n"));
    for path in files {
        let unreadable = || format!("{} cannot be read", path.display());
        let content = fs::read(&path).with_context(unreadable)?;
        let name = path.strip_prefix(&project.directory).unwrap_or(&path);
        // The lengths tell where a name and a content end.
        digest.update(format!(
            "{} {name:?} {}\n",
            name.as_os_str().len(),
            content.len()
        ));
        digest.update(content);
    }
    let digest = digest.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = || format!("{} cannot be read", directory.display());
    for entry in fs::read_dir(directory).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        if is_skipped(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let path = entry.path();
        match entry.file_type().with_context(unreadable)? {
            kind if kind.is_dir() => collect(&path, files)?,
            // A link counts as the file that it leads to; one to a directory is not followed.
            _ if path.is_file() => files.push(path),
            _ => {}
        }
    }
    Ok(())
}

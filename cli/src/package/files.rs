//! The files of a package, and their names in the zip.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::dev::source;

/// A file that goes into the zip.
pub(super) struct Packed {
    /// Its path on this machine.
    pub path: PathBuf,
    /// Its path in the zip.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The permissions of the file.
    pub permissions: u32,
}

impl Packed {
    /// An executable that is somewhere else.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read.
    pub fn program(name: &str, path: &Path) -> Result<Self> {
        let metadata =
            fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            name: name.to_owned(),
            size: metadata.len(),
            permissions: 0o755,
        })
    }

    /// The permissions in the zip. Lambda runs functions as another user than the owner, so that
    /// everyone has to be able to read every file, whatever the umask was that made it.
    pub fn mode(&self) -> u32 {
        let is_program = self.name == "bootstrap" || self.name.starts_with("extensions/");
        let is_data = [".cwasm", ".toml"]
            .iter()
            .any(|end| self.name.ends_with(end));
        match is_program || (self.permissions & 0o100 != 0 && !is_data) {
            true => 0o755,
            false => 0o644,
        }
    }
}

/// Returns all regular files below a directory except one, and except the components that `compile --debug` keeps, sorted by
/// name. Links count as their targets.
///
/// # Errors
///
/// Returns an error that names the file if something is neither a file nor a directory.
pub(super) fn collect(folder: &Path, except: Option<&Path>) -> Result<Vec<Packed>> {
    let mut files = Vec::new();
    visit(folder, folder, &mut Vec::new(), &mut files)?;
    files.retain(|file| !(file.name.ends_with(".debug.wasm") && source::is_kept(&file.path)));
    if let Some(Ok(except)) = except.map(Path::canonicalize) {
        files.retain(|file| file.path.canonicalize().ok().as_ref() != Some(&except));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn visit(
    root: &Path,
    folder: &Path,
    above: &mut Vec<PathBuf>,
    files: &mut Vec<Packed>,
) -> Result<()> {
    let unreadable = || format!("{} cannot be read", folder.display());
    above.push(folder.canonicalize().with_context(unreadable)?);
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let metadata = fs::metadata(&path).with_context(|| match fs::read_link(&path) {
            Ok(to) => format!(
                "{} is a link to {}, which cannot be opened\nhint: correct or remove the link",
                path.display(),
                to.display()
            ),
            Err(_) => format!("{} cannot be read", path.display()),
        })?;
        if metadata.is_dir() {
            let real = path.canonicalize()?;
            if above.iter().any(|folder| folder.starts_with(&real)) {
                bail!(
                    "{} is a link to {}, which contains the link\nhint: remove the link",
                    path.display(),
                    real.display()
                );
            }
            visit(root, &path, above, files)?;
        } else if metadata.is_file() {
            let name = path.strip_prefix(root).unwrap_or(&path).to_str();
            let Some(name) = name.map(str::to_owned) else {
                bail!(
                    "{} has a name that is not UTF-8\nhint: rename it",
                    path.display()
                );
            };
            files.push(Packed {
                name,
                size: metadata.len(),
                permissions: metadata.permissions().mode() & 0o777,
                path,
            });
        } else {
            bail!(
                "{} is neither a file nor a directory, and Lambda cannot unpack it\nhint: remove it",
                path.display()
            );
        }
    }
    above.pop();
    Ok(())
}

//! The directories that a function sees.

use std::fmt;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::de::{Deserializer, MapAccess, Visitor};

use super::Grant;
use super::reader::Diagnostic;
use super::value::{self, nearest, read_from_str};

/// A directory that is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryGrant {
    /// Its path, as the file writes it and the function sees it.
    pub path: String,
    /// Whether the function may change it.
    pub is_writable: bool,
    /// The line of the file that grants the directory.
    pub(super) line: usize,
}

enum GrantedPath {
    Tmp,
    /// In the function's own directory, at this path below it.
    Task(PathBuf),
}

/// A directory of this machine.
#[derive(Debug, Clone)]
pub struct Preopen {
    /// Its path on this machine, without symbolic links.
    pub host: PathBuf,
    /// Its path in the function.
    pub guest: String,
    /// Whether the function may change it.
    pub is_writable: bool,
    line: usize,
}

/// The table `[files]`.
pub const FILES: Grant = Grant {
    table: "files",
    about: "[files], if it opens any: standard libraries import it anyway",
    template: "[files]\n# \"/tmp\" = \"read-write\"\n# \"/var/task\" = \"read-only\"\n",
};

const TMP: &str = "/tmp";

/// The path of the function's own directory on Lambda, which also names it in the file wherever it is.
const TASK: &str = "/var/task";

/// Reads the paths and their modes.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<DirectoryGrant>, D::Error> {
    struct Directories;
    impl<'de> Visitor<'de> for Directories {
        type Value = Vec<DirectoryGrant>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table: [files]")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Self::Value, A::Error> {
            let mut directories = Vec::new();
            while let Some((path, mode)) = table.next_entry::<String, Mode>()? {
                directories.push(DirectoryGrant {
                    path,
                    line: 0,
                    is_writable: mode.is_writable,
                });
            }
            Ok(directories)
        }
    }
    from.deserialize_map(Directories)
}

struct Mode {
    is_writable: bool,
}

read_from_str!(Mode);

impl FromStr for Mode {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let is_writable = value::word(word, &[("read-only", false), ("read-write", true)])?;
        Ok(Self { is_writable })
    }
}

impl DirectoryGrant {
    /// Checks that the directory can be granted. `root` is the function's own directory.
    pub(super) fn check(&self, at: Range<usize>, root: &Path) -> Result<(), Diagnostic> {
        let place = self.place(root);
        place.map_or_else(|message| Err(Diagnostic { at, message }), |_| Ok(()))
    }

    fn place(&self, root: &Path) -> Result<GrantedPath, String> {
        let path = self.path.as_str();
        let is_plain = path.len() > 1
            && path
                .strip_prefix('/')
                .is_some_and(|rest| rest.split('/').all(|name| !matches!(name, "" | "." | "..")));
        if !is_plain || path.contains('\0') {
            return Err(format!(
                "\"{path}\" is not a valid directory\nhint: use an absolute path without `.`, `..` and empty names, such as \"{TMP}\""
            ));
        }
        let below = |root: &Path| Some(Path::new(path).strip_prefix(root).ok()?.to_owned());
        if path == TMP {
            return Ok(GrantedPath::Tmp);
        }
        let task = below(Path::new(TASK)).or_else(|| below(root));
        let task = task.map(GrantedPath::Task);
        task.ok_or_else(|| format!("\"{path}\" cannot be granted\nhint: {}", elsewhere(path)))
    }

    /// Finds the directories on this machine. `root` is the function's own directory.
    ///
    /// # Errors
    ///
    /// Returns an error, with the line of its grant, if a directory does not exist, or lies in another that is read-write.
    pub fn open_all(directories: &[Self], root: &Path) -> Result<Vec<Preopen>, (usize, String)> {
        let open = |folder: &Self| folder.open(root).map_err(|why| (folder.line, why));
        let opened = directories
            .iter()
            .map(open)
            .collect::<Result<Vec<_>, _>>()?;
        // A function that may write in a directory can replace a directory in it with a symbolic link.
        for outer in opened.iter().filter(|folder| folder.is_writable) {
            let inner = opened
                .iter()
                .find(|inner| inner.host != outer.host && inner.host.starts_with(&outer.host));
            if let Some(inner) = inner {
                let place = match Path::new(&inner.guest).starts_with(&outer.guest) {
                    true => String::new(),
                    false => format!(" ({} on this machine)", inner.host.display()),
                };
                let why = format!(
                    "[files] grants \"{}\"{place}, which lies in \"{}\", which is read-write already\nhint: grant one of them",
                    inner.guest, outer.guest
                );
                return Err((inner.line, why));
            }
        }
        Ok(opened)
    }

    fn open(&self, root: &Path) -> Result<Preopen, String> {
        let Self {
            path,
            is_writable,
            line,
            ..
        } = self;
        let real = |path: &Path| {
            let real = path.canonicalize().ok().filter(|path| path.is_dir());
            real.ok_or_else(|| {
                format!(
                    "[files] grants \"{}\", but there is no directory {}",
                    self.path,
                    path.display()
                )
            })
        };
        // As [`check`](Self::check) had it.
        let absolute = std::path::absolute(root).unwrap_or_default();
        let host = match self.place(&absolute)? {
            GrantedPath::Tmp => real(Path::new(TMP))?,
            GrantedPath::Task(below) => {
                let (root, host) = (real(root)?, real(&root.join(&below))?);
                if !host.starts_with(&root) {
                    return Err(format!(
                        "[files] grants \"{path}\", which is a symbolic link out of the function's directory"
                    ));
                }
                host
            }
        };
        Ok(Preopen {
            host,
            guest: path.clone(),
            is_writable: *is_writable,
            line: *line,
        })
    }
}

/// Returns a hint for a directory that cannot be granted.
fn elsewhere(path: &str) -> String {
    let first = Path::new(path)
        .components()
        .take(3)
        .filter(|part| *part != Component::RootDir);
    let start = format!("/{}", first.collect::<PathBuf>().display());
    match nearest(&start, &[TMP, TASK]) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!(
            "grant \"{TMP}\", or \"{TASK}\", which is the function's own directory, or a directory in it"
        ),
    }
}

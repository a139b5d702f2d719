//! Where core dumps go.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::files::{Folder, Preopen};
use super::value::{Entry, Said, Wrong};

/// The directory of a function's core dumps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dumps {
    /// Its path.
    pub directory: PathBuf,
    /// The place in the file that names it, and its line.
    at: Range<usize>,
    line: usize,
}

/// The only directory that a function can write to on Lambda.
const DEFAULT: &str = "/tmp";

impl Dumps {
    /// Reads `true`, `false`, or the path of a directory.
    pub(super) fn read(entry: &Entry<'_>, file: &str) -> Said<Option<Self>> {
        const RIGHT: &str =
            "is true, false, or the absolute path of a directory, such as \"/mnt/dumps\"";
        let directory = match (entry.flag(), entry.text("")) {
            (Ok(false), _) => return Ok(None),
            (Ok(true), _) => DEFAULT,
            (_, Ok(path)) if path.starts_with('/') && !path.contains('\0') => path,
            _ => return Err(entry.wrong(RIGHT)),
        };
        Ok(Some(Self {
            directory: directory.into(),
            at: entry.wrong_key("").at,
            line: entry.line(file),
        }))
    }

    /// Checks by the paths in the file that the function sees no dump: a dump has the memory of an invocation in it, which may
    /// be another client's.
    pub(super) fn check_paths(&self, granted: &[Folder]) -> Said<()> {
        let mut granted = granted.iter().map(|folder| folder.path.as_str());
        let outer = granted.find(|folder| self.directory.starts_with(folder));
        outer.map_or(Ok(()), |outer| {
            Err(Wrong {
                at: self.at.clone(),
                why: self.is_seen(outer),
            })
        })
    }

    /// Checks the same by where the directories are on this machine.
    ///
    /// # Errors
    ///
    /// Returns the line and what is wrong if the directory lies in one that is granted.
    pub fn check(&self, granted: &[Preopen]) -> Result<(), (usize, String)> {
        // A directory that is not there is judged by the one that it would lie in.
        let real = self
            .directory
            .ancestors()
            .find_map(|path| path.canonicalize().ok());
        let real = real.as_deref().unwrap_or(Path::new("/"));
        let outer = granted.iter().find(|folder| real.starts_with(&folder.host));
        outer.map_or(Ok(()), |outer| Err((self.line, self.is_seen(&outer.guest))))
    }

    fn is_seen(&self, granted: &str) -> String {
        format!(
            "core dumps are written to {}, and [files] grants \"{granted}\": a function could read the memory of other invocations there\nhint: name a directory that is not granted, such as coredump = \"/mnt/dumps\", or do not grant \"{granted}\"",
            self.directory.display()
        )
    }
}

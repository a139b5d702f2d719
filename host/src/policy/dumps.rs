//! The directory of core dumps.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::{Deserializer, Error, Unexpected, Visitor};

use super::files::{DirectoryGrant, Preopen};
use super::reader::Diagnostic;

/// The directory of a function's core dumps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dumps {
    /// Its path.
    pub directory: PathBuf,
    /// The line of the file that names it.
    pub(super) line: usize,
}

/// The only directory that a function can write to on Lambda.
const DEFAULT_DIRECTORY: &str = "/tmp";

/// Reads `true`, `false`, or the path of a directory.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Dumps>, D::Error> {
    struct FlagOrPath;
    impl Visitor<'_> for FlagOrPath {
        type Value = Option<Dumps>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true, false, or the absolute path of a directory, such as \"/mnt/dumps\"")
        }

        fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
            Ok(flag.then(|| Dumps::new(DEFAULT_DIRECTORY)))
        }

        fn visit_str<E: Error>(self, path: &str) -> Result<Self::Value, E> {
            if !path.starts_with('/') || path.contains('\0') {
                return Err(E::invalid_value(Unexpected::Str(path), &self));
            }
            Ok(Some(Dumps::new(path)))
        }
    }
    from.deserialize_any(FlagOrPath)
}

impl Dumps {
    fn new(directory: &str) -> Self {
        Self {
            directory: directory.into(),
            line: 0,
        }
    }

    /// Checks by the paths in the file that the function sees no dump: a dump has the memory of an invocation in it, which may
    /// be another client's.
    pub(super) fn check_paths(
        &self,
        at: Range<usize>,
        granted: &[DirectoryGrant],
    ) -> Result<(), Diagnostic> {
        let mut granted = granted.iter().map(|directory| directory.path.as_str());
        let outer = granted.find(|outer| self.directory.starts_with(outer));
        outer.map_or(Ok(()), |outer| {
            let message = self.is_seen(outer);
            Err(Diagnostic { at, message })
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

//! `<name>.toml`, beside `<name>.cwasm`: what a function is allowed and how it responds. The file is small enough for a review, and
//! a key that it does not have has a default.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use thiserror::Error;
use toml::de::DeTable;

use super::Policy;
use super::reader::{Diagnostic, Table};
use super::value::position;

/// An invalid policy. The message has the file, the place and a hint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{place}: {message}", .file.display())]
pub struct PolicyError {
    file: PathBuf,
    /// The line, and perhaps the column, as the message has them.
    place: String,
    message: String,
}

impl Policy {
    /// Returns the path of the policy of the function in this artifact.
    #[must_use]
    pub fn path(artifact: &Path) -> PathBuf {
        artifact.with_extension("toml")
    }

    /// Reads the file, if it exists. Its directory counts as the function's own.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or is not a valid policy.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(PolicyError {
                    file: path.to_owned(),
                    place: String::new(),
                    message: format!("cannot read the policy: {error}"),
                });
            }
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let good = String::from_utf8_lossy(&error.as_bytes()[..good]);
            PolicyError::at(
                path,
                &good,
                Diagnostic {
                    at: good.len()..good.len(),
                    message: "cannot read the policy: it is not UTF-8, as TOML is".to_owned(),
                },
            )
        })?;
        let root = std::path::absolute(path).unwrap_or_default();
        let root = root.parent().unwrap_or(Path::new("/"));
        Self::parse_at(&text, root, path)
    }

    /// Parses the text of the file at `path`.
    pub(crate) fn parse_at(text: &str, root: &Path, path: &Path) -> Result<Self, PolicyError> {
        Self::parse(text, root).map_err(|error| PolicyError::at(path, text, error))
    }

    fn parse(text: &str, root: &Path) -> Result<Self, Diagnostic> {
        let table = DeTable::parse(text)?;
        let table = table.get_ref();
        let mut policy = Self::deserialize(MapAccessDeserializer::new(Table::new(table)))?;
        for directory in &mut policy.files {
            let files = table
                .get("files")
                .and_then(|files| files.get_ref().as_table());
            let key = files.and_then(|files| files.get_key_value(directory.path.as_str()));
            let at = key.map(|(key, _)| key.span()).unwrap_or_default();
            (directory.line, _) = position(text, at.start);
            directory.check(at, root)?;
        }
        if let Some(dumps) = &mut policy.coredump {
            let at = table.get("coredump").map(|value| value.span());
            let at = at.unwrap_or_default();
            (dumps.line, _) = position(text, at.start);
            dumps.check_paths(at, &policy.files)?;
        }
        Ok(policy)
    }
}

impl PolicyError {
    /// Creates the error of a line of the file.
    #[must_use]
    pub fn new(file: &Path, line: usize, message: String) -> Self {
        Self {
            file: file.to_owned(),
            place: format!(", line {line}"),
            message,
        }
    }

    fn at(file: &Path, text: &str, error: Diagnostic) -> Self {
        let (line, column) = position(text, error.at.start);
        Self {
            file: file.to_owned(),
            place: format!(", line {line}, column {column}"),
            message: error.message,
        }
    }
}

#[cfg(test)]
mod tests;

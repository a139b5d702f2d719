//! Snapshots: the responses of the last `lambda-wasm test --update`, in a file beside each file of cases.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::case::Suite;
use super::difference;
use crate::output;

/// The snapshots of a file of cases, `tests/NAME.snap`: a JSON object with the response of each case.
pub struct Snapshots {
    path: PathBuf,
    responses: BTreeMap<String, Value>,
}

impl Snapshots {
    /// Reads the snapshots of a file of cases. A file that does not exist has none.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read or is not valid.
    pub fn read(cases: &Path) -> Result<Self> {
        let path = cases.with_extension("snap");
        let responses = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!(
                    "{} is damaged\nhint: delete it, and run `lambda-wasm test --update`",
                    path.display()
                )
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        Ok(Self { path, responses })
    }

    /// Returns how a response differs from its snapshot.
    pub fn compare(&self, case: &str, response: &Value) -> Option<String> {
        match self.responses.get(case) {
            None => Some(format!(
                "snapshot\n  {} has none\n  hint: write it with `lambda-wasm test --update`",
                self.path.display()
            )),
            Some(expected) if expected == response => None,
            Some(expected) => Some(difference::documents("snapshot", expected, response)),
        }
    }

    /// Replaces the snapshot of a case. Returns whether it has changed.
    pub fn update(&mut self, case: &str, response: Value) -> bool {
        let is_new = self.responses.get(case) != Some(&response);
        self.responses.insert(case.to_owned(), response);
        is_new
    }

    /// Writes the snapshots of the cases that there still are.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be written.
    pub fn write(mut self, suite: &Suite) -> Result<()> {
        self.responses.retain(|name, _| {
            let mut cases = suite.cases.iter();
            cases.any(|case| case.settings.snapshot && case.settings.name == *name)
        });
        if !self.responses.is_empty() {
            let text = serde_json::to_string_pretty(&self.responses)?;
            return output::replace(&self.path, |file| Ok(writeln!(file, "{text}")?));
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", self.path.display()))
            }
            _ => Ok(()),
        }
    }
}

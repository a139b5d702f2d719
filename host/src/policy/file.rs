//! `<name>.toml`, beside `<name>.cwasm`: what a function is allowed and how it answers. It is small enough to be read in a
//! review, and what it does not say has a default.

use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::de::DeTable;

use super::value::{Entry, Said, Text, Wrong, line};
use super::{
    Aws, BasePath, Dumps, Env, Folder, Limits, Origin, PassThroughPath, Policy, Reuse, StreamLevels,
};

/// A file that cannot be understood. It names the file, the line and what would do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{}: {why}", .file.display(), .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct PolicyError {
    file: PathBuf,
    line: Option<usize>,
    why: String,
}

/// The keys that the file may have.
const KEYS: &[&str] = &[
    "aws",
    "compress",
    "config",
    "coredump",
    "env",
    "fail-status",
    "files",
    "http",
    "limits",
    "log",
    "pass-through-path",
    "remove-base-path",
    "reuse",
    "stream",
];

impl Policy {
    /// Where the policy of the function in this artifact is.
    #[must_use]
    pub fn path(artifact: &Path) -> PathBuf {
        artifact.with_extension("toml")
    }

    /// Reads the file, if there is one. The folder that it lies in counts as the function's own.
    ///
    /// # Errors
    ///
    /// If it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(why) => {
                return Err(PolicyError {
                    file: path.to_owned(),
                    line: None,
                    why: format!("it cannot be read: {why}"),
                });
            }
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let good = String::from_utf8_lossy(&error.as_bytes()[..good]);
            let why = "it is no text in UTF-8, which TOML is".to_owned();
            PolicyError::new(path, line(&good, good.len()), why)
        })?;
        let root = std::path::absolute(path).unwrap_or_default();
        let root = root.parent().unwrap_or(Path::new("/"));
        Self::parse(&text, root)
            .map_err(|wrong| PolicyError::new(path, line(&text, wrong.at.start), wrong.why))
    }

    fn parse(text: &str, root: &Path) -> Said<Self> {
        let table = DeTable::parse(text).map_err(|error| Wrong {
            at: error.span().unwrap_or_default(),
            why: error.message().to_owned(),
        })?;
        let mut policy = Self::default();
        for entry in Entry::all(table.get_ref()) {
            match entry.key {
                "aws" => policy.aws = Aws::read(&entry)?,
                "compress" => policy.compress = entry.flag()?,
                "config" => policy.config = config(&entry)?,
                "coredump" => policy.coredump = Dumps::read(&entry, text)?,
                "env" => policy.env = Env::read(&entry)?,
                "fail-status" => policy.fail_status = statuses(&entry)?,
                "files" => {
                    let folders = entry.table()?.into_iter();
                    let folders = folders.map(|entry| Folder::read(&entry, text, root));
                    policy.files = folders.collect::<Said<_>>()?;
                }
                "http" => (policy.http, policy.forward_context) = http(&entry)?,
                "limits" => policy.limits = Limits::read(&entry)?,
                "log" => policy.log = StreamLevels::read(&entry)?,
                "pass-through-path" => policy.pass_through_path = PassThroughPath::read(&entry)?,
                "remove-base-path" => policy.remove_base_path = BasePath::read_all(&entry)?,
                "reuse" => policy.reuse = Reuse::read(&entry)?,
                "stream" => policy.stream = Some(entry.flag()?),
                _ => return Err(entry.unknown("there is", KEYS)),
            }
        }
        if let Some(dumps) = &policy.coredump {
            dumps.check_paths(&policy.files)?;
        }
        Ok(policy)
    }
}

impl PolicyError {
    /// What is wrong with a line of the file.
    #[must_use]
    pub fn new(file: &Path, line: usize, why: String) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
            why,
        }
    }
}

fn config(entry: &Entry<'_>) -> Said<Vec<(String, String)>> {
    let pair = |entry: Entry<'_>| Ok((entry.key.to_owned(), entry.text("Hello")?.to_owned()));
    entry.table()?.into_iter().map(pair).collect()
}

/// Reads the origins that requests may go to, and those that receive the context headers.
fn http(entry: &Entry<'_>) -> Said<(Vec<Origin>, Vec<Origin>)> {
    let (mut allow, mut forward_context) = (Vec::new(), Vec::new());
    for entry in entry.table()? {
        match entry.key {
            "allow" => allow = origins(&entry)?,
            "forward-context" => forward_context = origins(&entry)?,
            _ => return Err(entry.unknown("[http] has", &["allow", "forward-context"])),
        }
    }
    Ok((allow, forward_context))
}

fn origins(entry: &Entry<'_>) -> Said<Vec<Origin>> {
    let origin = |text: Text<'_>| {
        Origin::parse(text.text)
            .map_err(|why| text.wrong(format_args!("the origin \"{}\" {why}", text.text)))
    };
    let texts = entry.texts("https://api.example.com")?;
    texts.into_iter().map(origin).collect()
}

/// `"500-599"`, `"404"`, or several of them with commas between.
fn statuses(entry: &Entry<'_>) -> Said<Vec<RangeInclusive<u16>>> {
    const RIGHT: &str =
        "is a text of HTTP statuses from 200 to 599, such as \"500-599\" or \"404, 500-599\"";
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let status = |text: &str| -> Option<u16> {
            text.trim()
                .parse()
                .ok()
                .filter(|status| (200..=599).contains(status))
        };
        let (first, last) = (status(first)?, status(last)?);
        (first <= last).then_some(first..=last)
    };
    let text = entry.text("").map_err(|_| entry.wrong(RIGHT))?;
    text.split(',')
        .map(|text| range(text).ok_or_else(|| entry.wrong(RIGHT)))
        .collect()
}

#[cfg(test)]
mod tests;

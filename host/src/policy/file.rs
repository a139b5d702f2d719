//! `<name>.toml`, beside `<name>.cwasm`: what a function is allowed and how it answers. It is small enough to be read in a
//! review, and what it does not say has a default.

use std::io::ErrorKind;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether its answers are streamed; `None` if the file does not say.
    pub stream: Option<bool>,
    /// The statuses of HTTP responses that count as failures of the invocation.
    pub fail_status: Vec<RangeInclusive<u16>>,
}

/// A file that cannot be understood. It names the file, the line and what would do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{}: {why}", .file.display(), .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct PolicyError {
    file: PathBuf,
    line: Option<usize>,
    why: String,
}

/// The keys that the file may have.
const KEYS: &[&str] = &["fail-status", "stream"];

impl Policy {
    /// Where the policy of the function in this artifact is.
    #[must_use]
    pub fn path(artifact: &Path) -> PathBuf {
        artifact.with_extension("toml")
    }

    /// Reads the file, if there is one.
    ///
    /// # Errors
    ///
    /// If it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let error = |line, why| PolicyError {
            file: path.to_owned(),
            line,
            why,
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(why) => return Err(error(None, format!("it cannot be read: {why}"))),
        };
        Self::parse(&text).map_err(|(at, why)| error(Some(line(&text, &at)), why))
    }

    fn parse(text: &str) -> Result<Self, (Range<usize>, String)> {
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().unwrap_or_default();
            (at, error.message().to_owned())
        })?;
        let mut policy = Self::default();
        for (key, value) in table.get_ref() {
            let said = match key.get_ref().as_ref() {
                "stream" => flag(value).map(|stream| policy.stream = Some(stream)),
                "fail-status" => statuses(value).map(|statuses| policy.fail_status = statuses),
                other => return Err((key.span(), unknown(other))),
            };
            said.map_err(|why| (value.span(), format!("{} {why}", key.get_ref())))?;
        }
        Ok(policy)
    }
}

fn line(text: &str, at: &Range<usize>) -> usize {
    text.bytes().take(at.start).filter(|b| *b == b'\n').count() + 1
}

fn unknown(key: &str) -> String {
    let nearest = KEYS
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(key, known), known))
        .filter(|(likeness, _)| *likeness > 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, known)) => format!("there is no key `{key}`; did you mean `{known}`?"),
        None => format!("there is no key `{key}`; there are {}", KEYS.join(", ")),
    }
}

fn flag(value: &Spanned<DeValue<'_>>) -> Result<bool, String> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Ok(*flag),
        _ => Err("is true or false".to_owned()),
    }
}

/// `"500-599"`, `"404"`, or several of them with commas between.
fn statuses(value: &Spanned<DeValue<'_>>) -> Result<Vec<RangeInclusive<u16>>, String> {
    let wrong = || {
        "is a text of HTTP statuses from 200 to 599, such as \"500-599\" or \"404, 500-599\""
            .to_owned()
    };
    let DeValue::String(text) = value.get_ref() else {
        return Err(wrong());
    };
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
    text.split(',')
        .map(|text| range(text).ok_or_else(wrong))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let (at, why) = Policy::parse(text).unwrap_err();
        format!("{}: {why}", line(text, &at))
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        assert_eq!(Policy::parse("# nothing\n"), Ok(Policy::default()));
        let missing = Path::new("/nonexistent/hello.toml");
        assert_eq!(Policy::read(missing), Ok(Policy::default()));
    }

    #[test]
    fn all_of_it() {
        let policy = Policy::parse("stream = true\nfail-status = \"404, 500-599\"\n").unwrap();
        assert_eq!(policy.stream, Some(true));
        assert_eq!(policy.fail_status, [404..=404, 500..=599]);
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_the_nearest_right_word() {
        insta::assert_snapshot!(
            [
                "stream = true\nfail_status = \"500\"",
                "\n\nstreams = true",
                "colour = 1",
                "stream = \"yes\"",
                "fail-status = 500",
                "fail-status = \"599-500\"",
                "fail-status = \"0\"",
                "fail-status = \"500-\"",
                "stream = \n",
                "stream = true\nstream = true",
            ]
            .map(refusal)
            .join("\n"),
            @r#"
        2: there is no key `fail_status`; did you mean `fail-status`?
        3: there is no key `streams`; did you mean `stream`?
        1: there is no key `colour`; there are fail-status, stream
        1: stream is true or false
        1: fail-status is a text of HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        1: fail-status is a text of HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        1: fail-status is a text of HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        1: fail-status is a text of HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        1: string values must be quoted, expected literal string
        2: duplicate key
        "#
        );
    }
}

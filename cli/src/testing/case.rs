//! The cases of a project: its files `tests/*.toml` and `tests/*.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::json::json;
use super::outgoing::Outgoing;
use crate::invoke::sample;

/// The cases of one file.
pub struct Suite {
    /// The name of the file without its extension.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    pub cases: Vec<Case>,
}

/// A case: the event of one invocation, and the expected outcome.
pub struct Case {
    /// The file, and the line if it is known.
    pub place: String,
    pub settings: Settings,
    /// The event to send.
    pub event: Vec<u8>,
}

/// A case, as a file describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    pub name: String,
    /// The function to invoke, unless it is the only one.
    pub function: Option<String>,
    #[serde(default, deserialize_with = "json")]
    event: Option<Value>,
    event_file: Option<PathBuf>,
    sample: Option<String>,
    /// Changes of the event.
    #[serde(default, deserialize_with = "json")]
    set: Option<Value>,
    /// Variables in addition to those of the template.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The policy of the function in this case.
    pub policy: Option<toml::Table>,
    /// The time of the function's wall clock.
    #[serde(default, deserialize_with = "json")]
    now: Option<Value>,
    /// All outgoing requests, in place of the function's origins.
    pub outgoing: Option<Vec<Outgoing>>,
    /// The status of an HTTP response.
    pub status: Option<u16>,
    /// Headers of an HTTP response, by their names in any case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body of an HTTP response: its text, or JSON that it has to contain.
    #[serde(default, deserialize_with = "json")]
    pub body: Option<Value>,
    /// Parts of the body of an HTTP response.
    #[serde(default)]
    pub body_contains: Texts,
    /// The response: JSON that it has to contain, or its text.
    #[serde(default, deserialize_with = "json")]
    pub response: Option<Value>,
    /// Whether the response is compared with the snapshot of the last update.
    #[serde(default)]
    pub snapshot: bool,
    /// The failure.
    pub error: Option<Failure>,
    /// Parts of the log.
    #[serde(default)]
    pub log: Texts,
}

/// The expected failure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Its type.
    pub r#type: Option<String>,
    /// A part of its message.
    pub message: Option<String>,
}

/// One text, or several.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Texts(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Texts {
    fn from(texts: OneOrMany) -> Self {
        match texts {
            OneOrMany::One(text) => Self(vec![text]),
            OneOrMany::Many(texts) => Self(texts),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<T> {
    test: Vec<T>,
}

/// Reads the cases of a directory, sorted by the names of the files. A directory that does not exist has
/// none.
///
/// # Errors
///
/// Returns an error that names the file, and the line if it is known, if a file is not valid.
pub fn read(directory: &Path) -> Result<Vec<Suite>> {
    let unreadable = || format!("{} cannot be read", directory.display());
    let mut suites: Vec<Suite> = Vec::new();
    if !directory.exists() {
        return Ok(suites);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("toml" | "json")) && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        let suite = Suite::read(path)?;
        if let Some(other) = suites.iter().find(|other| other.name == suite.name) {
            bail!(
                "{} and {} have the same name\nhint: rename one of them",
                other.path.display(),
                suite.path.display()
            );
        }
        suites.push(suite);
    }
    Ok(suites)
}

impl Suite {
    fn read(path: PathBuf) -> Result<Self> {
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("{shown} cannot be read"))?;
        let name = path.file_stem().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut cases = Vec::new();
        let mut names = BTreeSet::new();
        for (place, settings) in parse(&path, &shown, &text)? {
            if !names.insert(settings.name.clone()) {
                bail!("{place}: another test has the name {:?}", settings.name);
            }
            let event = settings
                .check()
                .and_then(|()| settings.event(directory))
                .with_context(|| place.clone())?;
            cases.push(Case {
                place,
                settings,
                event,
            });
        }
        Ok(Self { name, path, cases })
    }
}

/// Parses a file by its extension. Returns the place of each case.
fn parse(path: &Path, shown: &str, text: &str) -> Result<Vec<(String, Settings)>> {
    let hint =
        "hint: a file in tests/ has a list `test`; keep other files in a directory below tests/";
    if path
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        let file: File<Settings> = serde_json::from_str(text)
            .map_err(|error| anyhow::anyhow!("{shown}: {error}\n{hint}"))?;
        let cases = file.test.into_iter();
        return Ok(cases.map(|case| (shown.to_owned(), case)).collect());
    }
    let file: File<toml::Spanned<Settings>> = toml::from_str(text).map_err(|error| {
        let error = error.to_string();
        let hint = match error.contains("missing field `test`") {
            true => format!("\n{hint}"),
            false => String::new(),
        };
        anyhow::anyhow!("{shown}: {}{hint}", error.trim_end())
    })?;
    let cases = file.test.into_iter().map(|case| {
        let line = 1 + text[..case.span().start].matches('\n').count();
        (format!("{shown}:{line}"), case.into_inner())
    });
    Ok(cases.collect())
}

impl Settings {
    /// Checks that the settings do not contradict each other.
    fn check(&self) -> Result<()> {
        if self.name.trim().is_empty() || self.name.contains('\n') {
            bail!("the name of a test is one line");
        }
        let events = [
            self.event.is_some(),
            self.event_file.is_some(),
            self.sample.is_some(),
        ];
        if events.iter().filter(|is_set| **is_set).count() > 1 {
            bail!("only one of `event`, `event-file` and `sample` can be set");
        }
        if self.error.is_some() && (self.snapshot || self.response.is_some() || self.is_http()) {
            bail!("a test with `error` expects no response");
        }
        if let Some(now) = &self.now {
            let time: Option<Timestamp> = now.as_str().and_then(|now| now.parse().ok());
            if time.is_none_or(|time| time < Timestamp::UNIX_EPOCH) {
                bail!("`now` is not a time from 1970 on, such as \"2026-01-31T12:00:00Z\": {now}");
            }
        }
        self.outgoing.iter().flatten().try_for_each(Outgoing::check)
    }

    /// The time of the function's wall clock, if it is set.
    pub fn now(&self) -> Option<&str> {
        self.now.as_ref().and_then(Value::as_str)
    }

    /// Whether the case expects an HTTP response.
    pub fn is_http(&self) -> bool {
        self.status.is_some()
            || !self.headers.is_empty()
            || self.body.is_some()
            || !self.body_contains.0.is_empty()
    }

    /// Returns the event to send: `{}` by default.
    fn event(&self, directory: &Path) -> Result<Vec<u8>> {
        let mut event = match (&self.event, &self.event_file, &self.sample) {
            (Some(event), _, _) => event.clone(),
            (_, Some(file), _) => {
                let path = directory.join(file);
                let shown = path.display();
                let bytes = fs::read(&path).with_context(|| format!("{shown} cannot be read"))?;
                // The function may expect an event that is not JSON.
                if self.set.is_none() {
                    return Ok(bytes);
                }
                serde_json::from_slice(&bytes).with_context(|| format!("{shown} is not JSON"))?
            }
            (_, _, Some(name)) => sample::find(name)?,
            _ => Value::Object(Map::new()),
        };
        match &self.set {
            None => {}
            Some(Value::Object(set)) => change(&mut event, "", set)?,
            Some(_) => bail!("`set` is not a table"),
        }
        Ok(event.to_string().into_bytes())
    }
}

/// Sets the values of an event. Keys are paths, and a table in a table continues the path: TOML has `a.b`
/// as a table in a table.
fn change(event: &mut Value, prefix: &str, set: &Map<String, Value>) -> Result<()> {
    for (key, value) in set {
        let path = match prefix {
            "" => key.clone(),
            prefix => format!("{prefix}.{key}"),
        };
        match value {
            Value::Object(members) if !members.is_empty() => change(event, &path, members)?,
            value => sample::set(event, &path, value.clone())
                .with_context(|| format!("`set` of {path}"))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dates_of_toml_are_texts_in_the_event() {
        let text = "[[test]]\nname = \"a\"\nevent = { day = 2026-01-31, times = [2026-01-31T12:00:00Z] }\nset.at.time = 12:30:00\n";
        let (_, settings) = parse(Path::new("a.toml"), "a.toml", text)
            .unwrap()
            .remove(0);
        let event: Value = serde_json::from_slice(&settings.event(Path::new("")).unwrap()).unwrap();
        assert_eq!(
            event,
            json!({
                "day": "2026-01-31", "times": ["2026-01-31T12:00:00Z"], "at": { "time": "12:30:00" }
            })
        );
    }
}

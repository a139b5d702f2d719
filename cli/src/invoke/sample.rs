//! Sample events of AWS's event sources, and changes to an event.

use anyhow::{Context as _, Result, bail};
use include_dir::{Dir, include_dir};
use lambda_wasm_emulator::EventSource;
use serde_json::Value;

/// An event for each event source, as its page in the Lambda developer guide describes it.
static SAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/samples");

/// The names of the samples, sorted.
pub fn names() -> Vec<&'static str> {
    let files = SAMPLES
        .files()
        .filter_map(|file| file.path().file_stem()?.to_str());
    let mut names: Vec<_> = files.collect();
    names.sort_unstable();
    names
}

/// Returns the sample of an event source.
///
/// # Errors
///
/// Returns an error that lists the samples if the name is unknown.
pub fn find(name: &str) -> Result<Value> {
    let Some(file) = SAMPLES.get_file(format!("{name}.json")) else {
        bail!(
            "there is no sample `{name}`\nhint: the samples are {}",
            names().join(", ")
        );
    };
    serde_json::from_slice(file.contents()).context("a sample is not JSON")
}

/// Returns an event of an event source of a template: the sample of its kind, with what the template says. A source of an
/// unknown kind has an empty event.
pub fn of_source(source: &EventSource) -> Value {
    match source.sample().and_then(|name| find(name).ok()) {
        Some(sample) => source.event(sample),
        None => Value::Object(serde_json::Map::new()),
    }
}

/// Sets a value of an event as `PATH=VALUE` says. The value is JSON, or else a string.
///
/// # Errors
///
/// Returns an error if there is no `=`, or if the path leads through a value that has no such part.
pub(super) fn change(event: &mut Value, change: &str) -> Result<()> {
    let Some((path, value)) = change.split_once('=') else {
        bail!(
            "--set {change}: it has no `=`\nhint: --set PATH=VALUE, e.g. --set Records.0.body=text"
        );
    };
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    set(event, path, value).with_context(|| format!("--set {change}"))
}

/// Sets the value at a path: the keys of objects and the positions in lists, separated by dots. Objects on
/// the way are created.
///
/// # Errors
///
/// Returns an error if the path leads through a value that has no such part.
pub fn set(event: &mut Value, path: &str, value: Value) -> Result<()> {
    let mut place = event;
    for key in path.split('.') {
        if place.is_null() {
            *place = Value::Object(serde_json::Map::new());
        }
        place = match place {
            Value::Object(members) => members.entry(key).or_insert(Value::Null),
            Value::Array(list) => {
                let length = list.len();
                key.parse::<usize>()
                    .ok()
                    .and_then(|index| list.get_mut(index))
                    .with_context(|| format!("the list has {length} values, and no number {key}"))?
            }
            _ => bail!("there is no `{key}` in a value that is not an object or a list"),
        };
    }
    *place = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_sample_is_json() {
        assert!(names().len() >= 13, "{:?}", names());
        for name in names() {
            assert!(find(name).unwrap().is_object(), "{name}");
        }
    }

    #[test]
    fn a_name_without_sample_gets_the_list() {
        let error = find("sqss").unwrap_err().to_string();
        assert!(error.contains("ses, sns, sqs"), "{error}");
    }

    #[test]
    fn set_replaces_and_creates_values() {
        let mut event = json!({ "Records": [{ "body": "old" }], "a": 1 });
        for change in [
            "Records.0.body=new",
            "b.c=[1]",
            "a=\"1\"",
            "d={\"e\":null}",
            "f=",
        ] {
            super::change(&mut event, change).unwrap();
        }
        let expected = json!({
            "Records": [{ "body": "new" }], "a": "1", "b": { "c": [1] }, "d": { "e": null }, "f": ""
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn set_refuses_paths_that_lead_nowhere() {
        for (change, why) in [
            ("a", "no `=`"),
            ("a.b=1", "no `b` in a value"),
            ("list.1=1", "the list has 1 values, and no number 1"),
            ("list.x=1", "no number x"),
        ] {
            let mut event = json!({ "a": 1, "list": [0] });
            let error = super::change(&mut event, change).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(why), "{error}");
        }
    }
}

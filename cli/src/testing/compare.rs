//! The differences between what a case expects and what happened, as text for people.

use serde_json::Value;
use similar::TextDiff;

use super::case::{Failure, Settings};
use super::execution::{Ending, Execution};
use super::response::{HttpResponse, Response};

/// Compares an invocation with all that its case expects, except the snapshot.
pub fn compare(settings: &Settings, execution: &Execution) -> Vec<String> {
    let mut found = Vec::new();
    match (&execution.ending, &settings.error) {
        (Ending::Failure { kind, message }, None) => {
            let message = message.replace('\n', "\n  ");
            found.push(format!("the invocation failed\n  {kind}: {message}"));
        }
        (Ending::Failure { kind, message }, Some(expected)) => {
            failure(expected, kind, message, &mut found);
        }
        (Ending::Response { bytes, has_prelude }, Some(_)) => {
            let actual = Response::parse(bytes, *has_prelude).to_json();
            found.push(format!("error\n  a response came instead: {actual}"));
        }
        (Ending::Response { bytes, has_prelude }, None) => {
            response(settings, &Response::parse(bytes, *has_prelude), &mut found);
        }
    }
    found.extend_from_slice(&execution.outgoing);
    for text in &settings.log.0 {
        if !execution.log.contains(text) {
            found.push(format!("log\n  does not contain: {text:?}"));
        }
    }
    found
}

fn failure(expected: &Failure, kind: &str, message: &str, found: &mut Vec<String>) {
    if let Some(expected) = &expected.r#type
        && expected != kind
    {
        found.push(difference("error.type", &quoted(expected), &quoted(kind)));
    }
    if let Some(expected) = &expected.message
        && !message.contains(expected)
    {
        found.push(missing("error.message", expected, message));
    }
}

fn response(settings: &Settings, response: &Response, found: &mut Vec<String>) {
    if let Some(expected) = &settings.response {
        parts("response", expected, Some(&response.to_json()), found);
    }
    if !settings.is_http() {
        return;
    }
    match response {
        Response::Http(response) => http(settings, response, found),
        Response::Other(value) => found.push(format!(
            "the response is not an HTTP response: it has no `statusCode`\n  actual: {value}"
        )),
    }
}

fn http(settings: &Settings, response: &HttpResponse, found: &mut Vec<String>) {
    if let Some(expected) = settings.status
        && response.status != Some(u64::from(expected))
    {
        let actual = response
            .status
            .map_or("none".to_owned(), |status| status.to_string());
        found.push(difference("status", &expected.to_string(), &actual));
    }
    for (name, expected) in &settings.headers {
        let actual = response.headers.get(&name.to_lowercase());
        if actual != Some(expected) {
            let actual = actual.map_or("none".to_owned(), |actual| quoted(actual));
            found.push(difference(
                &format!("headers.{name}"),
                &quoted(expected),
                &actual,
            ));
        }
    }
    if let Some(expected) = &settings.body {
        body("body", expected, &response.body, found);
    }
    for text in &settings.body_contains.0 {
        if !response.body.contains(text) {
            found.push(missing("body", text, &response.body));
        }
    }
}

/// Compares a body with its expected text, or with JSON that it has to contain.
pub fn body(path: &str, expected: &Value, actual: &str, found: &mut Vec<String>) {
    match expected {
        Value::String(expected) if expected == actual => {}
        Value::String(expected) => found.push(texts(path, expected, actual)),
        expected => match serde_json::from_str(actual) {
            Ok(actual) => parts(path, expected, Some(&actual), found),
            Err(_) => found.push(format!("{path}\n  is not JSON: {actual:?}")),
        },
    }
}

/// Compares JSON. An object may have more members than expected; lists have to be as long.
fn parts(path: &str, expected: &Value, actual: Option<&Value>, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(members), Some(Value::Object(actual))) => {
            for (key, expected) in members {
                parts(&format!("{path}.{key}"), expected, actual.get(key), found);
            }
        }
        (Value::Array(expected), Some(Value::Array(actual))) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                parts(&format!("{path}.{index}"), expected, Some(actual), found);
            }
        }
        (Value::String(expected), Some(Value::String(actual))) if expected != actual => {
            found.push(texts(path, expected, actual));
        }
        (Value::Number(one), Some(Value::Number(other))) if one.as_f64() == other.as_f64() => {}
        (expected, actual) if Some(expected) != actual => {
            let actual = actual.map_or("none".to_owned(), Value::to_string);
            found.push(difference(path, &expected.to_string(), &actual));
        }
        _ => {}
    }
}

/// Returns the difference of two texts: line by line if one has several.
fn texts(path: &str, expected: &str, actual: &str) -> String {
    let has_lines = |text: &str| text.trim_end().contains('\n');
    if !has_lines(expected) && !has_lines(actual) {
        return difference(path, &quoted(expected), &quoted(actual));
    }
    lines(path, expected, actual)
}

/// Returns the difference of two JSON values that are compared as a whole.
pub fn documents(path: &str, expected: &Value, actual: &Value) -> String {
    if let (Value::String(expected), Value::String(actual)) = (expected, actual) {
        return texts(path, expected, actual);
    }
    lines(path, &format!("{expected:#}\n"), &format!("{actual:#}\n"))
}

fn lines(path: &str, expected: &str, actual: &str) -> String {
    let diff = TextDiff::from_lines(expected, actual);
    let diff = diff.unified_diff().context_radius(3).to_string();
    let lines: String = diff.lines().map(|line| format!("\n  {line}")).collect();
    format!("{path} (- expected, + actual){lines}")
}

pub fn difference(path: &str, expected: &str, actual: &str) -> String {
    format!("{path}\n  expected: {expected}\n  actual:   {actual}")
}

fn missing(path: &str, expected: &str, actual: &str) -> String {
    format!(
        "{path}\n  does not contain: {}\n  actual:           {}",
        quoted(expected),
        quoted(actual)
    )
}

pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

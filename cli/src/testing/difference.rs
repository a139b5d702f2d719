//! The differences between expected and actual values, as text for people.

use serde_json::Value;
use similar::TextDiff;

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
pub fn parts(path: &str, expected: &Value, actual: Option<&Value>, found: &mut Vec<String>) {
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

/// Returns the difference of two values, each as text.
pub fn difference(path: &str, expected: &str, actual: &str) -> String {
    format!("{path}\n  expected: {expected}\n  actual:   {actual}")
}

/// Returns that a text does not contain another.
pub fn missing(path: &str, expected: &str, actual: &str) -> String {
    format!(
        "{path}\n  does not contain: {}\n  actual:           {}",
        quoted(expected),
        quoted(actual)
    )
}

/// Returns a text in quotes.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

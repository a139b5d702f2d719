//! The patterns of `FilterCriteria`, which say which records a function gets:
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>.

use serde_json::{Map, Value};

/// Whether a record matches one of the patterns, or there is no pattern. `data` is the key of the record's data: a text that is
/// JSON or not, such as the body of a message.
pub(super) fn lets_through(patterns: &[Value], record: &Value, data: &str) -> bool {
    let mut record = record.clone();
    if let Some(text) = record[data].as_str()
        && let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
    {
        record[data] = json;
    }
    patterns.is_empty()
        || patterns
            .iter()
            .any(|pattern| matches(pattern, Some(&record)))
}

/// Whether a value matches a pattern: an object of patterns for its members, or a list of conditions.
fn matches(pattern: &Value, value: Option<&Value>) -> bool {
    match pattern {
        Value::Object(members) => has_members(members, value),
        Value::Array(conditions) => match value {
            // One of its values has to hold.
            Some(Value::Array(values)) if !values.is_empty() => values.iter().any(|value| {
                conditions
                    .iter()
                    .any(|condition| holds(condition, Some(value)))
            }),
            value => conditions.iter().any(|condition| holds(condition, value)),
        },
        _ => false,
    }
}

fn has_members(members: &Map<String, Value>, value: Option<&Value>) -> bool {
    members
        .iter()
        .all(|(name, pattern)| match (name.as_str(), pattern) {
            ("$or", Value::Array(alternatives)) => alternatives
                .iter()
                .any(|alternative| matches(alternative, value)),
            _ => matches(pattern, value.and_then(|value| value.get(name))),
        })
}

/// Whether a condition holds for a value that is not a list.
fn holds(condition: &Value, value: Option<&Value>) -> bool {
    let Value::Object(condition) = condition else {
        return value.is_some_and(|value| equal(condition, value));
    };
    let text = value.and_then(Value::as_str);
    condition.iter().all(|(operator, argument)| {
        let argument_text = argument.as_str();
        match operator.as_str() {
            "exists" => argument.as_bool() == Some(value.is_some_and(|value| !value.is_object())),
            "prefix" => text
                .zip(argument_text)
                .is_some_and(|(text, start)| text.starts_with(start)),
            "suffix" => text
                .zip(argument_text)
                .is_some_and(|(text, end)| text.ends_with(end)),
            "equals-ignore-case" => text
                .zip(argument_text)
                .is_some_and(|(text, other)| text.to_lowercase() == other.to_lowercase()),
            "anything-but" => value.is_some_and(|value| match argument {
                Value::Array(others) => !others.iter().any(|other| equal(other, value)),
                Value::Object(_) => !holds(argument, Some(value)),
                other => !equal(other, value),
            }),
            "numeric" => value
                .and_then(Value::as_f64)
                .is_some_and(|number| is_in_range(argument, number)),
            _ => false,
        }
    })
}

/// Whether two values are the same; numbers are the same in any notation.
fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// Whether a number is in a range, such as `[">", 0, "<=", 5]`.
fn is_in_range(range: &Value, number: f64) -> bool {
    let Some(range) = range.as_array().filter(|range| !range.is_empty()) else {
        return false;
    };
    range.chunks(2).all(|pair| {
        let [operator, bound] = pair else {
            return false;
        };
        bound.as_f64().is_some_and(|bound| match operator.as_str() {
            Some("=") => number == bound,
            Some("<") => number < bound,
            Some("<=") => number <= bound,
            Some(">") => number > bound,
            Some(">=") => number >= bound,
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_operator_has_its_rule() {
        let record = json!({
            "body": "{\"kind\": \"Order\", \"total\": 12.5, \"tags\": [\"a\", \"b\"], \"note\": null, \"of\": {\"id\": 1}}",
            "messageAttributes": {},
        });
        let is_let_through =
            |pattern: Value| lets_through(&[json!({ "body": pattern })], &record, "body");
        for pattern in [
            json!({ "kind": ["Order"] }),
            json!({ "kind": ["Other", { "prefix": "Ord" }] }),
            json!({ "kind": [{ "suffix": "er" }] }),
            json!({ "kind": [{ "equals-ignore-case": "oRDER" }] }),
            json!({ "kind": [{ "anything-but": ["Other"] }] }),
            json!({ "kind": [{ "anything-but": { "prefix": "x" } }] }),
            json!({ "total": [12.50] }),
            json!({ "total": [{ "numeric": [">", 10, "<=", 12.5] }] }),
            json!({ "tags": ["b"] }),
            json!({ "note": [null] }),
            json!({ "missing": [{ "exists": false }] }),
            json!({ "of": { "id": [1] } }),
            json!({ "$or": [{ "kind": ["x"] }, { "total": [{ "numeric": ["<", 13] }] }] }),
        ] {
            assert!(is_let_through(pattern.clone()), "{pattern}");
        }
        for pattern in [
            json!({ "kind": ["Order"], "total": [1] }),
            json!({ "kind": [{ "prefix": "x" }] }),
            json!({ "kind": [{ "anything-but": "Order" }] }),
            json!({ "total": [{ "numeric": [">", 12.5] }] }),
            json!({ "total": ["12.5"] }),
            json!({ "kind": [{ "exists": false }] }),
            json!({ "missing": [{ "anything-but": "x" }] }),
            json!({ "of": { "id": [2] } }),
            json!({ "kind": [{ "unknown": 1 }] }),
            json!({ "kind": "Order" }),
            json!(["text"]),
        ] {
            assert!(!is_let_through(pattern.clone()), "{pattern}");
        }
        assert!(lets_through(&[], &record, "body"));
    }

    #[test]
    fn a_body_that_is_not_json_is_compared_as_text() {
        let record = json!({ "body": "plain" });
        let is_let_through = |pattern: Value| lets_through(&[pattern], &record, "body");
        assert!(is_let_through(json!({ "body": ["plain"] })));
        assert!(!is_let_through(json!({ "body": { "kind": ["plain"] } })));
    }
}

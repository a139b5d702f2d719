//! Patterns of EventBridge:
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>.

use serde_json::{Map, Value as Json};

/// Changes an event so that it matches a pattern, as far as the pattern says a value. Comparisons of
/// numbers and addresses, and `anything-but`, leave the event's value.
pub(super) fn fulfil(pattern: &Json, event: &mut Map<String, Json>) {
    for (key, rule) in pattern.as_object().into_iter().flatten() {
        match rule {
            Json::Object(_) => {
                let inner = event.entry(key.clone()).or_insert(Json::Null);
                if !inner.is_object() {
                    *inner = Json::Object(Map::new());
                }
                if let Some(inner) = inner.as_object_mut() {
                    fulfil(rule, inner);
                }
            }
            Json::Array(alternatives) if key == "$or" => {
                if let Some(first) = alternatives.first() {
                    fulfil(first, event);
                }
            }
            Json::Array(values) => choose(key, values, event),
            _ => {}
        }
    }
}

/// Sets a field to the first value that its rule says.
fn choose(key: &str, values: &[Json], event: &mut Map<String, Json>) {
    let absent = |value: &Json| value.get("exists") == Some(&Json::Bool(false));
    let known = event.get(key);
    let is_match = |known: &Json| match known {
        Json::Array(known) => known.iter().any(|known| values.contains(known)),
        known => values.contains(known),
    };
    if known.is_some_and(is_match) {
        return;
    }
    match (values.iter().find_map(said), known) {
        (Some(value), Some(Json::Array(_))) => {
            event.insert(key.to_owned(), Json::Array(vec![value]));
        }
        // This field is a list in every event.
        (Some(value), None) if key == "resources" => {
            event.insert(key.to_owned(), Json::Array(vec![value]));
        }
        (Some(value), _) => {
            event.insert(key.to_owned(), value);
        }
        (None, Some(_)) if values.iter().any(absent) => {
            event.remove(key);
        }
        (None, None)
            if values
                .iter()
                .any(|value| value.get("exists").is_some() && !absent(value)) =>
        {
            event.insert(key.to_owned(), Json::String("example".to_owned()));
        }
        _ => {}
    }
}

/// Returns a value that matches one item of a rule, if the item says it.
fn said(item: &Json) -> Option<Json> {
    let Json::Object(operators) = item else {
        return (!item.is_array()).then(|| item.clone());
    };
    let text = |operator: &str| {
        let operand = operators.get(operator)?;
        let operand = operand.get("equals-ignore-case").unwrap_or(operand);
        operand.as_str().map(str::to_owned)
    };
    let wildcard = || text("wildcard").map(|text| text.replace('*', ""));
    let found = ["prefix", "suffix", "equals-ignore-case"].into_iter();
    let found = found.filter_map(text).next().or_else(wildcard);
    found.map(Json::String)
}

//! JSON in the cases of TOML files.

use serde::de::{Deserialize as _, Deserializer};
use serde_json::Value;

/// The key under which the crate `toml` hands over a date or time.
const DATE: &str = "$__toml_private_datetime";

/// Deserializes JSON. JSON has texts for the dates and times of TOML.
pub fn json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    let mut value = Value::deserialize(deserializer)?;
    dates_as_texts(&mut value);
    Ok(Some(value))
}

fn dates_as_texts(value: &mut Value) {
    match value {
        Value::Object(members) => match members.get_mut(DATE) {
            Some(date) => *value = date.take(),
            None => members.values_mut().for_each(dates_as_texts),
        },
        Value::Array(values) => values.iter_mut().for_each(dates_as_texts),
        _ => {}
    }
}

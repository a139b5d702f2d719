//! YAML as SAM reads it: with CloudFormation's tags, merge keys, and the scalars of YAML 1.1, which
//! SAM's parser (PyYAML) follows.

use saphyr::{ScalarStyle, Tag, YamlLoader, YamlOwned};
use saphyr_parser::Parser;

use super::scalar;
use super::value::Value;

/// Parses the first document of a text, and applies all merge keys (`<<`).
pub(super) fn load(text: &str) -> Result<Value, String> {
    let mut loader = YamlLoader::<YamlOwned>::default();
    loader.early_parse(false);
    // For SAM, the last entry counts.
    loader.allow_duplicate_keys(true);
    let mut parser = Parser::new_from_str(text);
    let loaded = parser.load(&mut loader, true);
    loaded.map_err(|error| error.to_string())?;
    if let Some(error) = loader.error() {
        return Err(error.to_string());
    }
    let first = loader.into_documents().into_iter().next();
    Ok(first.map_or(Value::Null, value))
}

fn value(node: YamlOwned) -> Value {
    match node {
        YamlOwned::Representation(text, style, tag) => match tag {
            Some(tag) if !tag.is_yaml_core_schema() => intrinsic(&tag, Value::Text(text)),
            Some(tag) if tag.suffix == "str" => Value::Text(text),
            None if style != ScalarStyle::Plain => Value::Text(text),
            _ => scalar::resolve(&text),
        },
        YamlOwned::Sequence(items) => Value::List(items.into_iter().map(value).collect()),
        YamlOwned::Mapping(entries) => map(entries),
        YamlOwned::Tagged(tag, node) => intrinsic(&tag, value(*node)),
        _ => Value::Null,
    }
}

fn intrinsic(tag: &Tag, argument: Value) -> Value {
    Value::Intrinsic(tag.to_string(), Box::new(argument))
}

fn map(entries: saphyr::MappingOwned) -> Value {
    let mut own = Vec::new();
    let mut merged = Vec::new();
    for (name, node) in entries {
        let YamlOwned::Representation(name, style, _) = name else {
            continue;
        };
        match value(node) {
            Value::Map(entries) if name == "<<" && style == ScalarStyle::Plain => {
                merged.push(entries);
            }
            Value::List(items) if name == "<<" && style == ScalarStyle::Plain => {
                merged.extend(items.into_iter().filter_map(|item| match item {
                    Value::Map(entries) => Some(entries),
                    _ => None,
                }));
            }
            value => own.push((name, value)),
        }
    }
    // An entry of the mapping itself wins, and then the entry that is merged first.
    for (name, value) in merged.into_iter().flatten() {
        if own.iter().all(|(known, _)| *known != name) {
            own.push((name, value));
        }
    }
    match &own[..] {
        [(name, _)] if name == "Ref" || name.starts_with("Fn::") => {
            let (name, argument) = own.remove(0);
            Value::Intrinsic(name, Box::new(argument))
        }
        _ => Value::Map(own),
    }
}

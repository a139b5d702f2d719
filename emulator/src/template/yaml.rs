//! YAML as SAM reads it: with CloudFormation's tags, merge keys, and the scalars of YAML 1.1, which
//! SAM's parser (PyYAML) follows.

use std::collections::HashMap;

use saphyr::{
    AnnotatedMappingOwned, MarkedYamlOwned, ScalarStyle, ScanError, Tag, YamlDataOwned, YamlLoader,
};
use saphyr_parser::{Event, Parser};

use super::lines::Lines;
use super::scalar;
use super::value::Value;

/// The most levels of blocks in blocks. Values are read and evaluated level by level.
const MAX_DEPTH: usize = 200;

/// The most values of a document, each alias with the values of its anchor.
const MAX_VALUES: usize = 500_000;

/// A long text counts as one value more for each of so many bytes.
const BYTES_OF_A_VALUE: usize = 64;

/// The most lines of a text that are moved.
const MAX_MOVED: usize = 500;

/// The spaces before a line that is moved: more than a template indents a block.
const MOVED: &str =
    "                                                                                ";

/// Parses the first document of a text, and applies all merge keys (`<<`). Returns the lines of its
/// keys too.
///
/// PyYAML takes a `}` or `]` that is not deeper than the block around it, and YAML 1.2 does not
/// (<https://yaml.org/spec/1.2.2/#rule-flow-in-block>). Such lines are moved to the right.
pub(super) fn load(text: &str) -> Result<(Value, Lines), String> {
    let mut moved: Option<String> = None;
    let mut first = None;
    let mut last = 0;
    for _ in 0..MAX_MOVED {
        let error = match parse(moved.as_deref().unwrap_or(text)) {
            Ok(document) => return Ok(document),
            Err(error) => error,
        };
        let line = error.marker().line();
        let is_flow = [
            "invalid indentation",
            "invalid indentation in flow construct",
        ];
        let can_move = is_flow.contains(&error.info()) && line > last;
        let first = first.get_or_insert_with(|| error.to_string());
        if !can_move {
            return Err(first.clone());
        }
        last = line;
        let before = moved.as_deref().unwrap_or(text);
        let lines = (1..).zip(before.split_inclusive('\n'));
        let lines = lines.map(|(number, each)| match number == line {
            true => [MOVED, each].concat(),
            false => each.to_owned(),
        });
        moved = Some(lines.collect());
    }
    Err(first.unwrap_or_default())
}

fn parse(text: &str) -> Result<(Value, Lines), ScanError> {
    check_size(text)?;
    let mut loader = YamlLoader::<MarkedYamlOwned>::default();
    loader.early_parse(false);
    // For SAM, the last entry counts.
    loader.allow_duplicate_keys(true);
    let mut parser = Parser::new_from_str(text);
    parser.load(&mut loader, true)?;
    if let Some(error) = loader.error() {
        return Err(error.clone());
    }
    let Some(first) = loader.into_documents().into_iter().next() else {
        return Ok((Value::Null, Lines::default()));
    };
    let lines = Lines::of(&first);
    Ok((value(first), lines))
}

/// The size of a block: the depth below it, and its values.
#[derive(Clone, Copy, Default)]
struct Size {
    depth: usize,
    values: usize,
}

/// Returns an error if blocks nest more deeply than a stack can hold, or if there are more values than memory can hold. An alias
/// is as large as its anchor.
fn check_size(text: &str) -> Result<(), ScanError> {
    let mut anchors = HashMap::new();
    // The anchors of the open blocks, each with its size so far.
    let mut open: Vec<(usize, Size)> = Vec::new();
    let mut all = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event?;
        let below = match event {
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                open.push((anchor, Size::default()));
                Size::default()
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (anchor, size) = open.pop().unwrap_or_default();
                let whole = Size {
                    depth: size.depth + 1,
                    values: size.values + 1,
                };
                anchors.insert(anchor, whole);
                all += 1;
                whole
            }
            Event::Alias(anchor) => {
                let size: Size = anchors.get(&anchor).copied().unwrap_or_default();
                all = all.saturating_add(size.values);
                size
            }
            Event::Scalar(text, _, anchor, _) => {
                let values = 1 + text.len() / BYTES_OF_A_VALUE;
                let size = Size { depth: 0, values };
                anchors.insert(anchor, size);
                all += values;
                size
            }
            _ => continue,
        };
        if open.len() + below.depth > MAX_DEPTH {
            let why = format!("blocks nest more deeply than {MAX_DEPTH} levels");
            return Err(ScanError::new(span.start, why));
        }
        if let Some((_, outer)) = open.last_mut() {
            outer.depth = outer.depth.max(below.depth);
            outer.values = outer.values.saturating_add(below.values);
        }
        if all > MAX_VALUES {
            let why = format!("there are more than {MAX_VALUES} values, with those of aliases");
            return Err(ScanError::new(span.start, why));
        }
    }
    Ok(())
}

fn value(node: MarkedYamlOwned) -> Value {
    match node.data {
        YamlDataOwned::Representation(text, style, tag) => match tag {
            Some(tag) if !tag.is_yaml_core_schema() => intrinsic(&tag, Value::Text(text)),
            Some(tag) if tag.suffix == "str" => Value::Text(text),
            None if style != ScalarStyle::Plain => Value::Text(text),
            _ => scalar::resolve(&text),
        },
        YamlDataOwned::Sequence(items) => Value::List(items.into_iter().map(value).collect()),
        YamlDataOwned::Mapping(entries) => map(entries),
        YamlDataOwned::Tagged(tag, node) => intrinsic(&tag, value(*node)),
        _ => Value::Null,
    }
}

fn intrinsic(tag: &Tag, argument: Value) -> Value {
    Value::Intrinsic(tag.to_string(), Box::new(argument))
}

fn map(entries: AnnotatedMappingOwned<MarkedYamlOwned>) -> Value {
    let mut own = Vec::new();
    let mut merged = Vec::new();
    for (name, node) in entries {
        let YamlDataOwned::Representation(name, style, _) = name.data else {
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

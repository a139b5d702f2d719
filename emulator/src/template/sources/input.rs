//! The part of an event that a target of EventBridge gets:
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html>.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::value::{Node, Value};

/// The part of an event that a target of EventBridge gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// The whole event.
    #[default]
    Event,
    /// `Input`, in the place of the event.
    Constant(Json),
    /// `InputPath`: a part of the event, such as `$.detail`.
    Path(String),
    /// `InputTransformer`: a template with parts of the event.
    Transformer {
        /// `InputPathsMap`: the paths of the parts, by their names.
        paths: BTreeMap<String, String>,
        /// `InputTemplate`: JSON in which `<name>` stands for a part.
        template: String,
    },
}

impl Input {
    /// Reads the part of an event that a target gets.
    pub(super) fn read(target: Node<'_>) -> Self {
        let transformer = target.get("InputTransformer");
        match (target.get("Input").0, target.get("InputPath").text()) {
            (Some(input), _) if !matches!(input, Value::Null) => Self::Constant(input.json_text()),
            (_, Some(path)) => Self::Path(path),
            _ => match transformer.get("InputTemplate").text() {
                Some(template) => {
                    let paths = transformer.get("InputPathsMap").entries();
                    let paths =
                        paths.filter_map(|(name, path)| Some((name.to_owned(), path.text()?)));
                    Self::Transformer {
                        paths: paths.collect(),
                        template,
                    }
                }
                None => Self::Event,
            },
        }
    }

    /// Returns the part of an event of a rule that the function gets.
    pub(super) fn of(&self, event: Json, rule: &str) -> Json {
        match self {
            Self::Event => event,
            Self::Constant(input) => input.clone(),
            Self::Path(path) => at(path, &event).cloned().unwrap_or(event),
            Self::Transformer { paths, template } => transform(paths, template, &event, rule),
        }
    }
}

/// Returns the value at a path such as `$.detail.order`.
fn at<'a>(path: &str, event: &'a Json) -> Option<&'a Json> {
    event.pointer(&path.trim_start_matches('$').replace('.', "/"))
}

/// Replaces each `<name>` of a template: in a string by its text, and elsewhere by its JSON.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html>
fn transform(paths: &BTreeMap<String, String>, template: &str, event: &Json, rule: &str) -> Json {
    let value = |name: &str| match name {
        "aws.events.rule-arn" => Some(json!(rule)),
        "aws.events.rule-name" => rule.rsplit('/').next().map(Json::from),
        "aws.events.event" | "aws.events.event.json" => Some(event.clone()),
        "aws.events.event.ingestion-time" => event.get("time").cloned(),
        name => {
            let path = paths.get(name)?;
            Some(at(path, event).cloned().unwrap_or_default())
        }
    };
    let mut done = String::new();
    let mut is_quoted = false;
    let mut rest = template;
    while let Some(next) = rest.chars().next() {
        let name = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        if let Some((value, after)) = name.and_then(|(name, after)| Some((value(name)?, after))) {
            match (is_quoted, value) {
                (true, Json::Null) => {}
                (true, Json::String(text)) => done.push_str(&escaped(&text)),
                (true, value) => done.push_str(&escaped(&value.to_string())),
                (false, value) => done.push_str(&value.to_string()),
            }
            rest = after;
            continue;
        }
        let length = match next {
            '\\' => next.len_utf8() + rest.chars().nth(1).map_or(0, char::len_utf8),
            next => next.len_utf8(),
        };
        is_quoted ^= next == '"';
        done.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    serde_json::from_str(&done).unwrap_or(Json::String(done))
}

/// Returns a text as it is in a string of JSON.
fn escaped(text: &str) -> String {
    let quoted = json!(text).to_string();
    quoted
        .trim_start_matches('"')
        .strip_suffix('"')
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transformer_fills_its_template() {
        let event =
            json!({ "time": "now", "detail": { "id": 7, "name": "a \"b\"", "tags": ["x"] } });
        let paths = [
            ("id", "$.detail.id"),
            ("name", "$.detail.name"),
            ("tags", "$.detail.tags"),
            ("none", "$.detail.none"),
        ];
        let paths = paths.map(|(name, path)| (name.to_owned(), path.to_owned()));
        let rule = "arn:aws:events:us-east-1:123456789012:rule/mine";
        for (template, expected) in [
            (
                r#"{"id": <id>, "text": "<name> \"<id>\"", "all": <tags>, "rule": "<aws.events.rule-name>"}"#,
                json!({ "id": 7, "text": "a \"b\" \"7\"", "all": ["x"], "rule": "mine" }),
            ),
            (r#""<id> of <none> <other> <""#, json!("7 of  <other> <")),
            ("<aws.events.event.json>", event.clone()),
            (
                "<name> is not JSON \\",
                json!("\"a \\\"b\\\"\" is not JSON \\"),
            ),
            ("", json!("")),
        ] {
            let input = Input::Transformer {
                paths: BTreeMap::from(paths.clone()),
                template: template.to_owned(),
            };
            assert_eq!(input.of(event.clone(), rule), expected, "{template}");
        }
    }
}

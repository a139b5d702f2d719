//! `Fn::ForEach` of the transform `AWS::LanguageExtensions`:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html>.

use super::intrinsics::Scope;
use super::value::Value;

const PREFIX: &str = "Fn::ForEach::";

/// The most values of a template after its loops.
const MAX_VALUES: usize = 200_000;

/// The most bytes of a text that has the value of an identifier, so that values that repeat each other end.
const MAX_TEXT: usize = 64 * 1024;

/// A text counts as one value for each of so many bytes.
const BYTES_OF_A_VALUE: usize = 64;

/// Returns a document with its loops written out, if it has any. A loop over values that are not known
/// stays.
pub(super) fn expand(document: &Value, scope: &Scope<'_>) -> Option<Value> {
    if !has_loop(document) {
        return None;
    }
    let mut loops = Loops {
        scope,
        identifiers: Vec::new(),
        left: MAX_VALUES,
    };
    Some(loops.value(document))
}

fn has_loop(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().any(has_loop),
        Value::Map(entries) => entries
            .iter()
            .any(|(name, value)| name.starts_with(PREFIX) || has_loop(value)),
        Value::Intrinsic(name, argument) => name.starts_with(PREFIX) || has_loop(argument),
        _ => false,
    }
}

/// The loops around a value.
struct Loops<'a> {
    scope: &'a Scope<'a>,
    /// The identifiers of the loops, with their values.
    identifiers: Vec<(String, String)>,
    /// The number of values that can still be written.
    left: usize,
}

impl Loops<'_> {
    fn value(&mut self, value: &Value) -> Value {
        let Some(left) = self.left.checked_sub(1) else {
            return value.clone();
        };
        self.left = left;
        match value {
            Value::Text(text) => Value::Text(self.text(text)),
            Value::List(items) => Value::List(items.iter().map(|item| self.value(item)).collect()),
            Value::Map(entries) => Value::Map(self.entries(entries)),
            // A mapping with this only key.
            Value::Intrinsic(name, argument) if name.starts_with(PREFIX) => {
                let entry = (name.clone(), (**argument).clone());
                Value::Map(self.entries(&[entry]))
            }
            Value::Intrinsic(name, argument) => {
                let identifier = argument.text().filter(|_| name == "Ref" || name == "!Ref");
                match identifier.and_then(|identifier| self.of(identifier)) {
                    Some(value) => Value::Text(value.to_owned()),
                    None => Value::Intrinsic(name.clone(), Box::new(self.value(argument))),
                }
            }
            plain => plain.clone(),
        }
    }

    fn entries(&mut self, entries: &[(String, Value)]) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for (name, value) in entries {
            match value.items() {
                [identifier, collection, body] if name.starts_with(PREFIX) => {
                    match (identifier.text(), self.collection(collection)) {
                        (Some(identifier), Some(items)) => {
                            self.turn(identifier, items, body, &mut all);
                        }
                        _ => all.push((name.clone(), value.clone())),
                    }
                }
                _ => all.push((self.text(name), self.value(value))),
            }
        }
        all
    }

    /// Returns the values of a loop.
    fn collection(&mut self, collection: &Value) -> Option<Vec<String>> {
        let collection = self.value(collection);
        let Value::List(items) = self.scope.resolve(&collection)? else {
            return None;
        };
        items
            .iter()
            .map(|item| item.text().map(str::to_owned))
            .collect()
    }

    /// Writes the body of a loop once for each value.
    fn turn(
        &mut self,
        identifier: &str,
        items: Vec<String>,
        body: &Value,
        all: &mut Vec<(String, Value)>,
    ) {
        for item in items {
            if self.left == 0 {
                return;
            }
            self.identifiers.push((identifier.to_owned(), item));
            if let Value::Map(entries) = self.value(body) {
                all.extend(entries);
            }
            self.identifiers.pop();
        }
    }

    /// Returns the value of an identifier. The innermost loop wins.
    fn of(&self, identifier: &str) -> Option<&str> {
        let mut identifiers = self.identifiers.iter().rev();
        let found = identifiers.find(|(known, _)| known == identifier);
        found.map(|(_, value)| value.as_str())
    }

    /// Replaces `${Identifier}`, and `&{Identifier}` by its letters and digits, unless the text becomes too long.
    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (identifier, value) in self.identifiers.iter().rev() {
            replace(&mut text, &format!("${{{identifier}}}"), || value.clone());
            replace(&mut text, &format!("&{{{identifier}}}"), || {
                value.chars().filter(char::is_ascii_alphanumeric).collect()
            });
        }
        self.left = self.left.saturating_sub(text.len() / BYTES_OF_A_VALUE);
        text
    }
}

fn replace(text: &mut String, name: &str, value: impl Fn() -> String) {
    let count = text.matches(name).count();
    if count > 0 {
        let value = value();
        if text.len() + count * value.len() <= MAX_TEXT {
            *text = text.replace(name, &value);
        }
    }
}

//! The values of a template.

use serde_json::Value as Json;

/// A value of a template. A scalar is the text that SAM writes into a variable for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Text(String),
    /// A number or a boolean, as the text that SAM writes for it.
    Literal(String),
    List(Vec<Value>),
    /// The entries in their order.
    Map(Vec<(String, Value)>),
    /// A function of CloudFormation, by its written name (`!Ref`, `Fn::Sub`).
    Intrinsic(String, Box<Value>),
}

impl Value {
    /// Returns the value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    /// Returns the keys and values of a mapping, in their order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let entries = match self {
            Self::Map(entries) => &entries[..],
            _ => &[],
        };
        entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the items of a list.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value as JSON. A function of CloudFormation that could not be evaluated is an object
    /// with its name.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Text(text) => Json::String(text.clone()),
            Self::Literal(text) => {
                let json = serde_json::from_str(text);
                json.unwrap_or_else(|_| Json::String(text.clone()))
            }
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                let entries = entries.iter();
                entries
                    .map(|(name, value)| (name.clone(), value.to_json()))
                    .collect()
            }
            Self::Intrinsic(name, argument) => {
                let entry = (name.clone(), argument.to_json());
                std::iter::once(entry).collect()
            }
        }
    }

    /// Returns JSON that a template has as a text, or as it is.
    pub fn json_text(&self) -> Json {
        match self.text().map(serde_json::from_str) {
            Some(Ok(json)) => json,
            _ => self.to_json(),
        }
    }

    /// Merges another value into this, like SAM merges a resource's properties into `Globals`: mappings
    /// key by key, lists one after the other. Otherwise the other value wins.
    pub fn overlaid(&self, over: &Self) -> Self {
        match (self, over) {
            (Self::Map(under), Self::Map(over)) => {
                let mut all = under.clone();
                for (name, value) in over {
                    match all.iter_mut().find(|(known, _)| known == name) {
                        Some((_, known)) => *known = known.overlaid(value),
                        None => all.push((name.clone(), value.clone())),
                    }
                }
                Self::Map(all)
            }
            (Self::List(under), Self::List(over)) => {
                Self::List(under.iter().chain(over).cloned().collect())
            }
            (_, over) => over.clone(),
        }
    }
}

/// A place in a document, which may be empty.
#[derive(Clone, Copy)]
pub(super) struct Node<'a>(pub Option<&'a Value>);

impl<'a> Node<'a> {
    /// Returns the value of a key, if this is a mapping that has it.
    pub fn get(self, key: &str) -> Self {
        Self(self.0.and_then(|value| value.get(key)))
    }

    /// Returns whether the place is empty.
    pub fn is_absent(self) -> bool {
        self.0.is_none()
    }

    /// Returns the keys and values of a mapping, in their order.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, Self)> {
        let entries = self.0.into_iter().flat_map(Value::entries);
        entries.map(|(name, value)| (name, Self(Some(value))))
    }

    /// Returns the items of a list.
    pub fn items(self) -> &'a [Value] {
        self.0.map(Value::items).unwrap_or_default()
    }

    /// Returns the texts of a list.
    pub fn texts(self) -> impl Iterator<Item = &'a str> {
        let items = self.0.into_iter().flat_map(Value::items);
        items.filter_map(Value::text)
    }

    /// Returns a plain value as SAM writes it into a variable.
    pub fn text(self) -> Option<String> {
        self.0?.text().map(str::to_owned)
    }

    /// Returns whether this is `true`.
    pub fn is_true(self) -> bool {
        self.0.and_then(Value::text) == Some("true")
    }

    /// Returns the resource to which a `Ref` of an API refers: its made-up id is the resource's name.
    pub fn referenced(self) -> Option<&'a str> {
        match self.0? {
            Value::Text(name) | Value::Literal(name) => Some(name),
            Value::Intrinsic(name, argument) if matches!(name.as_str(), "Ref" | "!Ref") => {
                argument.text()
            }
            _ => None,
        }
    }

    /// Returns the name of a function of CloudFormation that could not be evaluated.
    pub fn intrinsic(self) -> Option<&'a str> {
        match self.0? {
            Value::Intrinsic(name, _) => Some(name),
            _ => None,
        }
    }
}

//! Reads the TOML of a policy with serde, so that an error has its place and its key.
//!
//! `toml`'s own deserializer takes four times as much code for each type, since any struct may be one of its `Spanned` or dates.

use std::fmt;
use std::ops::Range;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::value::suggestion;

/// An error in the policy: its place in the file, and its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Diagnostic {
    pub at: Range<usize>,
    pub message: String,
}

impl From<toml::de::Error> for Diagnostic {
    fn from(error: toml::de::Error) -> Self {
        Self {
            at: error.span().unwrap_or_default(),
            message: error.message().to_owned(),
        }
    }
}

impl From<ReadError> for Diagnostic {
    fn from(ReadError { at, key, cause }: ReadError) -> Self {
        let key = key.join(".");
        let message = match cause {
            Cause::UnknownKey { unknown, hint } => {
                let place = match key.as_str() {
                    "" => String::new(),
                    table => format!(" in [{table}]"),
                };
                format!("unknown key `{unknown}`{place}\nhint: {hint}")
            }
            Cause::Other(cause) => format!("cannot read `{key}`: {cause}"),
        };
        let at = at.unwrap_or_default();
        Self { at, message }
    }
}

/// Why a part of the policy cannot be read.
#[derive(Debug)]
pub(super) struct ReadError {
    at: Option<Range<usize>>,
    /// The key and the tables that it is in, the outermost first.
    key: Vec<String>,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    UnknownKey { unknown: String, hint: String },
    Other(String),
}

impl ReadError {
    fn new(cause: Cause) -> Self {
        Self {
            at: None,
            key: Vec::new(),
            cause,
        }
    }

    /// Adds the place of a value, unless the error has the place of a part of that value.
    fn or_at(mut self, at: Range<usize>) -> Self {
        self.at.get_or_insert(at);
        self
    }
}

impl Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Cause::Other(message.to_string()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Cause::UnknownKey {
            unknown: field.to_owned(),
            hint: suggestion(field, expected),
        })
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.cause)
    }
}

impl std::error::Error for ReadError {}

/// A value of the file.
pub(super) struct Value<'a> {
    value: &'a DeValue<'a>,
    at: Range<usize>,
}

impl<'a> Value<'a> {
    fn new(value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            value: value.get_ref(),
            at: value.span(),
        }
    }
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let other = |kind| Err(ReadError::invalid_type(Unexpected::Other(kind), &visitor));
        let read = match self.value {
            DeValue::Boolean(flag) => visitor.visit_bool(*flag),
            DeValue::String(text) => visitor.visit_borrowed_str(text),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => other("large number"),
                }
            }
            DeValue::Array(items) => visitor.visit_seq(Items(items.iter())),
            DeValue::Table(table) => visitor.visit_map(Table::new(table)),
            DeValue::Float(_) => other("floating-point number"),
            DeValue::Datetime(_) => other("date or time"),
        };
        read.map_err(|error| error.or_at(self.at))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<'a, I: Iterator<Item = &'a Spanned<DeValue<'a>>>>(I);

impl<'de, I: Iterator<Item = &'de Spanned<DeValue<'de>>>> SeqAccess<'de> for Items<'de, I> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some(item) = self.0.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(Value::new(item));
        read.map(Some).map_err(|error| error.or_at(item.span()))
    }
}

/// A table of the file.
pub(super) struct Table<'a> {
    members: Box<dyn Iterator<Item = Member<'a>> + 'a>,
    value: Option<Member<'a>>,
}

type Member<'a> = (
    &'a Spanned<toml::de::DeString<'a>>,
    &'a Spanned<DeValue<'a>>,
);

impl<'a> Table<'a> {
    pub(super) fn new(table: &'a DeTable<'a>) -> Self {
        Self {
            members: Box::new(table.iter()),
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Table<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        self.value = self.members.next();
        let Some((key, _)) = self.value else {
            return Ok(None);
        };
        let name = BorrowedStrDeserializer::new(key.get_ref());
        let read: Result<K::Value, ReadError> = seed.deserialize(name);
        read.map(Some).map_err(|error| error.or_at(key.span()))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some((key, value)) = self.value.take() else {
            return Err(ReadError::custom("there is no key"));
        };
        seed.deserialize(Value::new(value)).map_err(|error| {
            let mut error = error.or_at(value.span());
            error.key.insert(0, key.get_ref().to_string());
            error
        })
    }
}

//! The JSON of events, read in one pass: text is borrowed, unknown members are passed over, null counts as missing, and the last
//! of two members with one name counts.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::budget::{self, Exceeded};

/// Declares that a visitor takes no string. Serde would repeat the whole string in its error, and escaped.
///
/// Such a visitor is for `deserialize_any`: given another hint, the parser makes the error without asking it.
macro_rules! not_a_text {
    () => {
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let text = serde::de::Unexpected::Str($crate::http::text::beginning(text));
            Err(E::invalid_type(text, &self))
        }
    };
}
pub(super) use not_a_text;

/// A string, which is part of the event unless it has an escape in it.
#[derive(Clone)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    /// Whether it has memory of its own.
    pub fn is_copy(&self) -> bool {
        matches!(self.0, Cow::Owned(_))
    }

    fn clone_within_budget(&self) -> Result<Self, Exceeded> {
        budget::check(if self.is_copy() { self.len() } else { 0 })?;
        Ok(self.clone())
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.0.into_owned()
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Characters;
        impl<'de> Visitor<'de> for Characters {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Characters)
    }
}

/// Names and their values, in their order: an object whose members are strings or lists of strings.
#[derive(Default)]
pub(super) struct Fields<'a>(pub Vec<(Text<'a>, Text<'a>)>);

impl Fields<'_> {
    /// A pair for each value.
    pub(super) fn pairs(self) -> Result<Vec<(String, String)>, Exceeded> {
        let pairs = self.0.into_iter();
        pairs
            .map(|(name, value)| Ok((budget::own(name.0)?, budget::own(value.0)?)))
            .collect()
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            not_a_text!();

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(16);
                while let Some(name) = map.next_key()? {
                    map.next_value_seed(Values {
                        name,
                        fields: &mut fields,
                    })?;
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_any(Members)
    }
}

/// The value or the values of one name.
struct Values<'de, 'f> {
    name: Text<'de>,
    fields: &'f mut Vec<(Text<'de>, Text<'de>)>,
}

impl<'de> DeserializeSeed<'de> for Values<'de, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        let value = Text(Cow::Borrowed(text));
        budget::push(self.fields, (self.name, value)).map_err(Exceeded::in_json)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        budget::check(text.len()).map_err(Exceeded::in_json)?;
        let value = Text(Cow::Owned(text.to_owned()));
        budget::push(self.fields, (self.name, value)).map_err(Exceeded::in_json)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while let Some(value) = values.next_element::<Option<Text<'de>>>()? {
            let Some(value) = value else { continue };
            self.name
                .clone_within_budget()
                .and_then(|name| budget::push(self.fields, (name, value)))
                .map_err(Exceeded::in_json)?;
        }
        Ok(())
    }
}

/// A list.
pub(super) struct Items<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for All<T> {
            type Value = Items<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            not_a_text!();

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    budget::push(&mut items, item).map_err(Exceeded::in_json)?;
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_any(All(PhantomData))
    }
}

/// The members of an object, in their order, each value as its JSON.
#[derive(Default)]
pub(super) struct Members<'a>(pub Vec<(Text<'a>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            not_a_text!();

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    budget::push(&mut members, member).map_err(Exceeded::in_json)?;
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_any(All)
    }
}

/// A boolean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Boolean;
        impl Visitor<'_> for Boolean {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean")
            }

            not_a_text!();

            fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }
        }
        deserializer.deserialize_any(Boolean)
    }
}

/// Declares the fields that are read of an object: their types, and the names of their members. All fields are optional.
///
/// `with FIELDS` declares a second type that says which fields an object has, whatever their types. A field that is null counts
/// as missing.
macro_rules! object {
    (
        $(#[$about:meta])*
        $name:ident<$event:lifetime> with $fields:ident {
            $($(#[$field_about:meta])* $field:ident: $type:ty = $($key:literal)|+;)*
        }
    ) => {
        $crate::http::json::object! {
            $(#[$about])*
            $name<$event> {
                $($(#[$field_about])* $field: $type = $($key)|+;)*
            }
        }

        #[doc = concat!("The fields that an [`", stringify!($name), "`] has.")]
        #[derive(Default)]
        #[allow(dead_code, reason = "most fields are no markers of an event source")]
        pub(crate) struct $fields {
            $(pub $field: bool,)*
        }

        impl $name<'_> {
            /// Returns which fields the object has.
            pub(crate) fn fields(&self) -> $fields {
                $fields {
                    $($field: self.$field.is_some(),)*
                }
            }
        }

        impl $fields {
            /// Reads which fields an object has. JSON that is not an object has none.
            pub(crate) fn from_json(json: &[u8]) -> Self {
                $crate::http::json::object! {
                    Any<'a> {
                        $($field: &'a serde_json::value::RawValue = $($key)|+;)*
                    }
                }
                let object: Any<'_> = serde_json::from_slice(json).unwrap_or_default();
                Self {
                    $($field: object.$field.is_some(),)*
                }
            }
        }
    };
    (
        $(#[$about:meta])*
        $name:ident<$event:lifetime> {
            $($(#[$field_about:meta])* $field:ident: $type:ty = $($key:literal)|+;)*
        }
    ) => {
        $(#[$about])*
        #[derive(Default)]
        pub(crate) struct $name<$event> {
            $($(#[$field_about])* pub $field: Option<$type>,)*
        }

        impl<$event> serde::Deserialize<$event> for $name<$event> {
            fn deserialize<D: serde::Deserializer<$event>>(from: D) -> Result<Self, D::Error> {
                struct Members;
                impl<$event> serde::de::Visitor<$event> for Members {
                    type Value = $name<$event>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    $crate::http::json::not_a_text!();

                    fn visit_map<A: serde::de::MapAccess<$event>>(
                        self,
                        mut members: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut object = $name::default();
                        while let Some(name) = members.next_key::<$crate::http::json::Text<$event>>()? {
                            match &*name {
                                $($($key)|+ => object.$field = members.next_value()?,)*
                                _ => {
                                    members.next_value::<serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(object)
                    }
                }
                from.deserialize_any(Members)
            }
        }
    };
}
pub(super) use object;

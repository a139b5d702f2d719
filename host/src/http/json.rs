//! The JSON of events, read in one pass: text is borrowed, what nobody asks for is passed over, null is as good as
//! nothing, and of a member that is there twice the last counts.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A string, which is part of the event unless it has an escape in it.
#[derive(Clone)]
pub struct Text<'a>(pub Cow<'a, str>);

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
pub struct Fields<'a>(pub Vec<(Text<'a>, Text<'a>)>);

impl Fields<'_> {
    /// A pair for each value.
    pub fn pairs(self) -> Vec<(String, String)> {
        let pairs = self.0.into_iter();
        pairs
            .map(|(name, value)| (name.into(), value.into()))
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

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some(name) = map.next_key()? {
                    map.next_value_seed(Values {
                        name,
                        fields: &mut fields,
                    })?;
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Members)
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
        self.fields.push((self.name, Text(Cow::Borrowed(text))));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let value = Text(Cow::Owned(text.to_owned()));
        self.fields.push((self.name, value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while let Some(value) = values.next_element::<Option<Text<'de>>>()? {
            let fields = value.map(|value| (self.name.clone(), value));
            self.fields.extend(fields);
        }
        Ok(())
    }
}

/// Declares what is read of an object: each field, its type, and the names that it goes by. All of it is optional.
macro_rules! object {
    (
        $(#[$about:meta])*
        $name:ident<$event:lifetime> {
            $($(#[$field_about:meta])* $field:ident: $type:ty = $($key:literal)|+;)*
        }
    ) => {
        $(#[$about])*
        #[derive(Default)]
        pub struct $name<$event> {
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
                from.deserialize_map(Members)
            }
        }
    };
}
pub(super) use object;

//! The types of values that serde does not have.

use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess,
};
use serde::de::{Unexpected, Visitor};

/// Returns a hint: the nearest of the known words, or all of them.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use {}", known.join(", ")),
    }
}

/// Returns the known word that is most like this word, if any is.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |known: &str| {
        let (word, known) = (word.to_lowercase(), known.to_lowercase());
        strsim::normalized_damerau_levenshtein(&word, &known)
    };
    known
        .iter()
        .map(|known| (likeness(known), *known))
        .filter(|(likeness, _)| *likeness > 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// Returns the line and the column of a place in a file, both from 1.
pub(super) fn position(file: &str, at: usize) -> (usize, usize) {
    let before = file.get(..at).unwrap_or(file);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// 1 KiB, in bytes.
pub(super) const KIB: u64 = 1024;
/// 1 MiB, in bytes.
pub(super) const MIB: u64 = 1024 * KIB;
/// 1 GiB, in bytes.
pub(super) const GIB: u64 = 1024 * MIB;

/// Reads a whole number from `MIN` to `MAX`.
pub(super) fn count<'de, const MIN: u64, const MAX: u64, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: From<usize>,
{
    let count = from.deserialize_any(Number { range: MIN..=MAX })?;
    Ok(T::from(usize::try_from(count).map_err(D::Error::custom)?))
}

/// Reads a size from `MIN` to `MAX` bytes.
pub(super) fn size<'de, const MIN: u64, const MAX: u64, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: From<usize>,
{
    let size = from.deserialize_any(Measure {
        what: "a size",
        example: "96MiB",
        units: &[("KiB", KIB), ("MiB", MIB), ("GiB", GIB)],
        range: MIN..=MAX,
    })?;
    Ok(T::from(usize::try_from(size).map_err(D::Error::custom)?))
}

/// Reads a time from `MIN` to `MAX` milliseconds.
pub(super) fn duration<'de, const MIN: u64, const MAX: u64, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: From<Duration>,
{
    let millis = from.deserialize_any(Measure {
        what: "a time",
        example: "50ms",
        units: &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)],
        range: MIN..=MAX,
    })?;
    Ok(T::from(Duration::from_millis(millis)))
}

struct Number {
    range: RangeInclusive<u64>,
}

impl Visitor<'_> for Number {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (self.range.start(), self.range.end());
        write!(f, "a whole number from {min} to {max}")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        let count = u64::try_from(number).ok();
        let count = count.filter(|count| self.range.contains(count));
        count.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
}

/// A number with a unit behind it.
struct Measure {
    what: &'static str,
    example: &'static str,
    /// The units, each with its factor.
    units: &'static [(&'static str, u64)],
    range: RangeInclusive<u64>,
}

impl Measure {
    /// Writes a value with the largest unit that it is a multiple of.
    fn show(&self, value: u64) -> String {
        let mut units = self.units.iter().rev();
        let unit = units.find(|(_, factor)| value.is_multiple_of(*factor));
        unit.map_or_else(
            || value.to_string(),
            |(name, factor)| format!("{}{name}", value / factor),
        )
    }
}

impl Visitor<'_> for Measure {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (self.show(*self.range.start()), self.show(*self.range.end()));
        let (what, example) = (self.what, self.example);
        write!(f, "{what} from {min} to {max}, such as \"{example}\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        let invalid = || E::invalid_value(Unexpected::Str(text), &self);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = (text[..digits].parse::<u64>(), text[digits..].trim());
        let number = number.map_err(|_| invalid())?;
        let Some((_, factor)) = self.units.iter().find(|(name, _)| *name == unit) else {
            if unit.is_empty() {
                return Err(invalid());
            }
            let names: Vec<&str> = self.units.iter().map(|(name, _)| *name).collect();
            let hint = suggestion(unit, &names);
            return Err(E::custom(format!("unknown unit `{unit}`\nhint: {hint}")));
        };
        let value = number.checked_mul(*factor);
        let value = value.filter(|value| self.range.contains(value));
        value.ok_or_else(invalid)
    }
}

/// Implements `Deserialize` by `FromStr`.
macro_rules! read_from_str {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(super) use read_from_str;

/// Reads a list of texts.
pub(super) fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    from.deserialize_any(List {
        seed: || PhantomData::<T>,
    })
}

/// Reads a list of texts that are each valid.
pub(super) fn texts<'de, D: Deserializer<'de>>(
    from: D,
    check: Check,
) -> Result<Vec<String>, D::Error> {
    from.deserialize_any(List {
        seed: || Valid(check),
    })
}

/// Checks a text. The error says what is wrong with it.
pub(super) type Check = fn(&str) -> Result<(), String>;

struct Valid(Check);

impl<'de> DeserializeSeed<'de> for Valid {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        let text = String::deserialize(from)?;
        (self.0)(&text).map_err(D::Error::custom)?;
        Ok(text)
    }
}

/// Reads one text or a list of texts.
pub(super) fn one_or_many<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct OneOrMany<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text, or a list of texts")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
            Ok(vec![T::deserialize(text.into_deserializer())?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Vec<T>, A::Error> {
            list(SeqAccessDeserializer::new(items))
        }
    }
    from.deserialize_any(OneOrMany(PhantomData))
}

struct List<F> {
    /// Makes what reads an item.
    seed: F,
}

impl<'de, F: Fn() -> S, S: DeserializeSeed<'de>> Visitor<'de> for List<F> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed((self.seed)())? {
            all.push(item);
        }
        Ok(all)
    }
}

/// Reads `true`, which is `T`'s default, `false`, which is `None`, or a table.
pub(super) fn flag_or_table<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    struct FlagOrTable<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for FlagOrTable<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true, false, or a table")
        }

        fn visit_bool<E: Error>(self, flag: bool) -> Result<Option<T>, E> {
            Ok(flag.then(T::default))
        }

        fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Option<T>, A::Error> {
            T::deserialize(MapAccessDeserializer::new(table)).map(Some)
        }
    }
    from.deserialize_any(FlagOrTable(PhantomData))
}

/// Returns what a word stands for.
///
/// # Errors
///
/// Returns an error if the word is unknown, with the nearest known word.
pub(super) fn word<T: Copy>(word: &str, known: &[(&str, T)]) -> Result<T, String> {
    let found = known.iter().find(|(name, _)| *name == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        format!("unknown value `{word}`\nhint: {}", suggestion(word, &names))
    })
}

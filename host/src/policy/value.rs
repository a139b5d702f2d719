//! What a key of the file says, read as what it has to be.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something in the file that is wrong: where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub at: Range<usize>,
    pub why: String,
}

/// What is read, or what is wrong with it.
pub type Said<T> = Result<T, Wrong>;

/// A key and its value.
#[derive(Debug)]
pub struct Entry<'a> {
    pub key: &'a str,
    at: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
}

/// A text in the file.
#[derive(Debug)]
pub struct Text<'a> {
    pub text: &'a str,
    at: Range<usize>,
}

const MIB: u64 = 1024 * 1024;

/// Which line of a file a place in it is in.
pub fn line(file: &str, at: usize) -> usize {
    file.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

impl<'a> Entry<'a> {
    /// The entries of a table.
    pub fn all(table: &'a DeTable<'a>) -> impl Iterator<Item = Self> {
        table.iter().map(|(key, value)| Self {
            key: key.get_ref().as_ref(),
            at: key.span(),
            value,
        })
    }

    /// Which line of the file it is in.
    pub fn line(&self, file: &str) -> usize {
        line(file, self.at.start)
    }

    /// That its value is wrong. `why` is what the key has to be.
    pub fn wrong(&self, why: impl Display) -> Wrong {
        Wrong {
            at: self.value.span(),
            why: format!("{} {why}", self.key),
        }
    }

    /// That there is no such key in `place`, where there are others.
    pub fn unknown(&self, place: &str, keys: &[&str]) -> Wrong {
        let (key, others) = (self.key, keys.join(", "));
        Wrong {
            at: self.at.clone(),
            why: match nearest(key, keys) {
                Some(known) => format!("{place} no key `{key}`; did you mean `{known}`?"),
                None => format!("{place} no key `{key}`; there are {others}"),
            },
        }
    }

    /// That its key is wrong, and why.
    pub fn wrong_key(&self, why: impl Display) -> Wrong {
        Wrong {
            at: self.at.clone(),
            why: why.to_string(),
        }
    }

    /// True or false.
    pub fn flag(&self) -> Said<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(self.wrong("is true or false")),
        }
    }

    /// A text; `example` is one that would do.
    pub fn text(&self, example: &str) -> Said<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong(format_args!("is a text, such as \"{example}\""))),
        }
    }

    /// A list of texts; `example` is one that would do.
    pub fn texts(&self, example: &str) -> Said<Vec<Text<'a>>> {
        let wrong = || self.wrong(format_args!("is a list of texts, such as [\"{example}\"]"));
        let DeValue::Array(list) = self.value.get_ref() else {
            return Err(wrong());
        };
        list.iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(Text {
                    text,
                    at: item.span(),
                }),
                _ => Err(wrong()),
            })
            .collect()
    }

    /// Reads a text or a list of texts.
    pub fn text_or_texts(&self, example: &str) -> Said<Vec<Text<'a>>> {
        if let DeValue::String(text) = self.value.get_ref() {
            let at = self.value.span();
            return Ok(vec![Text { text, at }]);
        }
        self.texts(example).map_err(|_| {
            self.wrong(format_args!(
                "is a text, such as \"{example}\", or a list of texts"
            ))
        })
    }

    /// A whole number.
    pub fn count(&self, range: RangeInclusive<usize>) -> Said<usize> {
        let count = match self.value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => usize::from_str(number.as_str()),
            _ => usize::from_str(""),
        };
        count
            .ok()
            .filter(|count| range.contains(count))
            .ok_or_else(|| {
                let (least, most) = range.into_inner();
                self.wrong(format_args!("is a whole number from {least} to {most}"))
            })
    }

    /// A size, in bytes.
    pub fn size(&self, range: RangeInclusive<usize>) -> Said<usize> {
        const UNITS: &[(&str, u64)] = &[("KiB", 1024), ("MiB", MIB), ("GiB", 1024 * MIB)];
        let bytes = self.measure("a size", "96MiB", UNITS)?;
        usize::try_from(bytes)
            .ok()
            .filter(|bytes| range.contains(bytes))
            .ok_or_else(|| {
                let (least, most) = (range.start() / 1024, range.end() / 1024 / 1024);
                self.wrong(format_args!("is a size from {least}KiB to {most}MiB"))
            })
    }

    /// A time.
    pub fn duration(&self, example: &str, range: RangeInclusive<Duration>) -> Said<Duration> {
        const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
        let time = Duration::from_millis(self.measure("a time", example, UNITS)?);
        if range.contains(&time) {
            return Ok(time);
        }
        let (least, most) = (range.start().as_millis(), range.end().as_secs());
        Err(self.wrong(format_args!("is a time from {least}ms to {most}s")))
    }

    /// A number with a unit behind it.
    fn measure(&self, what: &str, example: &str, units: &[(&str, u64)]) -> Said<u64> {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        let wrong = || {
            self.wrong(format_args!(
                "is {what} with its unit, such as \"{example}\""
            ))
        };
        let DeValue::String(text) = self.value.get_ref() else {
            return Err(wrong());
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = (text[..digits].parse(), text[digits..].trim());
        let number: u64 = number.map_err(|_| wrong())?;
        match units.iter().find(|(name, _)| *name == unit) {
            Some((_, factor)) => number.checked_mul(*factor).ok_or_else(wrong),
            None if unit.is_empty() => Err(wrong()),
            None => {
                let others = names.join(", ");
                let hint = nearest(unit, &names).map_or(format!("there are {others}"), |name| {
                    format!("did you mean `{name}`?")
                });
                Err(self.wrong(format_args!("has no unit `{unit}`; {hint}")))
            }
        }
    }

    /// The entries of the table that it is.
    pub fn table(&self) -> Said<Vec<Entry<'a>>> {
        match self.value.get_ref() {
            DeValue::Table(table) => Ok(Entry::all(table).collect()),
            _ => Err(self.wrong(format_args!("is a table: [{}]", self.key))),
        }
    }

    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    /// What it says, one of these words.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Said<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let text = self.text(names[0])?;
        let found = words.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            self.wrong(match nearest(text, &names) {
                Some(name) => format!("is not `{text}`; did you mean `{name}`?"),
                None => format!("is one of {}", names.join(", ")),
            })
        })
    }
}

impl Text<'_> {
    /// That it is wrong, and why.
    pub fn wrong(&self, why: impl Display) -> Wrong {
        Wrong {
            at: self.at.clone(),
            why: why.to_string(),
        }
    }
}

/// The known word that is most like this one, if any is.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
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

//! The query of a request, in its URI and in its record.

use super::budget::{self, Exceeded};
use super::json::{Fields, Text};
use super::percent::{self, Component, Encoding};

/// A query, as the event has it.
pub(super) enum Query<'a> {
    /// Whole, as the client sent it.
    Sent(Text<'a>),
    /// Its names and values, as the client sent them.
    SentPairs(Fields<'a>),
    /// Its names and values, decoded.
    Decoded(Fields<'a>),
}

impl Query<'_> {
    /// Returns the parameters, decoded.
    pub(super) fn parameters(&self) -> Result<Vec<(String, String)>, Exceeded> {
        match self {
            Self::Sent(query) => {
                let pairs = query.split('&').filter(|pair| !pair.is_empty());
                let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
                each(pairs, percent::decode)
            }
            Self::SentPairs(fields) => each(fields.texts(), percent::decode),
            Self::Decoded(fields) => each(fields.texts(), str::to_owned),
        }
    }

    /// Appends the query to a path.
    pub(super) fn push(&self, uri: &mut String) {
        let (fields, encoding) = match self {
            Self::Sent(query) if query.is_empty() => return,
            Self::Sent(query) => {
                uri.push('?');
                return percent::push(uri, query, Encoding::Sent, Component::Query);
            }
            Self::SentPairs(fields) => (fields, Encoding::Sent),
            Self::Decoded(fields) => (fields, Encoding::Decoded),
        };
        for (index, (name, value)) in fields.0.iter().enumerate() {
            uri.push(if index == 0 { '?' } else { '&' });
            percent::push(uri, name, encoding, Component::Name);
            uri.push('=');
            percent::push(uri, value, encoding, Component::Value);
        }
    }
}

impl Fields<'_> {
    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

fn each<'t>(
    pairs: impl Iterator<Item = (&'t str, &'t str)>,
    of: impl Fn(&str) -> String,
) -> Result<Vec<(String, String)>, Exceeded> {
    let mut all = Vec::new();
    for (name, value) in pairs {
        budget::check(name.len() + value.len())?;
        budget::push(&mut all, (of(name), of(value)))?;
    }
    Ok(all)
}

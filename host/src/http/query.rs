//! The query of a request: what its URI has, and what the record has.

use super::json::{Fields, Text};
use super::percent::{self, Coding, Place};

/// A query, as the event has it.
pub enum Query<'a> {
    /// Whole, as the client sent it.
    Sent(Text<'a>),
    /// Its names and values, as the client sent them.
    SentPairs(Fields<'a>),
    /// Its names and values, decoded.
    Decoded(Fields<'a>),
}

impl Query<'_> {
    /// The parameters, decoded.
    pub fn parameters(&self) -> Vec<(String, String)> {
        match self {
            Self::Sent(query) => query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (percent::decode(name), percent::decode(value))
                })
                .collect(),
            Self::SentPairs(fields) => fields.each(percent::decode),
            Self::Decoded(fields) => fields.each(str::to_owned),
        }
    }

    /// Appends the query to a path.
    pub fn push(&self, uri: &mut String) {
        let (fields, coding) = match self {
            Self::Sent(query) if query.is_empty() => return,
            Self::Sent(query) => {
                uri.push('?');
                return percent::push(uri, query, Coding::Sent, Place::Query);
            }
            Self::SentPairs(fields) => (fields, Coding::Sent),
            Self::Decoded(fields) => (fields, Coding::Decoded),
        };
        for (index, (name, value)) in fields.0.iter().enumerate() {
            uri.push(if index == 0 { '?' } else { '&' });
            percent::push(uri, name, coding, Place::Name);
            uri.push('=');
            percent::push(uri, value, coding, Place::Value);
        }
    }
}

impl Fields<'_> {
    fn each(&self, of: impl Fn(&str) -> String) -> Vec<(String, String)> {
        let fields = self.0.iter();
        fields.map(|(name, value)| (of(name), of(value))).collect()
    }
}

//! Texts of events and responses.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// A header's value as text: UTF-8, or Latin-1 where it is not, as RFC 9110, 5.5, says that it was once.
pub fn header_text(value: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}

/// Whether bytes are JSON.
pub fn is_json(bytes: &[u8]) -> bool {
    // The parser passes over strings without a look at what they are made of.
    str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// A text for a message: quoted, and only its beginning if it is long. Escaped, it may be ten times as large as it is.
pub fn quoted(text: &str) -> String {
    let beginning = beginning(text);
    let more = if beginning.len() < text.len() {
        " …"
    } else {
        ""
    };
    format!("{beginning:?}{more}")
}

/// As much of a text as a message repeats.
pub fn beginning(text: &str) -> &str {
    const LONGEST: usize = 200;
    &text[..text.floor_char_boundary(LONGEST)]
}

/// The first value of a header.
pub fn find<'h>(headers: &'h [(String, String)], wanted: &str) -> Option<&'h str> {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| &**value)
}

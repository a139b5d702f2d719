//! Texts of events and responses.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// Returns a header's value as text: UTF-8, or else Latin-1, which headers once had (RFC 9110, 5.5).
pub fn header_text(value: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}

/// Returns `true` if bytes are JSON.
pub fn is_json(bytes: &[u8]) -> bool {
    // The parser does not check the encoding of strings that it passes over.
    str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Quotes a text for a message, or its beginning if it is long. Escaped, a text may be ten times as large.
pub(super) fn quoted(text: &str) -> String {
    let beginning = beginning(text);
    let more = if beginning.len() < text.len() {
        " …"
    } else {
        ""
    };
    format!("{beginning:?}{more}")
}

/// Returns as much of a text as a message repeats.
pub(super) fn beginning(text: &str) -> &str {
    const MAX_LENGTH: usize = 200;
    &text[..text.floor_char_boundary(MAX_LENGTH)]
}

/// Returns the first value of a header.
pub(super) fn find<'h>(headers: &'h [(String, String)], wanted: &str) -> Option<&'h str> {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| &**value)
}

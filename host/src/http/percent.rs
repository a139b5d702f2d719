//! Percent-encoding, in paths and in queries.

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};

/// The encoding of a text in an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As the client sent it. Only characters that no URI may have are encoded.
    Sent,
    /// Decoded. The text is encoded again.
    Decoded,
}

/// The part of a URI that a text is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Component {
    Path,
    Query,
    /// A name in a query.
    Name,
    /// A value in a query.
    Value,
}

/// The largest URI that the host makes, in bytes, which is more than `http` takes. Event sources take far less.
const MAX_URI: usize = 64 * 1024;

/// The characters that parsers of URIs refuse. Clients send others that RFC 3986 does not allow, such as `[`, `|` and a `%` that
/// starts no escape.
const SENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'`');

// With the characters that end the part of the URI.
const SENT_PATH: &AsciiSet = &SENT.add(b'?');
const SENT_VALUE: &AsciiSet = &SENT.add(b'&');
const SENT_NAME: &AsciiSet = &SENT_VALUE.add(b'=');

/// RFC 3986, `unreserved`: the names and values of a query.
const DECODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// RFC 3986, `pchar` and `/`.
const DECODED_PATH: &AsciiSet = &DECODED
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// Appends a text, encoded, or the beginning of a text that is too long for a URI.
pub(super) fn push(uri: &mut String, text: &str, encoding: Encoding, component: Component) {
    if uri.len() > MAX_URI {
        return;
    }
    let encoded = match (encoding, component) {
        (Encoding::Sent, Component::Path) => SENT_PATH,
        (Encoding::Sent, Component::Query) => SENT,
        (Encoding::Sent, Component::Name) => SENT_NAME,
        (Encoding::Sent, Component::Value) => SENT_VALUE,
        (Encoding::Decoded, Component::Path) => DECODED_PATH,
        (Encoding::Decoded, _) => DECODED,
    };
    // One byte more, so that a URI that was cut is still too long.
    let text = &text[..text.ceil_char_boundary(MAX_URI + 1)];
    uri.extend(utf8_percent_encode(text, encoded));
}

/// Decodes a name or a value in a query (<https://url.spec.whatwg.org/#urlencoded-parsing>): `+` is a space, an invalid escape
/// stays, and bytes that are not UTF-8 become U+FFFD.
pub(super) fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

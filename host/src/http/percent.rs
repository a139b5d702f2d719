//! Percent-encoding, in paths and in queries.

/// What a text of an event is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As the client sent it: it is left alone, but for characters that no URI may have.
    Sent,
    /// Decoded: it is encoded again.
    Decoded,
}

/// Where a text goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    /// A name in a query.
    Name,
    /// A value in a query.
    Value,
}

/// How long a URI may be that the host makes, in bytes, which is more than what `http` takes. Event sources take far less.
const LONGEST: usize = 64 * 1024;

/// Appends a text, encoded, or the beginning of one that is too long for a URI.
pub fn push(uri: &mut String, text: &str, coding: Coding, place: Place) {
    for byte in text.bytes() {
        if uri.len() > LONGEST {
            return;
        }
        let stays = match coding {
            Coding::Sent => is_sendable(byte, place),
            Coding::Decoded => is_plain(byte, place),
        };
        if stays {
            uri.push(char::from(byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            uri.push('%');
            uri.push(char::from(DIGITS[usize::from(byte >> 4)]));
            uri.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// Clients send more than RFC 3986 allows, such as `[`, `|` and a `%` that starts no escape, which arrives as it is; what parsers
/// of URIs refuse, and what would end the place that it is in, does not.
fn is_sendable(byte: u8, place: Place) -> bool {
    let ends = match place {
        Place::Path => byte == b'?',
        Place::Query => false,
        Place::Name => byte == b'&' || byte == b'=',
        Place::Value => byte == b'&',
    };
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'`') && !ends
}

/// RFC 3986: `pchar` and `/` in a path, `unreserved` in a query's names and values.
fn is_plain(byte: u8, place: Place) -> bool {
    let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    unreserved || (place == Place::Path && b"!$&'()*+,;=:@/".contains(&byte))
}

/// Decodes a name or a value in a query, as <https://url.spec.whatwg.org/#urlencoded-parsing> has it: `+` is a space, an
/// escape that is none stays, and bytes that are no UTF-8 become U+FFFD.
pub fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

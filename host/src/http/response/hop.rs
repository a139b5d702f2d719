//! Headers of one connection, which a front door's is not: RFC 9110, 7.6.1.

use std::collections::BTreeSet;

/// Whether a header is about the connection that it came over. Passed on, it would tell the next one what is not so: the front
/// doors have connections of their own on both sides.
fn is_of_hop(name: &str) -> bool {
    [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
    .iter()
    .any(|of_hop| name.eq_ignore_ascii_case(of_hop))
}

/// Tells which headers of a message go on: not those of the connection, with whatever else `Connection` names.
pub struct OnwardHeaders {
    named: BTreeSet<String>,
    length: Length,
}

/// Which `Content-Length` goes on.
enum Length {
    Any,
    /// This one, once: RFC 9110, 8.6. By another, whoever reads the message would wait for more, or take the rest for the next one.
    Only(Option<String>),
}

impl OnwardHeaders {
    /// For a message with these headers.
    pub fn of(headers: &[(String, String)]) -> Self {
        let named = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
            .flat_map(|(_, value)| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        Self {
            named,
            length: Length::Any,
        }
    }

    /// Without a `Content-Length` that is not this one.
    pub fn with_length(self, length: usize) -> Self {
        Self {
            length: Length::Only(Some(length.to_string())),
            ..self
        }
    }

    /// Whether the next of the headers goes on.
    pub fn has(&mut self, name: &str, value: &str) -> bool {
        let is_named = || self.named.contains(&name.to_ascii_lowercase());
        if is_of_hop(name) || (!self.named.is_empty() && is_named()) {
            return false;
        }
        match &mut self.length {
            Length::Only(length) if name.eq_ignore_ascii_case("content-length") => {
                length.take_if(|length| length == value).is_some()
            }
            _ => true,
        }
    }
}

//! Bodies to be echoed.

/// The repeated part of bodies of JSON.
const RECORD: &str =
    r#"{"id":4711,"name":"developer","tags":["a","b"],"note":"Hello, developer!"},"#;
/// Three bytes that are not text, in base64.
const TRIPLE: &str = "++++";

/// The kind of a body.
#[derive(Clone, Copy)]
pub enum Kind {
    /// JSON, as text in the event's own JSON.
    Text,
    /// Bytes that are not text, in base64 in the event.
    Binary,
}

impl Kind {
    /// The request's `content-type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "application/json",
            Self::Binary => "application/octet-stream",
        }
    }

    /// Whether an event has it as base64.
    pub fn is_base64(self) -> bool {
        matches!(self, Self::Binary)
    }

    /// A body as an event has it, and how many bytes it is: `bytes`, if it then fits in `room` bytes of JSON.
    pub fn body(self, bytes: usize, room: usize) -> (String, usize) {
        match self {
            Self::Text => {
                let mut left = room;
                let fitting = RECORD.chars().cycle().take(bytes).take_while(|character| {
                    let needed = if *character == '"' { 2 } else { 1 };
                    let fits = needed <= left;
                    left = left.saturating_sub(needed);
                    fits
                });
                let body: String = fitting.collect();
                let bytes = body.len();
                (body, bytes)
            }
            Self::Binary => {
                let triples = (bytes / 3).min(room / TRIPLE.len());
                (TRIPLE.repeat(triples), 3 * triples)
            }
        }
    }
}

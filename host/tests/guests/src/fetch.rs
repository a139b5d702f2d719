//! A request that a component is asked to send, and what came of it.

use serde_json::{Value, json};

use crate::url_parts;

/// How much of an answer's body is told, in bytes.
const KEPT: usize = 64 * 1024;

/// What `/fetch` is asked for, as JSON: `url`, and perhaps `method`, `headers` (an object of texts), `body`, `times` (how
/// often the body is sent), `body_ms` (what it waits before), `connect_ms`, `first_ms` and `between_ms`.
pub struct Fetch(Value);

impl Fetch {
    /// Reads it.
    pub fn parse(body: &[u8]) -> Self {
        Self(serde_json::from_slice(body).unwrap())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    /// `https` or not, the authority, and the path with the query.
    pub fn url(&self) -> (bool, &str, &str) {
        url_parts(self.text("url").unwrap())
    }

    /// The method's name.
    pub fn method(&self) -> String {
        self.text("method").unwrap_or("GET").to_owned()
    }

    /// The headers.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let headers = self.0["headers"].as_object().into_iter().flatten();
        headers
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().as_bytes().to_vec()))
            .collect()
    }

    /// The pieces of the body.
    pub fn pieces(&self) -> impl Iterator<Item = Vec<u8>> + 'static {
        let piece = self.text("body").map(|body| body.as_bytes().to_vec());
        let times = self.0["times"].as_u64().unwrap_or(1) as usize;
        piece.into_iter().flat_map(move |piece| vec![piece; times])
    }

    /// A time in nanoseconds, by its name.
    pub fn time(&self, name: &str) -> Option<u64> {
        Some(self.0[name].as_u64()? * 1_000_000)
    }
}

/// What came back so far.
#[derive(Default)]
pub struct Fetched {
    pub status: Option<u16>,
    pub headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    length: usize,
    pub error: Option<String>,
    /// Whether all of the request's body was taken.
    pub written: bool,
}

impl Fetched {
    /// Takes a piece of the body.
    pub fn take(&mut self, piece: &[u8]) {
        self.length += piece.len();
        let room = KEPT.saturating_sub(self.body.len());
        self.body.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// All of it.
    pub fn json(&self) -> Vec<u8> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = self.headers.iter();
        json!({
            "status": self.status,
            "headers": headers.map(|(name, value)| json!([name, text(value)])).collect::<Value>(),
            "body": text(&self.body),
            "length": self.length,
            "error": self.error,
            "written": self.written,
        })
        .to_string()
        .into_bytes()
    }
}

//! The details of an entry: the event, the response, the log and the parts.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_emulator::Post;
use lambda_wasm_emulator::runtime_api::HTTP_INTEGRATION;
use serde_json::{Value, json};

use super::Entry;
use crate::dev::{explain, requests};
use crate::testing::response;

/// The most bytes of a response that are kept, and of a log: a stream may have no end.
const MOST_RESPONSE: usize = 6 * 1024 * 1024;
const MOST_LOG: usize = 256 * 1024;

/// The most outgoing requests of an invocation that are kept.
const MOST_REQUESTS: usize = 200;

/// The most pieces of a stream whose times are kept.
const MOST_PIECES: usize = 1000;

#[derive(Debug)]
pub struct Details {
    pub event: Bytes,
    pub response: Option<Response>,
    log: Vec<u8>,
    pub notes: Vec<String>,
    /// Each with its beginning and end, after the beginning of the entry.
    pub parts: Vec<(&'static str, Duration, Duration)>,
    requests: Vec<Request>,
}

/// An outgoing request.
#[derive(Debug)]
struct Request {
    begun: Duration,
    ended: Option<Duration>,
    /// As it began. Its result is the one of the end.
    event: requests::Event,
}

/// A response of a function, as it posted it.
#[derive(Debug)]
pub struct Response {
    has_prelude: bool,
    body: Vec<u8>,
    /// The length with the bytes that are not kept.
    length: usize,
    /// The pieces of a stream: when each came, and the length of the body before and after it.
    pieces: Option<Vec<(Duration, usize, usize)>>,
}

impl Details {
    pub fn new(event: Bytes) -> Self {
        Self {
            event,
            response: None,
            log: Vec::new(),
            notes: Vec::new(),
            parts: Vec::new(),
            requests: Vec::new(),
        }
    }

    pub fn log(&mut self, lines: &[u8]) {
        let space = MOST_LOG.saturating_sub(self.log.len());
        self.log.extend_from_slice(&lines[..lines.len().min(space)]);
    }

    /// The bytes that the details hold, about.
    pub fn bytes(&self) -> usize {
        let response = self.response.as_ref().map_or(0, |response| {
            let pieces = response.pieces.as_deref();
            response.body.len() + pieces.map_or(0, size_of_val)
        });
        let of_request = |request: &Request| {
            let event = &request.event;
            let texts = [&event.unsigned, &event.result].into_iter().flatten();
            size_of::<Request>() + event.url.len() + texts.map(String::len).sum::<usize>()
        };
        self.event.len()
            + self.log.len()
            + response
            + self.requests.iter().map(of_request).sum::<usize>()
            + self.notes.iter().map(String::len).sum::<usize>()
    }

    /// Adds an event of an outgoing request, at this time after the beginning of the entry.
    pub fn requested(&mut self, at: Duration, event: requests::Event) {
        let same = |known: &&mut Request| known.event.number == event.number;
        if let Some(known) = self.requests.iter_mut().find(same) {
            known.ended = Some(at);
            known.event.result = event.result;
        } else if self.requests.len() < MOST_REQUESTS {
            self.requests.push(Request {
                begun: at,
                ended: event.result.is_some().then_some(at),
                event,
            });
        }
    }

    /// Adds a piece of a stream.
    pub fn piece(&mut self, at: Duration, bytes: &[u8]) {
        if let Some(response) = &mut self.response {
            response.add(at, bytes);
        }
    }
}

impl Response {
    /// A response that came whole.
    pub fn whole(post: &Post) -> Self {
        let mut response = Self::new(&post.headers);
        response.length = post.body.len();
        response.body = post.body.to_vec();
        response
    }

    /// A response of which no piece has come yet.
    pub fn streamed(headers: &HeaderMap) -> Self {
        let mut response = Self::new(headers);
        response.pieces = Some(Vec::new());
        response
    }

    fn new(headers: &HeaderMap) -> Self {
        let content_type = headers.get("content-type");
        Self {
            has_prelude: content_type.is_some_and(|value| value == HTTP_INTEGRATION),
            body: Vec::new(),
            length: 0,
            pieces: None,
        }
    }

    fn add(&mut self, at: Duration, bytes: &[u8]) {
        let space = MOST_RESPONSE.saturating_sub(self.body.len());
        self.body
            .extend_from_slice(&bytes[..bytes.len().min(space)]);
        let before = self.length;
        self.length += bytes.len();
        let pieces = self.pieces.get_or_insert_default();
        if pieces.len() < MOST_PIECES {
            pieces.push((at, before, self.length));
        }
    }

    /// Parses the response.
    pub fn parse(&self) -> response::Response {
        response::Response::parse(&self.body, self.has_prelude)
    }

    fn to_json(&self) -> Value {
        let is_cut = self.length > self.body.len();
        let mut json = match self.parse() {
            response::Response::Http(http) => json!({
                "status": http.status,
                "headers": http.headers,
                "body": body(&http.body),
                "length": if is_cut { self.length } else { http.body.len() },
            }),
            response::Response::Other(_) => {
                json!({ "body": body(&self.body), "length": self.length })
            }
        };
        json["isCut"] = is_cut.into();
        if let Some(pieces) = &self.pieces {
            let piece = |(at, from, to): &(Duration, usize, usize)| {
                let kept = self.body.get(*from..(*to).min(self.body.len()));
                json!({ "at": ms(*at), "length": to - from, "body": kept.map(body) })
            };
            json["pieces"] = pieces.iter().map(piece).collect();
        }
        json
    }
}

/// Returns bytes as text, or in base64.
fn body(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

impl Entry {
    /// Returns the summary and the details.
    pub fn to_json(&self) -> Value {
        let mut json = self.summary();
        if let Some(failure) = &self.failure {
            json["failure"] = json!({
                "type": failure.kind,
                "message": failure.message,
                "stackTrace": failure.trace,
                "remedy": explain::remedy(&failure.kind),
            });
        }
        let Some(details) = &self.details else {
            return json;
        };
        let parts = details.parts.iter().map(
            |(name, start, end)| json!({ "name": name, "start": ms(*start), "end": ms(*end) }),
        );
        // An end that was not told: dev was late.
        let unknown = self.has_ended().then_some("not known");
        let requests = details.requests.iter().map(|request| {
            let event = &request.event;
            json!({
                "method": event.method,
                "url": event.url,
                "signed": event.signed,
                "unsigned": event.unsigned,
                "result": event.result.as_deref().or(unknown),
                "start": ms(request.begun),
                "end": request.ended.map(ms),
            })
        });
        json["details"] = json!({
            "event": String::from_utf8_lossy(&details.event),
            "response": details.response.as_ref().map(Response::to_json),
            "log": String::from_utf8_lossy(&details.log),
            "notes": details.notes,
            "parts": parts.collect::<Vec<_>>(),
            "requests": requests.collect::<Vec<_>>(),
        });
        json
    }
}

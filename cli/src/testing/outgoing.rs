//! The outgoing requests that a case expects: a server on this machine answers them in place of their origins.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::difference;
use super::json::json;

/// The longest first line of a connection: an origin, whose name has at most 253 bytes.
const MAX_ORIGIN: usize = 512;

/// A request that a case expects, and its response.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    #[serde(default = "get")]
    method: String,
    /// The whole URL, in which `*` stands for any text.
    url: String,
    /// Headers of the request, as `url` is written.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body of the request: its text, or JSON that it has to contain.
    #[serde(default, deserialize_with = "json")]
    body: Option<Value>,
    /// Whether the function may leave the request out.
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    response: Answer,
}

/// The response to an expected request.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    /// The body: a text, or a value to send as JSON.
    #[serde(deserialize_with = "json")]
    body: Option<Value>,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 200,
            headers: BTreeMap::new(),
            body: None,
        }
    }
}

fn get() -> String {
    "GET".to_owned()
}

/// A request that a function has sent.
struct Sent {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Outgoing {
    /// Checks that the request can be sent and that the response can be made.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is wrong.
    pub fn check(&self) -> Result<()> {
        let url = &self.url;
        if !url.contains("://") && !url.starts_with('*') {
            bail!("{url:?} is not a URL\nhint: write the scheme too, such as https://{url}");
        }
        let response = self.response.build();
        response.with_context(|| format!("the response to {url} is not valid"))?;
        Ok(())
    }

    /// Whether a request has this method and this URL.
    fn is_for(&self, sent: &Sent) -> bool {
        let has_path = |rest: &str| rest.contains(['/', '*']);
        let url = match self.url.split_once("://") {
            Some((_, rest)) if !has_path(rest) => format!("{}/", self.url),
            _ => self.url.clone(),
        };
        self.method.eq_ignore_ascii_case(&sent.method) && matches(&url, &sent.url)
    }

    /// Returns what else of a request is not as expected.
    fn differences(&self, place: &str, sent: &Sent) -> Vec<String> {
        let mut found = Vec::new();
        for (name, expected) in &self.headers {
            let actual = sent.headers.get(&name.to_lowercase());
            if !actual.is_some_and(|actual| matches(expected, actual)) {
                let path = format!("{place}.headers.{name}");
                let actual = actual.map_or("none".to_owned(), |actual| difference::quoted(actual));
                found.push(difference::difference(
                    &path,
                    &difference::quoted(expected),
                    &actual,
                ));
            }
        }
        if let Some(expected) = &self.body {
            difference::body(&format!("{place}.body"), expected, &sent.body, &mut found);
        }
        found
    }
}

impl Answer {
    fn build(&self) -> Result<Response<Full<Bytes>>> {
        let is_set = |name: &str| {
            self.headers
                .keys()
                .any(|key| key.eq_ignore_ascii_case(name))
        };
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let body = match &self.body {
            None => Bytes::new(),
            Some(Value::String(text)) => text.clone().into(),
            Some(value) => {
                if !is_set(CONTENT_TYPE.as_str()) {
                    response = response.header(CONTENT_TYPE, "application/json");
                }
                value.to_string().into()
            }
        };
        Ok(response.body(Full::new(body))?)
    }
}

/// Whether a text is like a pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(end)
}

/// Answers the requests of one case. Dropping the value ends the connections.
pub struct Origins {
    pub address: SocketAddr,
    expected: Arc<Expected>,
    _connections: JoinSet<()>,
}

/// The expected requests, and what was sent.
struct Expected {
    all: Vec<Outgoing>,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    /// The positions of the requests that were sent.
    sent: Vec<usize>,
    /// The requests that were sent and are not expected, as text for people.
    unexpected: Vec<String>,
}

impl Origins {
    /// Starts to answer requests.
    ///
    /// # Errors
    ///
    /// Returns an error if this machine has no free port.
    pub async fn start(expected: &[Outgoing]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("no port for outgoing requests can be had")?;
        let address = listener.local_addr()?;
        let expected = Arc::new(Expected {
            all: expected.to_vec(),
            record: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        let shared = expected.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // A function that drops its request ends the connection.
                connections.spawn(serve(stream, shared.clone()));
            }
        });
        Ok(Self {
            address,
            expected,
            _connections: tasks,
        })
    }

    /// Returns the requests that were not expected, and the expected requests that were not sent.
    pub fn differences(&self) -> Vec<String> {
        let record = self.expected.record.lock();
        let record = record.unwrap_or_else(PoisonError::into_inner);
        let mut found = record.unexpected.clone();
        for (position, outgoing) in self.expected.all.iter().enumerate() {
            if !outgoing.optional && !record.sent.contains(&position) {
                let Outgoing { method, url, .. } = outgoing;
                found.push(format!(
                    "outgoing.{position}\n  was not sent: {method} {url}"
                ));
            }
        }
        found
    }
}

/// Serves a connection: its first line is the origin that the requests are for.
async fn serve(mut stream: TcpStream, expected: Arc<Expected>) -> Option<()> {
    let mut origin = Vec::new();
    while !origin.ends_with(b"\r\n") && origin.len() < MAX_ORIGIN {
        origin.push(stream.read_u8().await.ok()?);
    }
    let origin = String::from_utf8(origin).ok()?.trim_end().to_owned();
    let service = service_fn(|request| {
        let (origin, expected) = (origin.clone(), expected.clone());
        async move { Ok::<_, Infallible>(expected.answer(&origin, request).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    connection.await.ok()
}

impl Expected {
    async fn answer(&self, origin: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &head.headers {
            let value = text(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|values| *values = format!("{values}, {value}"))
                .or_insert(value);
        }
        let sent = Sent {
            method: head.method.to_string(),
            url: format!("{origin}{}", head.uri),
            headers,
            body: text(&body.unwrap_or_default()),
        };
        let answer = self.find(&sent).map(|outgoing| outgoing.response.build());
        match answer {
            Some(Ok(response)) => response,
            _ => {
                let body = "the test does not expect this request";
                let mut response = Response::new(Full::new(body.into()));
                *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
                response
            }
        }
    }

    /// Returns the entry for a request: of several that fit, the first that was not sent, or else the last.
    fn find(&self, sent: &Sent) -> Option<&Outgoing> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let mut near = Vec::new();
        let mut fitting = None;
        for (position, outgoing) in self.all.iter().enumerate() {
            if !outgoing.is_for(sent) {
                continue;
            }
            let place = format!("outgoing.{position}");
            let differences = outgoing.differences(&place, sent);
            if !differences.is_empty() {
                near.extend(differences);
                continue;
            }
            fitting = Some(position);
            if !record.sent.contains(&position) {
                break;
            }
        }
        match fitting {
            Some(position) => record.sent.push(position),
            None => {
                let Sent { method, url, .. } = sent;
                let mut text = format!("outgoing\n  does not expect: {method} {url}");
                for difference in near {
                    text.push_str("\n  ");
                    text.push_str(&difference.replace('\n', "\n  "));
                }
                record.unexpected.push(text);
            }
        }
        fitting.map(|position| &self.all[position])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("a*", "abc"),
            ("*c", "abc"),
            ("a*b*c", "a1b2b3c"),
            ("https://*/users/*?x=1", "https://a.example/users/7?x=1"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*a", "a"), ("*b", "abc"), ("a*b*b", "ab")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}

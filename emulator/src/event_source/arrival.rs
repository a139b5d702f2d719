//! The metadata that an event source adds to a request.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use jiff::Timestamp;
use uuid::Uuid;

/// The arrival of a request.
#[derive(Clone)]
pub(super) struct Arrival {
    pub source_ip: IpAddr,
    pub time: Timestamp,
    pub request_id: String,
    /// The root of its trace.
    pub trace_id: String,
}

impl Arrival {
    /// Creates the arrival of a client's request with these headers, now.
    pub fn now(client: SocketAddr, headers: &HeaderMap) -> Self {
        let time = Timestamp::now();
        Self {
            source_ip: client.ip(),
            time,
            request_id: Uuid::new_v4().to_string(),
            trace_id: trace_id(headers, time),
        }
    }

    /// Returns the time in the format of events, such as `09/Apr/2026:12:34:56 +0000`.
    pub fn clock(&self) -> String {
        self.time.strftime("%d/%b/%Y:%H:%M:%S %z").to_string()
    }

    /// Returns the time in milliseconds since 1970.
    pub fn epoch_ms(&self) -> i64 {
        self.time.as_millisecond()
    }

    /// Returns all headers with all their values, and the headers that event sources add. The names are in
    /// lower case.
    pub fn headers(&self, sent: &HeaderMap) -> BTreeMap<String, Vec<String>> {
        let mut headers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (name, value) in sent {
            let values = headers.entry(name.to_string()).or_default();
            values.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
        let forwarded = headers.entry("x-forwarded-for".to_owned()).or_default();
        let mut chain = std::mem::take(forwarded);
        chain.push(self.source_ip.to_string());
        forwarded.push(chain.join(", "));
        let port = headers.get("host").and_then(|host| {
            let (_, port) = host.first()?.rsplit_once(':')?;
            Some(port.to_owned())
        });
        let mut add = |name: &str, value: String| headers.insert(name.to_owned(), vec![value]);
        add("x-forwarded-port", port.unwrap_or_else(|| "80".to_owned()));
        add("x-forwarded-proto", "http".to_owned());
        add("x-amzn-trace-id", self.trace_id.clone());
        headers
    }
}

/// Returns the root of the client's trace, or of a new trace.
fn trace_id(headers: &HeaderMap, now: Timestamp) -> String {
    let sent = headers.get("x-amzn-trace-id");
    let sent = sent.and_then(|value| value.to_str().ok());
    let root = sent.and_then(|value| value.split(';').find(|part| part.starts_with("Root=")));
    root.map(str::to_owned).unwrap_or_else(|| {
        let random = &Uuid::new_v4().simple().to_string()[..24];
        format!("Root=1-{:08x}-{random}", now.as_second())
    })
}

/// Parses the names and values of a query, decoded. A name may have several values.
pub(super) fn query(query: &str) -> BTreeMap<String, Vec<String>> {
    let mut map: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        map.entry(name.into_owned())
            .or_default()
            .push(value.into_owned());
    }
    map
}

/// Returns the value of a header, if it is text.
pub(super) fn text(
    headers: &HeaderMap,
    name: impl axum::http::header::AsHeaderName,
) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

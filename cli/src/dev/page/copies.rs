//! An invocation as a command or a test, to copy.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::dev::event_source;
use crate::dev::failure::Failure;
use crate::dev::history::Details;
use crate::testing::response::Response;

/// The headers that curl or the event source adds, in lower case.
const ADDED: [&str; 9] = [
    "content-length",
    "connection",
    "host",
    "transfer-encoding",
    "accept-encoding",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// Returns a curl command that has the function invoked with the same event: the request that the event is about, if that was
/// sent to this machine, or else a request of the Invoke API.
pub(super) fn curl(
    function: &str,
    details: &Details,
    gateway: SocketAddr,
    url: Option<SocketAddr>,
) -> String {
    let text = String::from_utf8_lossy(&details.event);
    let event: Value = serde_json::from_str(&text).unwrap_or_default();
    let source = event_source::describe(&details.event).source;
    let address = match source {
        "HTTP API" | "REST API" => Some(gateway),
        "Function URL" => url,
        _ => None,
    };
    if let Some(request) = Request::of(&event, address) {
        return request.curl();
    }
    let function = function.replace(' ', "%20");
    let url = format!("http://{gateway}/2015-03-31/functions/{function}/invocations");
    format!("curl {} --data-raw {}", quoted(&url), quoted(&text))
}

/// An HTTP request, as an event tells it.
struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// Returns the request of an event that is about one, with an address for events from elsewhere.
    fn of(event: &Value, address: Option<SocketAddr>) -> Option<Self> {
        let http = &event["requestContext"]["http"];
        let method = http["method"].as_str().or(event["httpMethod"].as_str())?;
        let path = event["rawPath"].as_str().or(event["path"].as_str())?;
        let headers = headers(event);
        let host = headers.iter().find(|(name, _)| name == "host");
        let host = host.map(|(_, value)| value.clone());
        let host = host
            .filter(|host| is_local(host))
            .or(address.map(|address| address.to_string()))?;
        let query = query(event);
        let separator = if query.is_empty() { "" } else { "?" };
        let body = event["body"].as_str().filter(|body| !body.is_empty());
        Some(Self {
            method: method.to_owned(),
            url: format!("http://{host}{}{separator}{query}", encoded(path)),
            headers: headers
                .into_iter()
                .filter(|(name, _)| !ADDED.contains(&&**name))
                .collect(),
            body: body.map(|body| match event["isBase64Encoded"] == true {
                true => STANDARD.decode(body).unwrap_or_default(),
                false => body.as_bytes().to_vec(),
            }),
        })
    }

    fn curl(&self) -> String {
        // A query may have brackets, and a body may start with `@`.
        let mut command = "curl -g".to_owned();
        let default = if self.body.is_some() { "POST" } else { "GET" };
        match self.method.as_str() {
            "HEAD" => command += " --head",
            method if method == default => {}
            method => command += &format!(" -X {method}"),
        }
        command += &format!(" {}", quoted(&self.url));
        for (name, value) in &self.headers {
            command += &format!(" -H {}", quoted(&format!("{name}: {value}")));
        }
        match self
            .body
            .as_deref()
            .map(|body| (std::str::from_utf8(body), body))
        {
            None => command,
            Some((Ok(text), _)) => format!("{command} --data-raw {}", quoted(text)),
            Some((Err(_), bytes)) => {
                let text = STANDARD.encode(bytes);
                format!("printf %s {text} | base64 -d | {command} --data-binary @-")
            }
        }
    }
}

/// Returns all headers of an event with all their values, with names in lower case.
fn headers(event: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut headers = Vec::new();
    if let Some(lists) = event["multiValueHeaders"].as_object() {
        for (name, values) in lists {
            let values = values.as_array().into_iter().flatten().filter_map(text);
            headers.extend(values.map(|value| (name.to_lowercase(), value)));
        }
    } else {
        let single = event["headers"].as_object().into_iter().flatten();
        headers
            .extend(single.filter_map(|(name, value)| Some((name.to_lowercase(), text(value)?))));
        let cookies = event["cookies"].as_array().into_iter().flatten();
        let cookies: Vec<_> = cookies.filter_map(Value::as_str).collect();
        if !cookies.is_empty() {
            headers.push(("cookie".to_owned(), cookies.join("; ")));
        }
    }
    headers
}

/// Returns the query of an event, encoded.
fn query(event: &Value) -> String {
    if let Some(raw) = event["rawQueryString"].as_str() {
        return raw.to_owned();
    }
    let multi = event["multiValueQueryStringParameters"].as_object();
    let single = event["queryStringParameters"].as_object();
    let mut pairs = Vec::new();
    for (name, value) in multi.or(single).into_iter().flatten() {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        for value in values.iter().filter_map(Value::as_str) {
            pairs.push(match event["requestContext"].get("elb") {
                // A load balancer does not decode them.
                Some(_) => format!("{name}={value}"),
                None => format!("{}={}", encoded(name), encoded(value)),
            });
        }
    }
    pairs.join("&")
}

/// Whether a host is this machine.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost")
}

/// Encodes the bytes that a URL does not take as they are. An event may have the path encoded already.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b'%'
            | b'@'
            | b':'
            | b','
            | b';'
            | b'$'
            | b'!' => encoded.push(char::from(byte)),
            byte => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

/// Returns a command of this tool that invokes the function with the event.
pub(super) fn invoke(function: &str, details: &Details) -> String {
    let event = String::from_utf8_lossy(&details.event);
    let (event, function) = (quoted(&event), quoted(function));
    format!("printf %s {event} | lambda-wasm invoke {function} --event -")
}

/// Returns the text of a file in `tests/`, which expects the outcome of this invocation. Returns `None` for an event that is not
/// JSON: a test has it in a file.
pub(super) fn test(function: &str, details: &Details, failure: Option<&Failure>) -> Option<String> {
    let event: Value = serde_json::from_slice(&details.event).ok()?;
    let described = event_source::describe(&details.event);
    let name = format!("{} {}", described.source, described.what);
    let mut test = Map::new();
    test.insert("name".to_owned(), name.trim().into());
    test.insert("function".to_owned(), function.into());
    test.insert("event".to_owned(), event);
    match (failure, &details.response) {
        (Some(failure), _) => {
            let error = match failure.kind.as_str() {
                "" => json!({ "message": failure.message }),
                kind => json!({ "type": kind }),
            };
            test.insert("error".to_owned(), error);
        }
        (None, Some(response)) => match response.parse() {
            Response::Http(http) => {
                if let Some(status) = http.status {
                    test.insert("status".to_owned(), status.into());
                }
                let text = || std::str::from_utf8(&http.body).ok().map(Value::from);
                if let Some(body) = http.body_json().or_else(text) {
                    test.insert("body".to_owned(), body);
                }
            }
            Response::Other(value) => {
                test.insert("response".to_owned(), value);
            }
        },
        (None, None) => {}
    }
    serde_json::to_string_pretty(&json!({ "test": [test] })).ok()
}

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,%+".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests;

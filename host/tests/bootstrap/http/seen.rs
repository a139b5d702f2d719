//! What the guest `http_seen` saw, and how it is told to answer.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_emulator::{Invocation, Outcome};
use lambda_wasm_test_support::Host;
use serde_json::{Value, json};

/// Names of the headers that the host alone makes.
pub const REQUEST_CONTEXT: &str = "x-amzn-request-context";
pub const LAMBDA_CONTEXT: &str = "x-amzn-lambda-context";

/// A request, as the guest got it.
#[derive(Debug, PartialEq)]
pub struct Seen {
    pub method: String,
    /// The scheme and the authority.
    pub origin: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    /// Reads the answer to an event, which is JSON for each of the event sources.
    #[track_caller]
    pub fn of(outcome: Outcome) -> Self {
        let answer = outcome.response().json();
        assert_eq!(
            (&answer["statusCode"], &answer["isBase64Encoded"]),
            (&json!(200), &json!(false))
        );
        let seen: Value = serde_json::from_str(text(&answer["body"])).unwrap();
        let pairs = seen["headers"].as_array().unwrap().iter();
        Self {
            method: text(&seen["method"]).to_owned(),
            origin: format!("{}://{}", text(&seen["scheme"]), text(&seen["authority"])),
            target: text(&seen["path_with_query"]).to_owned(),
            headers: pairs.map(pair).collect(),
            body: STANDARD.decode(text(&seen["body"])).unwrap(),
        }
    }

    /// Sends an event, and checks and takes out what the host tells of it in headers of its own.
    #[track_caller]
    pub fn of_event(host: &Host, event: &Value) -> Self {
        let invocation = Invocation::new(event.to_string()).request_id("the-request");
        let mut seen = Self::of(host.api.invoke(invocation));
        let contexts: Vec<_> = seen
            .take(REQUEST_CONTEXT)
            .iter()
            .map(|json| parsed(json))
            .collect();
        let expected = event.get("requestContext").into_iter().cloned();
        assert_eq!(contexts, expected.collect::<Vec<_>>());
        let contexts = seen.take(LAMBDA_CONTEXT);
        assert_eq!(contexts.len(), 1, "{contexts:?}");
        assert_eq!(parsed(&contexts[0])["request_id"], "the-request");
        seen
    }

    /// The values of a header, which is not there any more.
    pub fn take(&mut self, name: &str) -> Vec<String> {
        let (taken, rest) = self.headers.drain(..).partition(|(known, _)| known == name);
        self.headers = rest;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }
}

/// For people: a line for each header, and the body.
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}{}", self.method, self.origin, self.target)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        match str::from_utf8(&self.body) {
            Ok(text) => write!(f, "{text:?}"),
            Err(_) => write!(f, "base64 {}", STANDARD.encode(&self.body)),
        }
    }
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[track_caller]
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

/// A header, whose value is text.
fn pair(texts: &Value) -> (String, String) {
    let texts = texts.as_array().unwrap();
    assert_eq!(texts.len(), 2, "{texts:?}");
    (text(&texts[0]).to_owned(), text(&texts[1]).to_owned())
}

/// The body of a request that has the guest answer so, if it has the header `x-echo: response`.
pub fn response(status: u16, headers: &[(&str, &[u8])], body: &[u8]) -> String {
    let headers = headers
        .iter()
        .map(|(name, value)| json!([name, "", STANDARD.encode(value)]));
    let headers: Vec<_> = headers.collect();
    json!({ "status": status, "headers": headers, "body": STANDARD.encode(body) }).to_string()
}

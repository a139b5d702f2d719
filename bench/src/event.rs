//! The events that are handed out, and the answer that each requires.

mod echo;

use serde_json::{Value, json};

pub use echo::Kind;

use crate::connection::Request;

/// The largest event that Lambda accepts, in bytes.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LARGEST: usize = 6 * 1024 * 1024;
/// The separator of the head and the body of a streamed answer.
const SEPARATOR: [u8; 8] = [0; 8];
const HTTP_API: &str = include_str!("../http_api.json");

/// An event.
pub struct Event {
    /// The JSON, without the white space that Lambda would not send.
    pub json: String,
    answer: Answer,
}

/// The correct answer.
enum Answer {
    /// An answer that contains this text.
    With(String),
    /// A streamed answer whose body has this number of bytes.
    Streamed(u64),
}

impl Event {
    /// Returns a REST API's event for hello.
    pub fn rest_api() -> anyhow::Result<Self> {
        Self::hello(include_str!("../event.json"))
    }

    /// Returns an HTTP API's event for hello, with payload 2.0.
    pub fn http_api() -> anyhow::Result<Self> {
        Self::hello(HTTP_API)
    }

    /// By an HTTP API, a body to be echoed: of so many bytes, or fewer if the event would be too large. How many those are
    /// comes with it.
    pub fn echo(kind: Kind, bytes: usize) -> anyhow::Result<(Self, usize)> {
        let mut event = asked_for("POST", "/echo-body", "")?;
        event["headers"]["content-type"] = json!(kind.content_type());
        event["isBase64Encoded"] = json!(kind.is_base64());
        event["body"] = json!("");
        let (body, bytes) = kind.body(bytes, LARGEST - event.to_string().len());
        let body = json!(body);
        let answer = Answer::With(body.to_string());
        event["body"] = body;
        let json = event.to_string();
        Ok((Self { json, answer }, bytes))
    }

    /// Returns a function URL's event for a streamed body of this number of bytes.
    pub fn stream(bytes: u64) -> anyhow::Result<Self> {
        let mut event = asked_for("GET", "/big", &format!("bytes={bytes}"))?;
        event["requestContext"]["domainName"] = json!("abcdef1234.lambda-url.us-east-1.on.aws");
        Ok(Self {
            json: event.to_string(),
            answer: Answer::Streamed(bytes),
        })
    }

    /// By an HTTP API, a request for this path, which is answered with this text, or fails with it.
    pub fn get(path: &str, text: &str) -> anyhow::Result<Self> {
        Ok(Self {
            json: asked_for("GET", path, "")?.to_string(),
            answer: Answer::With(text.to_owned()),
        })
    }

    /// An event that is answered with this text.
    pub fn of(json: &str, text: &str) -> Self {
        Self {
            json: json.to_owned(),
            answer: Answer::With(text.to_owned()),
        }
    }

    /// Returns whether this is the correct answer.
    pub fn is_answered_by(&self, answer: &Request) -> bool {
        match &self.answer {
            Answer::With(text) => String::from_utf8_lossy(&answer.body).contains(text),
            Answer::Streamed(bytes) => {
                let mut places = answer.body.windows(SEPARATOR.len());
                let head = places.position(|place| place == SEPARATOR);
                head.is_some_and(|head| answer.length == (head + SEPARATOR.len()) as u64 + bytes)
            }
        }
    }

    fn hello(event: &str) -> anyhow::Result<Self> {
        let event: Value = serde_json::from_str(event)?;
        Ok(Self {
            json: event.to_string(),
            answer: Answer::With("Hello, developer!".to_owned()),
        })
    }
}

/// Returns the HTTP API's event for another request.
fn asked_for(method: &str, path: &str, query: &str) -> anyhow::Result<Value> {
    let mut event: Value = serde_json::from_str(HTTP_API)?;
    event["rawPath"] = json!(path);
    event["rawQueryString"] = json!(query);
    event["requestContext"]["http"]["method"] = json!(method);
    event["requestContext"]["http"]["path"] = json!(path);
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &[u8], length: u64) -> Request {
        Request {
            path: String::new(),
            body: body.to_vec(),
            length,
        }
    }

    #[test]
    fn the_largest_echo_just_fits() {
        for kind in [Kind::Text, Kind::Binary] {
            let (event, bytes) = Event::echo(kind, usize::MAX).unwrap();
            let room = LARGEST - event.json.len();
            assert!(room < 4, "{room} bytes are left");
            assert!(bytes > LARGEST / 2, "{bytes}");
        }
    }

    #[test]
    fn a_streamed_answer_is_its_head_and_so_many_bytes() {
        let event = Event::stream(1_000_000).unwrap();
        let start = b"{}\0\0\0\0\0\0\0\0\0\x01\x02";
        assert!(event.is_answered_by(&answer(start, 1_000_010)));
        assert!(!event.is_answered_by(&answer(start, 1_000_009)));
        assert!(!event.is_answered_by(&answer(b"{}", 1_000_010)));
    }
}

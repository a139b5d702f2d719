//! The response of a function, in the form that people compare.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_emulator::runtime_api::split_prelude;
use serde_json::{Value, json};

/// The response of a function.
pub enum Response {
    Http(HttpResponse),
    /// Any other response: JSON, or its text if it is not JSON.
    Other(Value),
}

/// An HTTP response.
pub struct HttpResponse {
    pub status: Option<u64>,
    /// The headers by their names in lower case; several values are separated by `, `.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Response {
    /// Parses a response. It is an HTTP response if it has a `statusCode`.
    pub fn parse(bytes: &[u8], has_prelude: bool) -> Self {
        if has_prelude && let Some((prelude, body)) = split_prelude(bytes) {
            let head: Value = serde_json::from_slice(prelude).unwrap_or_default();
            return Self::Http(HttpResponse::new(&head, body));
        }
        match serde_json::from_slice::<Value>(bytes) {
            Ok(value) if value.get("statusCode").is_some() => {
                let body = value["body"].as_str().unwrap_or_default();
                let is_base64 = value["isBase64Encoded"] == true;
                let decoded = is_base64.then(|| STANDARD.decode(body).ok()).flatten();
                let body = decoded.unwrap_or_else(|| body.as_bytes().to_vec());
                Self::Http(HttpResponse::new(&value, &body))
            }
            Ok(value) => Self::Other(value),
            Err(_) => Self::Other(Value::String(String::from_utf8_lossy(bytes).into_owned())),
        }
    }

    /// The response as JSON. The body of an HTTP response is JSON in it if it is an object or a list.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Http(http) => json!({
                "statusCode": http.status,
                "headers": http.headers,
                "body": http.body_json().unwrap_or_else(|| http.text().into()),
            }),
            Self::Other(value) => value.clone(),
        }
    }
}

impl HttpResponse {
    fn new(head: &Value, body: &[u8]) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        let mut add = |name: &str, value: &Value| {
            let text = match value {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            headers
                .entry(name.to_lowercase())
                .and_modify(|values| *values = format!("{values}, {text}"))
                .or_insert(text);
        };
        for (name, value) in head["headers"].as_object().into_iter().flatten() {
            add(name, value);
        }
        for (name, values) in head["multiValueHeaders"].as_object().into_iter().flatten() {
            for value in values.as_array().into_iter().flatten() {
                add(name, value);
            }
        }
        for cookie in head["cookies"].as_array().into_iter().flatten() {
            add("set-cookie", cookie);
        }
        Self {
            status: head["statusCode"].as_u64(),
            headers,
            body: body.to_vec(),
        }
    }

    /// The body as text, in which bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body, if it is a JSON object or list.
    pub fn body_json(&self) -> Option<Value> {
        let value: Value = serde_json::from_slice(&self.body).ok()?;
        (value.is_object() || value.is_array()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_an_http_response_is_the_same_response() {
        let expected = json!({
            "statusCode": 200, "headers": { "a": "1", "set-cookie": "b, c" }, "body": { "d": [1] }
        });
        let whole = |value: Value| Response::parse(value.to_string().as_bytes(), false).to_json();
        let v2 = json!({
            "statusCode": 200, "headers": { "A": "1" }, "cookies": ["b", "c"], "body": "{\"d\":[1]}"
        });
        assert_eq!(whole(v2), expected);
        let rest = json!({
            "statusCode": 200, "headers": { "A": "1" },
            "multiValueHeaders": { "Set-Cookie": ["b", "c"] },
            "body": STANDARD.encode("{\"d\": [1]}"), "isBase64Encoded": true
        });
        assert_eq!(whole(rest), expected);
        let streamed = b"{\"statusCode\":200,\"headers\":{\"a\":\"1\"},\"cookies\":[\"b\",\"c\"]}\0\0\0\0\0\0\0\0{\"d\":[1]}";
        assert_eq!(Response::parse(streamed, true).to_json(), expected);
    }

    #[test]
    fn a_response_that_is_not_http_is_json_or_text() {
        let other = |bytes: &[u8]| Response::parse(bytes, false).to_json();
        assert_eq!(other(b"{\"a\": 1}"), json!({ "a": 1 }));
        assert_eq!(other(b"\"a\""), json!("a"));
        assert_eq!(other(b"a\n"), json!("a\n"));
    }
}

//! A function's answer as an HTTP response: "Output format of a Lambda function for proxy
//! integration" in the API Gateway guide.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// What a function returns. Any other field makes the answer malformed, as on API Gateway.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer {
    status_code: Value,
    headers: Option<BTreeMap<String, Value>>,
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// The response, or why the answer is malformed.
pub(super) fn response(answer: &[u8]) -> Result<Response<Body>, String> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    let status = status(&answer.status_code)?;
    let body = answer.body.unwrap_or_default();
    let body = match answer.is_base64_encoded.unwrap_or_default() {
        true => STANDARD
            .decode(&body)
            .map_err(|error| format!("its body is not base64: {error}"))?,
        false => body.into_bytes(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for (name, value) in merge(answer.headers, answer.multi_value_headers) {
        let value = plain(&value).ok_or(format!("its header {name} is not a plain value"))?;
        let bad = || format!("its header {name} cannot be written in HTTP");
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let value = HeaderValue::from_str(&value).map_err(|_| bad())?;
        // How the response is framed is the gateway's business.
        if ![
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
        ]
        .contains(&key)
        {
            response.headers_mut().append(key, value);
        }
    }
    response
        .headers_mut()
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    Ok(response)
}

fn status(value: &Value) -> Result<StatusCode, String> {
    let bad = || format!("its statusCode is {value}, not a number from 200 to 599");
    let number = match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    let number = number.filter(|number| (200..600).contains(number));
    let number = number.ok_or_else(bad)?;
    StatusCode::from_u16(number as u16).map_err(|_| bad())
}

/// Both kinds of headers as one list. A pair that is in both counts once.
fn merge(
    single: Option<BTreeMap<String, Value>>,
    multi: Option<BTreeMap<String, Vec<Value>>>,
) -> Vec<(String, Value)> {
    let multi = multi.unwrap_or_default().into_iter();
    let mut all: Vec<_> = multi
        .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
        .collect();
    for (name, value) in single.unwrap_or_default() {
        let known = |(n, v): &(String, Value)| n.eq_ignore_ascii_case(&name) && *v == value;
        if !all.iter().any(known) {
            all.push((name, value));
        }
    }
    all
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn headers(answer: Value) -> Vec<String> {
        let response = response(answer.to_string().as_bytes()).unwrap();
        let headers = response.headers().iter();
        let mut lines: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn headers_of_both_kinds_are_merged() {
        let answer = json!({
            "statusCode": 200,
            "headers": { "Content-Type": "text/plain", "X-A": "1", "x-n": 7, "Content-Length": "99" },
            "multiValueHeaders": { "X-A": ["1", "2"], "Set-Cookie": ["a=1", "b=2"] },
        });
        let expected = [
            "content-type: text/plain",
            "set-cookie: a=1",
            "set-cookie: b=2",
            "x-a: 1",
            "x-a: 2",
            "x-n: 7",
        ];
        assert_eq!(headers(answer), expected);
    }

    #[test]
    fn the_type_is_json_unless_it_is_said() {
        let answer = json!({ "statusCode": "204", "headers": null, "body": null });
        assert_eq!(headers(answer), ["content-type: application/json"]);
    }

    #[test]
    fn malformed_answers_are_told_apart() {
        let why = |answer: &str| response(answer.as_bytes()).unwrap_err();
        assert!(why("\"text\"").contains("invalid type"));
        assert!(why("{}").contains("missing field `statusCode`"));
        assert!(why(r#"{"statusCode":200,"more":1}"#).contains("unknown field `more`"));
        assert!(why(r#"{"statusCode":200,"body":{}}"#).contains("invalid type: map"));
        assert!(why(r#"{"statusCode":999}"#).contains("statusCode is 999"));
        let bad = r#"{"statusCode":200,"isBase64Encoded":true,"body":"?"}"#;
        assert!(why(bad).contains("not base64"));
        assert!(why(r#"{"statusCode":200,"headers":{"a b":"1"}}"#).contains("header a b"));
    }
}

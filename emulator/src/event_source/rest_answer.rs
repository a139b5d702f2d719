//! Reads a function's response: "Output format of a Lambda function for proxy
//! integration" in the API Gateway guide.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Response;
use serde::Deserialize;
use serde_json::Value;

use super::answer;

/// A function's response. Any other field makes it malformed, as on API Gateway.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer {
    status_code: Value,
    headers: Option<BTreeMap<String, Value>>,
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// The HTTP response in a function's response.
#[derive(Debug)]
pub(super) struct Made {
    pub response: Response<Body>,
    /// Whether the body is base64 that was not decoded.
    pub is_base64_text: bool,
}

/// Returns the HTTP response, or the reason why the function's response is malformed. The body is
/// decoded from base64 only if the client accepts bytes.
pub(super) fn response(answer: &[u8], takes_bytes: bool) -> Result<Made, String> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    let status = answer::status(&answer.status_code)?;
    let is_base64 = answer.is_base64_encoded == Some(true);
    let body = answer::body(answer.body, Some(is_base64 && takes_bytes))?;
    let is_base64_text = is_base64 && !takes_bytes && !body.is_empty();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = merge(answer.headers, answer.multi_value_headers);
    let headers = headers.into_iter();
    answer::append(response.headers_mut(), headers, "application/json")?;
    Ok(Made {
        response,
        is_base64_text,
    })
}

/// Returns both kinds of headers as one list. A pair that is in both counts once.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn headers(answer: Value) -> Vec<String> {
        let made = response(answer.to_string().as_bytes(), true).unwrap();
        let headers = made.response.headers().iter();
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
        let why = |answer: &str| response(answer.as_bytes(), true).unwrap_err();
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

//! Reads a function's response in payload format 2.0: "Lambda function response for
//! format 2.0" in
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! which Lambda's function URLs share.

use axum::body::Body;
use axum::http::Response;
use serde::Deserialize;
use serde_json::Value;

use super::answer::{self, Head};
use super::streamed;
use crate::Post;

/// A response that has a status.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(flatten)]
    head: Head,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

const JSON: &str = "application/json";

/// Returns the HTTP response, or the reason why the function's response is malformed. Valid JSON
/// without a status is the body of a 200; a string is its text.
pub(super) fn response(post: &Post) -> Result<Response<Body>, String> {
    if let Some(response) = streamed::whole(post) {
        return response;
    }
    let bytes = post.body.clone();
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let inferred = |body: Body| Head::default().response(body, JSON);
    match value {
        Value::String(text) => inferred(text.into()),
        Value::Object(object) if object.contains_key("statusCode") => {
            let answer = serde_json::from_value(object.into());
            let answer: Answer = answer.map_err(|error| error.to_string())?;
            let body = answer::body(answer.body, answer.is_base64_encoded)?;
            answer.head.response(body.into(), JSON)
        }
        _ => inferred(bytes.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    fn post(body: &str) -> Post {
        Post {
            headers: Default::default(),
            body: body.to_owned().into(),
        }
    }

    /// Returns the response as HTTP writes it, with sorted headers.
    fn shown(answer: &str) -> String {
        let (parts, body) = response(&post(answer)).unwrap().into_parts();
        let body = body.collect().now_or_never().unwrap().unwrap().to_bytes();
        let headers = parts.headers.iter();
        let headers = headers.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
        let mut headers: Vec<_> = headers.collect();
        headers.sort();
        let status = parts.status.as_u16();
        format!("{status}\n{}\n{}", headers.concat(), body.escape_ascii())
    }

    #[test]
    fn a_response_with_all_it_can_have() {
        let answer = r#"{
            "statusCode": 201,
            "headers": {"Content-Type": "text/plain", "X-N": 7, "Content-Length": "99"},
            "cookies": ["a=1; Secure", "b=2"],
            "body": "/wA=",
            "isBase64Encoded": true,
            "more": {}
        }"#;
        insta::assert_snapshot!(shown(answer), @r"
        201
        content-type: text/plain
        set-cookie: a=1; Secure
        set-cookie: b=2
        x-n: 7

        \xff\x00
        ");
    }

    #[test]
    fn missing_members_are_inferred() {
        let json = "200\ncontent-type: application/json\n\n";
        let inferred = |body: &str| format!("{json}{}", body.as_bytes().escape_ascii());
        assert_eq!(
            shown(r#""Hello from Lambda!""#),
            inferred("Hello from Lambda!")
        );
        for answer in [r#"{ "message": "Hello" }"#, "[1, 2]", "null", "7"] {
            assert_eq!(shown(answer), inferred(answer));
        }
        assert_eq!(shown(r#"{"statusCode":"200"}"#), inferred(""));
        let null = r#"{"statusCode":200,"headers":null,"cookies":null,"body":null,"isBase64Encoded":null}"#;
        assert_eq!(shown(null), inferred(""));
    }

    #[test]
    fn malformed_answers_are_told_apart() {
        let why = |answer: &str| response(&post(answer)).unwrap_err();
        assert!(why("no JSON").contains("expected"));
        assert!(why(r#"{"statusCode":99}"#).contains("statusCode is 99"));
        assert!(why(r#"{"statusCode":200,"body":{}}"#).contains("expected a string"));
        let bad = r#"{"statusCode":200,"isBase64Encoded":true,"body":"?"}"#;
        assert!(why(bad).contains("not base64"));
        assert!(why(r#"{"statusCode":200,"headers":{"a b":"1"}}"#).contains("header a b"));
    }
}

//! Responses for a REST API, and the rules for all event sources.

use serde_json::{Value, json};

use super::*;

pub(super) fn of(
    status: u16,
    headers: &[(&str, &str)],
    cookies: &[&str],
    body: &[u8],
) -> api::Response {
    let headers = headers.iter();
    api::Response {
        status_code: status,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        cookies: cookies.iter().map(|cookie| (*cookie).to_owned()).collect(),
        body: body.to_vec(),
    }
}

fn answer(of: api::Response) -> Value {
    serde_json::from_slice(&EventSource::REST_API.answer(of).unwrap()).unwrap()
}

fn refused(of: api::Response) -> String {
    EventSource::REST_API.answer(of).unwrap_err().to_string()
}

#[test]
fn text_is_text() {
    let text = "Grüße, \"😀\"!\n\0";
    assert_eq!(
        answer(of(
            201,
            &[("Content-Type", "text/plain")],
            &[],
            text.as_bytes()
        )),
        json!({
            "statusCode": 201,
            "headers": { "Content-Type": "text/plain" },
            "body": text,
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn bodies_that_are_not_text_are_base64() {
    let answer = answer(of(200, &[], &[], &[0, 159, 146, 150]));
    assert_eq!(answer["body"], "AJ+Slg==");
    assert_eq!(answer["isBase64Encoded"], true);
}

#[test]
fn a_name_with_several_values_is_there_once_whatever_its_case() {
    let headers = [
        ("X-A", "1"),
        ("Set-Cookie", "z=0"),
        ("x-b", "b"),
        ("x-a", "2"),
        ("X-A", "1"),
    ];
    let answer = answer(of(200, &headers, &["a=1; Secure", "b=2"], b""));
    assert_eq!(answer["headers"], json!({ "x-b": "b" }));
    assert_eq!(
        answer["multiValueHeaders"],
        json!({ "X-A": ["1", "2", "1"], "Set-Cookie": ["z=0", "a=1; Secure", "b=2"] })
    );
}

#[test]
fn one_cookie_is_one_header() {
    let answer = answer(of(200, &[], &["a=1"], b""));
    assert_eq!(answer["headers"], json!({ "Set-Cookie": "a=1" }));
    assert_eq!(answer.get("multiValueHeaders"), None);
}

#[test]
fn a_status_is_one_of_a_final_response() {
    for status in [200, 204, 304, 404, 599] {
        assert_eq!(answer(of(status, &[], &[], b""))["statusCode"], status);
    }
    for status in [0, 99, 100, 101, 199, 600, 999, u16::MAX] {
        assert_eq!(
            refused(of(status, &[], &[], b"")),
            format!(
                "Function.InvalidResponse: the function's response has the status {status}, and it has to be one from 200 to 599"
            )
        );
    }
}

#[test]
fn responses_that_http_cannot_carry_are_refused() {
    for name in ["", "bad name", "a:b", "a\r\nb", "ä", "a\0"] {
        let why = refused(of(200, &[(name, "1")], &[], b""));
        let expected = format!(
            "Function.InvalidResponse: the function's response has a header named {name:?}, which is not a valid header name"
        );
        assert_eq!(why, expected);
    }
    for value in ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0", "\u{7f}"] {
        let why = refused(of(200, &[("X", value)], &[], b""));
        let expected = format!(
            "Function.InvalidResponse: the function's response has a header X with the value {value:?}, which HTTP does not allow"
        );
        assert_eq!(why, expected);
        let why = refused(of(200, &[], &[value], b""));
        let expected = format!(
            "Function.InvalidResponse: the function's response sets the cookie {value:?}, which HTTP does not allow"
        );
        assert_eq!(why, expected);
    }
    for value in ["", " ", "\t", "é", "a: b, c=\"d\""] {
        assert_eq!(
            answer(of(200, &[("X", value)], &[], b""))["headers"]["X"],
            value
        );
    }
}

/// Longer than any deadline, if each were looked for among all others.
#[test]
fn very_many_headers_are_no_trouble() {
    let names: Vec<String> = (0..200_000).map(|number| format!("X-{number}")).collect();
    let headers: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let answer = answer(of(200, &headers, &[], b""));
    assert_eq!(answer["headers"].as_object().unwrap().len(), names.len());
}

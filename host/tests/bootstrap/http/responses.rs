//! Responses that are odd or that HTTP does not allow, as far as `wasi:http` lets a component make them.

use insta::assert_snapshot;
use lambda_wasm_emulator::Outcome;
use lambda_wasm_test_support::Host;
use serde_json::{Value, json};

use super::seen::response;
use super::start;

/// The outcome of a request that asks for this response.
pub fn respond(host: &Host, status: u16, headers: &[(&str, &[u8])], body: &[u8]) -> Outcome {
    let event = json!({
        "httpMethod": "POST", "path": "/", "requestContext": { "elb": {} },
        "multiValueHeaders": { "x-echo": ["response"] }, "body": response(status, headers, body), "isBase64Encoded": false,
    });
    host.invoke(event.to_string())
}

/// A response with status 200 and this header, as the answer has it.
#[track_caller]
fn header(host: &Host, name: &str, value: &[u8]) -> Value {
    respond(host, 200, &[(name, value)], b"").response().json()["multiValueHeaders"].take()
}

#[test]
fn invalid_statuses_are_refused() {
    let host = start("http_seen");
    // The component does not get to say them.
    for status in [0, 99, 1000, u16::MAX] {
        let answer = respond(&host, status, &[], b"").response().json();
        assert_eq!(answer["statusCode"], 500);
        assert_eq!(answer["body"], format!("the host takes no status {status}"));
    }
    for status in [100, 103, 199, 600, 999] {
        let error = respond(&host, status, &[], b"").error();
        assert_eq!(error.error_type(), "Function.InvalidResponse");
        let why = format!(
            "the function's response has the status {status}, and it has to be one from 200 to 599"
        );
        assert_eq!(error.error_message(), why);
        assert_eq!(
            respond(&host, 599, &[], b"next").response().json()["body"],
            "next"
        );
    }
    host.finish();
}

#[test]
fn bytes_beyond_ascii_are_utf8_or_latin1() {
    let host = start("http_seen");
    for (value, text) in [
        ("grün €".as_bytes(), "grün €"),
        (b"gr\xfcn", "grün"),
        // Not all of it is UTF-8.
        (b"\xc3\xbc \xff", "Ã¼ ÿ"),
        (b"\x80\xa0", "\u{80}\u{a0}"),
        (b"\ttab ", "\ttab "),
        (b"", ""),
    ] {
        assert_eq!(header(&host, "x-text", value), json!({ "x-text": [text] }));
        assert_eq!(
            header(&host, "set-cookie", value),
            json!({ "Set-Cookie": [text] })
        );
    }
    host.finish();
}

#[test]
fn headers_that_the_host_does_not_take_or_does_not_pass_on() {
    let host = start("http_seen");
    let refused = |name: &str, value: &[u8]| {
        let answer = respond(&host, 200, &[(name, value)], b"").response().json();
        assert_eq!(answer["statusCode"], 500, "{name}");
        answer["body"].as_str().unwrap().to_owned()
    };
    for name in [
        "connection",
        "Keep-Alive",
        "transfer-encoding",
        "UPGRADE",
        "proxy-connection",
        "host",
        "http2-settings",
    ] {
        assert_eq!(
            refused(name, b"x"),
            format!("the host takes no header {name}: Forbidden")
        );
    }
    assert_snapshot!(refused("a name", b"x"), @"the host takes no header a name: InvalidSyntax");
    assert_snapshot!(refused("", b"x"), @"the host takes no header : InvalidSyntax");
    assert_snapshot!(refused("x-split", b"a\r\nset-cookie: b"), @"the host takes no header x-split: InvalidSyntax");
    assert_snapshot!(refused("x-nul", b"\0"), @"the host takes no header x-nul: InvalidSyntax");
    for name in ["te", "Trailer"] {
        assert_eq!(header(&host, name, b"x"), json!({}), "{name}");
    }
    host.finish();
}

/// The event source decides about a body that a status or a method does not allow.
#[test]
fn a_body_is_passed_on_whatever_the_status() {
    let host = start("http_seen");
    for status in [204, 205, 304] {
        for body in ["", "body"] {
            let answer = respond(&host, status, &[], body.as_bytes())
                .response()
                .json();
            assert_eq!(
                (&answer["statusCode"], &answer["body"]),
                (&json!(status), &json!(body))
            );
            assert_eq!(answer["isBase64Encoded"], false);
        }
    }
    host.finish();
}

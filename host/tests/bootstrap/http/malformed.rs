//! Events that are no requests which HTTP allows: each fails with a reason, or is treated as stated, and the next is served.

use insta::assert_snapshot;
use lambda_wasm_test_support::Host;
use serde_json::{Value, json};

use super::seen::Seen;
use super::start;

/// An event of a REST API with these fields besides, or instead.
pub fn event(fields: Value) -> Value {
    let mut event =
        json!({ "httpMethod": "GET", "path": "/", "requestContext": { "stage": "test" } });
    event
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    event
}

/// Why an event fails. The next one is served.
#[track_caller]
pub fn why(host: &Host, event: impl Into<Vec<u8>>) -> String {
    let error = host.invoke(event).error();
    assert_eq!(
        error.header("lambda-runtime-function-error-type"),
        Some("Runtime.InvalidEvent")
    );
    assert_eq!(error.error_type(), "Runtime.InvalidEvent");
    assert_eq!(Seen::of_event(host, &self::event(json!({}))).target, "/");
    error.error_message()
}

#[test]
fn missing_fields_and_other_types_are_refused() {
    let host = start("http_seen");
    let why = |event: Value| why(&host, event.to_string());
    let elb = json!({ "elb": {} });
    assert_snapshot!(why(json!({ "requestContext": { "http": {} }, "rawPath": "/" })), @"the event is an HTTP request without a method");
    assert_snapshot!(why(json!({ "requestContext": { "http": { "method": "GET" } } })), @"the event is an HTTP request without a path");
    assert_snapshot!(why(json!({ "requestContext": elb, "path": "/" })), @"the event is an HTTP request without a method");
    assert_snapshot!(why(json!({ "requestContext": elb, "httpMethod": "GET" })), @"the event is an HTTP request without a path");
    assert_snapshot!(why(json!({ "raw_path": "/", "method": "" })), @"the event is an HTTP request without a method");
    assert_snapshot!(why(event(json!({ "httpMethod": 1 }))), @"the event is an HTTP request, and it is malformed: invalid type: integer `1`, expected a string at line 1 column 15");
    assert_snapshot!(why(event(json!({ "headers": [1] }))), @"the event is an HTTP request, and it is malformed: invalid type: sequence, expected an object at line 1 column 12");
    assert_snapshot!(why(event(json!({ "multiValueHeaders": { "a": [1] } }))), @"the event is an HTTP request, and it is malformed: invalid type: integer `1`, expected a string at line 1 column 47");
    assert_snapshot!(why(event(json!({ "requestContext": 1 }))), @"the event is an HTTP request, and its requestContext is malformed: invalid type: integer `1`, expected an object at line 1 column 1");
    assert_snapshot!(why(event(json!({ "body": {} }))), @"the event is an HTTP request, and it is malformed: invalid type: map, expected a string at line 1 column 8");
    assert_snapshot!(why(event(json!({ "body": "a?", "isBase64Encoded": true }))), @"the event's body is not base64, although isBase64Encoded is true: Invalid symbol 63, offset 1.");
    host.finish();
}

#[test]
fn events_that_are_not_json_are_refused() {
    let host = start("http_seen");
    assert_snapshot!(why(&host, ""), @"the event is not JSON: EOF while parsing a value at line 1 column 0");
    assert_snapshot!(why(&host, r#"{"httpMethod":"GET","path":"/""#), @"the event is not JSON: EOF while parsing an object at line 1 column 30");
    assert_snapshot!(why(&host, b"{\"httpMethod\":\"GET\",\"path\":\"/\xff\"}"), @"the event is not JSON: invalid unicode code point at line 1 column 30");
    host.finish();
}

#[test]
fn requests_that_http_does_not_allow_are_refused() {
    let host = start("http_seen");
    let why = |fields: Value| why(&host, event(fields).to_string());
    assert_snapshot!(why(json!({ "headers": { "a name": "b" } })), @r#"HTTP does not allow the event's request: it has the header "a name" with the value "b""#);
    assert_snapshot!(why(json!({ "headers": { "": "b" } })), @r#"HTTP does not allow the event's request: it has the header "" with the value "b""#);
    assert_snapshot!(why(json!({ "headers": { "ä": "b" } })), @r#"HTTP does not allow the event's request: it has the header "ä" with the value "b""#);
    assert_snapshot!(why(json!({ "headers": { "a": "b\r\nc: d" } })), @r#"HTTP does not allow the event's request: it has the header "a" with the value "b\r\nc: d""#);
    assert_snapshot!(why(json!({ "headers": { "a": "b\u{0}" } })), @r#"HTTP does not allow the event's request: it has the header "a" with the value "b\0""#);
    assert_snapshot!(why(json!({ "headers": { "cookie": "a=1\n2" } })), @r#"HTTP does not allow the event's request: it has the header "cookie" with the value "a=1\n2""#);
    assert_snapshot!(why(json!({ "httpMethod": "GE T" })), @r#"HTTP does not allow the event's request: the method is "GE T""#);
    assert_snapshot!(why(json!({ "httpMethod": "GET / HTTP/1.1\r\n" })), @r#"HTTP does not allow the event's request: the method is "GET / HTTP/1.1\r\n""#);
    host.finish();
}

/// A load balancer takes any host for its own, so that one that is none is not worth an error.
#[test]
fn an_invalid_host_becomes_localhost() {
    let host = start("http_seen");
    for (name, authority) in [
        ("a.example", "a.example"),
        ("A.example:8443", "A.example:8443"),
        ("[::1]:80", "[::1]:80"),
        ("{host}", "localhost"),
        ("a b", "localhost"),
        ("a/b", "localhost"),
        ("a?b", "localhost"),
        ("user:password@a.example", "localhost"),
        ("ä", "localhost"),
        ("", "localhost"),
    ] {
        let event = event(json!({ "headers": { "host": name } }));
        let seen = Seen::of_event(&host, &event);
        assert_eq!(seen.origin, format!("https://{authority}"), "{name}");
    }
    host.finish();
}

#[test]
fn a_path_is_escaped_where_no_uri_has_such_characters() {
    let host = start("http_seen");
    for (path, target) in [
        ("/a\u{0}b", "/a%00b"),
        ("/a b\r\n", "/a%20b%0D%0A"),
        ("/ä?#", "/%C3%A4%3F%23"),
        ("//a/../b", "//a/../b"),
        ("no/slash", "/no/slash"),
        ("http://other.example/", "/http://other.example/"),
        ("*", "/*"),
        ("", "/"),
    ] {
        let seen = Seen::of_event(&host, &event(json!({ "path": path })));
        assert_eq!(
            (&*seen.origin, &*seen.target),
            ("https://localhost", target),
            "{path:?}"
        );
    }
    host.finish();
}

//! Events of which no request can be made, and why.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::oddities::with;
use super::*;

#[test]
fn bytes_that_are_not_json_are_refused() {
    let events: [&[u8]; 6] = [
        b"",
        b" ",
        b"{",
        b"not JSON",
        b"{\"httpMethod\":\"GET\",\"path\":\"/\"}x",
        b"{\"httpMethod\":\"\xff\"}",
    ];
    for event in events {
        let why = refused(event);
        let expected = "Runtime.InvalidEvent: the event is not JSON: ";
        assert!(
            why.starts_with(expected),
            "{}: {why}",
            String::from_utf8_lossy(event)
        );
    }
}

#[test]
fn fields_of_other_types_are_refused_with_their_place() {
    let why = |fields: Value| {
        let why = refused(with(fields));
        let expected = "Runtime.InvalidEvent: the event is an HTTP request, and ";
        why.strip_prefix(expected)
            .unwrap_or_else(|| panic!("{why}"))
            .to_owned()
    };
    assert_snapshot!(why(json!({ "path": 1 })), @"it is malformed: invalid type: integer `1`, expected a string at line 1 column 28");
    assert_snapshot!(why(json!({ "headers": "none" })), @r#"it is malformed: invalid type: string "none", expected an object at line 1 column 17"#);
    assert_snapshot!(why(json!({ "headers": { "Content-Length": 1 } })), @"it is malformed: invalid type: integer `1`, expected a string or a list of strings at line 1 column 30");
    assert_snapshot!(why(json!({ "requestContext": "none" })), @r#"its requestContext is malformed: invalid type: string "none", expected an object at line 1 column 6"#);
    assert_snapshot!(why(json!({ "isBase64Encoded": "true" })), @r#"it is malformed: invalid type: string "true", expected a boolean at line 1 column 44"#);
    assert_snapshot!(why(json!({ "body": { "a": 1 } })), @"it is malformed: invalid type: map, expected a string at line 1 column 8");
}

#[test]
fn an_authorizer_that_is_no_object_is_refused() {
    let why = refused(with(json!({ "requestContext": { "authorizer": "admin" } })));
    assert_eq!(
        why,
        "Runtime.InvalidEvent: the event is an HTTP request, and its requestContext.authorizer is malformed: invalid type: string \"admin\", expected an object at line 1 column 7"
    );
}

#[test]
fn a_body_that_is_no_base64_is_refused() {
    for body in ["?", "aGk", "a", "ä"] {
        let why = refused(with(json!({ "body": body, "isBase64Encoded": true })));
        let expected = "Runtime.InvalidEvent: the event's body is not base64, although isBase64Encoded is true: ";
        assert!(why.starts_with(expected), "{body}: {why}");
    }
}

/// Its fields may be of any type: they are not what they would be in a request.
#[test]
fn json_that_is_not_a_request_is_refused() {
    let others = [
        "null",
        "[]",
        "1",
        "\"text\"",
        "{}",
        r#"{"httpMethod":null,"path":"/"}"#,
        r#"{"httpMethod":"GET"}"#,
        r#"{"path":"/"}"#,
        r#"{"headers":1,"body":[],"path":{},"isBase64Encoded":"no","cookies":"a","requestContext":[1]}"#,
        r#"{"requestContext":{"http":null,"elb":null,"identity":5}}"#,
        r#"{"version":"2.0","method":"GET","path":"/"}"#,
        // What nothing here can hold.
        "[1e400]",
        r#"["\ud83d"]"#,
        r#"{"\ud800":1}"#,
        r#"{"httpMethod":"\ud800"}"#,
        r#"{"path":["a"],"note":"\ud83d"}"#,
    ];
    let deep = [("[", "]"), ("{\"path\":5,\"a\":[", "]}")]
        .map(|(start, end)| format!("{start}{}{}{end}", "[".repeat(500), "]".repeat(500)));
    for event in others.into_iter().chain(deep.iter().map(String::as_str)) {
        assert!(
            matches!(request(event.as_bytes()), Err(EventError::NotHttp)),
            "{event}"
        );
    }
    assert_eq!(
        refused("{}"),
        "Runtime.InvalidEvent: this function takes HTTP requests (of API Gateway, a function URL, an Application Load Balancer or VPC Lattice), but the event is not one"
    );
}

#[test]
fn requests_without_a_method_or_a_path_are_malformed() {
    let lacking = [
        (json!({ "httpMethod": "GET", "resource": "/" }), "path"),
        (json!({ "httpMethod": "", "path": "/" }), "method"),
        (
            json!({ "requestContext": { "elb": {} }, "path": "/" }),
            "method",
        ),
        (
            json!({ "requestContext": { "elb": {} }, "httpMethod": "GET" }),
            "path",
        ),
        (
            json!({ "requestContext": { "http": {} }, "rawPath": "/" }),
            "method",
        ),
        (
            json!({ "requestContext": { "http": { "method": "GET" } } }),
            "path",
        ),
        (
            json!({ "requestContext": { "serviceNetworkArn": "" }, "path": "/" }),
            "method",
        ),
        (
            json!({ "requestContext": { "serviceNetworkArn": "" }, "method": "GET" }),
            "path",
        ),
    ];
    for (event, what) in lacking {
        assert_eq!(
            refused(event.to_string()),
            format!("Runtime.InvalidEvent: the event is an HTTP request without a {what}"),
            "{event}"
        );
    }
}

#[test]
fn fields_of_a_single_event_source_are_checked() {
    let why = |event: Value| refused(event.to_string());
    let http = json!({ "method": "GET", "path": "/" });
    assert_snapshot!(why(json!({ "requestContext": { "http": "GET /" } })), @r#"Runtime.InvalidEvent: the event is an HTTP request, and its requestContext is malformed: invalid type: string "GET /", expected an object at line 1 column 15"#);
    assert_snapshot!(why(json!({ "requestContext": { "http": http }, "cookies": "a=1" })), @r#"Runtime.InvalidEvent: the event is an HTTP request, and it is malformed: invalid type: string "a=1", expected a sequence at line 1 column 16"#);
    assert_snapshot!(why(json!({ "requestContext": { "http": http, "authorizer": 1 } })), @"Runtime.InvalidEvent: the event is an HTTP request, and its requestContext.authorizer is malformed: invalid type: integer `1`, expected an object at line 1 column 1");
    assert_snapshot!(why(json!({ "requestContext": { "http": http, "authorizer": { "jwt": 1 } } })), @"Runtime.InvalidEvent: the event is an HTTP request, and its requestContext.authorizer.jwt is malformed: invalid type: integer `1`, expected an object at line 1 column 1");
    assert_snapshot!(why(json!({ "requestContext": { "elb": {} }, "httpMethod": 1, "path": "/" })), @"Runtime.InvalidEvent: the event is an HTTP request, and it is malformed: invalid type: integer `1`, expected a string at line 1 column 15");
    assert_snapshot!(why(json!({ "raw_path": "/", "method": "GET", "headers": { "a": [1] } })), @"Runtime.InvalidEvent: the event is an HTTP request, and it is malformed: invalid type: integer `1`, expected a string at line 1 column 18");
}

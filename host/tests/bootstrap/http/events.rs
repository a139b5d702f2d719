//! Events that are no HTTP requests, for components that take requests only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_test_support::aws_events::sample;
use serde_json::{Value, json};

use super::{BOTH, start};

#[test]
fn an_event_is_posted_to_events_and_the_body_is_the_answer() {
    for event in [
        "{\"a\": [1]}".to_owned(),
        "[]".to_owned(),
        sample("sqs-event"),
        sample("s3-event"),
    ] {
        let host = start("http_wstd");
        let answer = host.invoke(event.clone()).response();
        assert_eq!(answer.text(), event);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        host.finish();
    }
}

#[test]
fn an_event_that_is_not_json_is_refused() {
    for name in BOTH {
        let host = start(name);
        let error = host.invoke("{").error();
        assert_eq!(error.error_type(), "Runtime.InvalidEvent", "{name}");
        host.finish();
    }
}

/// An event that the guest `http_seen` answers so, with these members besides.
fn answering(status: u16, headers: &Value, body: &[u8], members: &str) -> String {
    let body = STANDARD.encode(body);
    format!(
        r#"{{"x-echo":"response","status":{status},"headers":{headers},"body":"{body}"{members}}}"#
    )
}

/// Event sources that read the result, such as SQS with partial batch responses, take it for a failure.
#[test]
fn a_result_that_is_not_json_is_sent_with_a_warning() {
    for (body, warns) in [
        ("ok", true),
        ("{\"batchItemFailures\":[]", true),
        ("{} {}", true),
        ("{\"batchItemFailures\":[]}", false),
        ("  [1]\n", false),
        ("null", false),
    ] {
        let host = start("http_seen");
        let event = answering(200, &json!([]), body.as_bytes(), "");
        assert_eq!(host.invoke(event).response().text(), body);
        let log = host.finish().stderr;
        assert_eq!(log.contains("and it is not JSON"), warns, "{body}: {log}");
    }
}

#[test]
fn an_empty_result_is_null() {
    let host = start("http_seen");
    for status in [200, 202, 204] {
        let answer = host
            .invoke(answering(status, &json!([]), b"", ""))
            .response();
        assert_eq!(answer.text(), "null");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    host.finish();
}

/// The context of a WebSocket's event.
const WEB_SOCKETS: [&str; 4] = [
    r#","requestContext":{"routeKey":"$connect","eventType":"CONNECT","connectionId":"c="}"#,
    r#","requestContext":{"routeKey":"$disconnect","eventType":"DISCONNECT","connectionId":"c="}"#,
    r#","requestContext":{"routeKey":"$default","eventType":"MESSAGE","connectionId":"c="}"#,
    r#","requestContext":{"routeKey":"chat","eventType":"MESSAGE","connectionId":"c=","identity":5}"#,
];

#[test]
fn a_web_socket_gets_a_response_of_http() {
    let host = start("http_seen");
    for members in WEB_SOCKETS {
        let protocol = json!([["sec-websocket-protocol", "chat"]]);
        let event = answering(200, &protocol, b"hello", members);
        assert_eq!(
            host.invoke(event).response().json(),
            json!({
                "statusCode": 200,
                "headers": { "sec-websocket-protocol": "chat" },
                "body": "hello",
                "isBase64Encoded": false,
            })
        );
        // It refuses the connection, which is not a failure.
        let event = answering(403, &json!([]), b"", members);
        let answer = host.invoke(event).response().json();
        assert_eq!(
            (&answer["statusCode"], &answer["body"]),
            (&json!(403), &json!(""))
        );
    }
    // An authorizer's answer is a policy, which is the body.
    let asked = format!("{},\"methodArn\":\"arn\"", WEB_SOCKETS[0]);
    let answer = host
        .invoke(answering(200, &json!([]), b"{}", &asked))
        .response();
    assert_eq!(answer.text(), "{}");
    host.finish();
}

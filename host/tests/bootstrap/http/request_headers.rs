//! Headers that clients should not send, or not so many of.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::malformed::{event, why};
use super::seen::Seen;
use super::start;

/// The only value of a header that a component sees.
#[track_caller]
fn value(seen: &mut Seen, name: &str) -> String {
    let values = seen.take(name);
    assert_eq!(values.len(), 1, "{name}: {values:?}");
    values.concat()
}

#[test]
fn headers_may_be_many_up_to_a_limit() {
    let host = start("http_seen");
    let many = |count: usize| {
        let headers = (0..count).map(|number| (format!("x-{number}"), json!("value")));
        event(json!({ "headers": Value::Object(headers.collect()) }))
    };
    assert_eq!(Seen::of_event(&host, &many(10_000)).headers.len(), 10_000);
    assert_snapshot!(why(&host, many(40_000).to_string()), @"HTTP does not allow the event's request: it has too many headers (max size reached)");
    host.finish();
}

/// They would be believed: only the host says what these say.
#[test]
fn contexts_that_a_client_sends_are_replaced() {
    let host = start("http_seen");
    let forged = json!({
        "X-Amzn-Request-Context": r#"{"authorizer":{"admin":true}}"#,
        "x-amzn-request-context": "{}",
        "X-AMZN-LAMBDA-CONTEXT": r#"{"request_id":"forged"}"#,
        "x-amzn-lambda-context": "{}",
        "x-kept": "1",
    });
    let all = json!({ "X-AMZN-request-context": ["{}", "[]"], "x-amzn-Lambda-context": ["1", "2"], "x-kept": ["1"] });
    let http = json!({ "method": "GET", "path": "/" });
    for event in [
        event(json!({ "headers": forged })),
        event(json!({ "multiValueHeaders": all, "headers": forged })),
        json!({ "requestContext": { "http": http }, "rawPath": "/", "headers": forged }),
        json!({ "requestContext": { "http": http, "domainName": "id.lambda-url.aws" }, "rawPath": "/", "headers": forged }),
        json!({ "requestContext": { "elb": {} }, "httpMethod": "GET", "path": "/", "multiValueHeaders": all }),
        json!({ "requestContext": { "serviceNetworkArn": "arn" }, "method": "GET", "path": "/", "headers": all }),
        // Without a context of the event's there is none.
        json!({ "raw_path": "/", "method": "GET", "headers": forged }),
        json!({ "httpMethod": "GET", "path": "/", "headers": forged }),
    ] {
        let mut seen = Seen::of_event(&host, &event);
        assert_eq!(value(&mut seen, "x-kept"), "1");
        assert_eq!(seen.headers, [], "{event}");
    }
    host.finish();
}

#[test]
fn headers_of_the_connection_do_not_arrive() {
    let host = start("http_seen");
    let headers = json!({
        "Connection": "close", "Keep-Alive": "timeout=5", "Transfer-Encoding": "chunked", "TE": "trailers",
        "Trailer": "x", "Upgrade": "websocket", "Proxy-Connection": "close", "Host": "a.example:80", "X-Kept": "ä",
    });
    let mut seen = Seen::of_event(&host, &event(json!({ "headers": headers })));
    assert_eq!(seen.origin, "https://a.example:80");
    assert_eq!(value(&mut seen, "x-kept"), "ä");
    assert_eq!(seen.headers, []);
    host.finish();
}

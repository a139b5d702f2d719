//! The parts of a request outside its record and its target: scheme, authority, the headers as a list, the context.

use serde_json::{Value, json};

use super::oddities::with;
use super::targets::{FUNCTION_URL, alb, lattice, payload_2, rest};
use super::*;

#[test]
fn the_event_source_decides_the_scheme() {
    let scheme = |event: Value, proto: &str| {
        let mut event = event;
        event["headers"] = json!({ "X-Forwarded-Proto": proto });
        request(event.to_string().as_bytes()).unwrap().scheme()
    };
    for (proto, expected) in [
        ("http", "http"),
        ("HTTP", "http"),
        ("https", "https"),
        ("", "https"),
        ("ftp", "https"),
    ] {
        assert_eq!(scheme(alb("/", json!({})), proto), expected);
        assert_eq!(scheme(rest("/", json!({})), proto), expected);
    }
    assert_eq!(scheme(lattice("/", json!({})), "http"), "https");
    assert_eq!(
        request(with(json!({})).as_bytes()).unwrap().scheme(),
        "https"
    );
}

#[test]
fn the_authority_is_the_host_or_else_the_domain() {
    let authority = |fields: Value| {
        let event = with(fields);
        request(event.as_bytes())
            .unwrap()
            .authority()
            .map(str::to_owned)
    };
    let context = json!({ "domainName": "api.example" });
    let host = json!({ "hOST": "example:8080" });
    assert_eq!(
        authority(json!({ "headers": host, "requestContext": context })).as_deref(),
        Some("example:8080")
    );
    assert_eq!(
        authority(json!({ "headers": { "host": "" }, "requestContext": context })).as_deref(),
        Some("api.example")
    );
    assert_eq!(authority(json!({})), None);
}

#[test]
fn the_clients_address_is_the_one_that_the_event_source_added() {
    for (added, address) in [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        // With the client's port, where the load balancer is told to add it.
        ("192.0.2.1:54321", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("unknown", "unknown"),
    ] {
        let mut event = alb("/", json!({}));
        event["headers"] = json!({ "x-forwarded-for": format!("spoofed, 10.0.0.1:1 , {added}") });
        let text = event.to_string();
        let request = request(text.as_bytes()).unwrap();
        assert_eq!(request.record.source_ip.as_deref(), Some(address));
    }
}

#[test]
fn headers_come_with_the_cookies_and_without_the_connections() {
    let event = with(json!({ "multiValueHeaders": {
        "Connection": ["keep-alive"], "Cookie": ["a=1; b=2", "c=3"], "TE": ["trailers"], "X": ["1", "ä"], "host": ["h"],
    } }));
    let request = request(event.as_bytes()).unwrap();
    let headers: Vec<_> = request.headers().unwrap().collect();
    let expected = [
        ("X", "1"),
        ("X", "ä"),
        ("host", "h"),
        ("cookie", "a=1; b=2; c=3"),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name, value.into())));
    assert_eq!(request.record.headers[0].0, "Connection");
}

#[test]
fn headers_that_a_client_names_as_its_connections_do_not_come() {
    let names = |headers: Value| {
        let event = with(json!({ "headers": headers, "body": "body" }));
        let request = request(event.as_bytes()).unwrap();
        let names = request.headers().unwrap().map(|(name, _)| name.to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        names(json!({ "Connection": "close, X-Hop", "x-hop": "1", "x-kept": "1" })),
        ["x-kept"]
    );
}

#[test]
fn of_two_lists_of_cookies_one_counts() {
    let mut event = payload_2(FUNCTION_URL, "/", "");
    event["headers"] = json!({ "cookie": "a=1; b=2" });
    let cookies = |event: &Value| {
        request(event.to_string().as_bytes())
            .unwrap()
            .record
            .cookies
    };
    assert_eq!(cookies(&event), ["a=1", "b=2"]);
    event["cookies"] = json!(["a=1", "b=2"]);
    assert_eq!(cookies(&event), ["a=1", "b=2"]);
}

#[test]
fn the_context_is_a_headers_value() {
    let event = "{\"httpMethod\":\"GET\",\"path\":\"/\",\"requestContext\":{\r\n\t\"stage\": \"pröd 😀\u{7f}\\n\",\n \"new\": [1]}}";
    let context = request(event.as_bytes())
        .unwrap()
        .request_context()
        .unwrap();
    assert_eq!(
        context,
        r#"{"stage": "pr\u00f6d \ud83d\ude00\u007f\n", "new": [1]}"#
    );
    assert_eq!(
        request(with(json!({})).as_bytes())
            .unwrap()
            .request_context(),
        None
    );
}

/// Of a member that is there twice the last counts, as in JavaScript.
#[test]
fn members_may_be_there_twice() {
    let event = br#"{"path":"/a","httpMethod":"GET","path":"/b","headers":{"A":"1","A":"2"}}"#;
    let request = request(event).unwrap();
    assert_eq!(request.path_and_query(), "/b");
    let values: Vec<_> = request
        .record
        .headers
        .iter()
        .map(|(_, value)| &**value)
        .collect();
    assert_eq!(values, ["1", "2"]);
}

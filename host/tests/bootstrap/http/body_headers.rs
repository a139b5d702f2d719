//! Headers that describe the body. Event sources decode a body, and pass on what the client said of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_test_support::Host;
use serde_json::json;

use super::seen::Seen;
use super::start;
use super::vouched::events;

/// A body as an event has it: bytes are base64.
#[derive(Clone, Copy)]
enum Body {
    Text(&'static str),
    Bytes(&'static [u8]),
}
use Body::{Bytes, Text};

/// Sends a request with these headers from each of the sources, and checks that the component sees these alone.
#[track_caller]
fn arrive(host: &Host, headers: &[(&str, &str)], body: Body, expected: &[(&str, &str)]) {
    for mut event in events(headers) {
        let (text, is_base64) = match body {
            Text(text) => (text.to_owned(), false),
            Bytes(bytes) => (STANDARD.encode(bytes), true),
        };
        let name = match event.get("raw_path") {
            Some(_) => "is_base64_encoded",
            None => "isBase64Encoded",
        };
        event[name] = json!(is_base64);
        event["body"] = json!(text);
        let mut seen = Seen::of_event(host, &event);
        seen.headers.sort();
        let seen: Vec<_> = seen.headers.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(seen, expected, "{event}");
    }
}

#[test]
fn the_length_is_that_of_the_body() {
    let host = start("http_seen");
    let length = |value| [("content-length", value)];
    arrive(
        &host,
        &length("61"),
        Text("{\"a\":\"text\"}"),
        &length("12"),
    );
    arrive(&host, &length("1"), Bytes(b"\xff\xfe\xfd"), &length("3"));
    arrive(&host, &length("61"), Text(""), &length("0"));
    arrive(
        &host,
        &[("CONTENT-LENGTH", "5, 5")],
        Text("ä"),
        &length("2"),
    );
    arrive(&host, &[], Text("text"), &length("4"));
    arrive(&host, &[], Text(""), &[]);
    let chunked = [
        ("content-length", "9"),
        ("Transfer-Encoding", "gzip, chunked"),
    ];
    arrive(&host, &chunked, Text("text"), &length("4"));
    let repeated = json!({ "httpMethod": "POST", "path": "/", "body": "text",
        "multiValueHeaders": { "content-length": ["1", "2"], "Content-Length": ["3"] } });
    let seen = Seen::of_event(&host, &repeated);
    assert_eq!(seen.headers, [("content-length".into(), "4".into())]);
    host.finish();
}

#[test]
fn a_coding_that_the_body_cannot_have_is_removed() {
    let host = start("http_seen");
    let length = [("content-length", "4")];
    for coding in [
        "gzip", "GZIP", "x-gzip", "br", "zstd", "deflate", "compress", "br, gzip",
    ] {
        arrive(
            &host,
            &[("Content-Encoding", coding)],
            Text("text"),
            &length,
        );
        let empty = [("content-encoding", coding)];
        arrive(&host, &empty, Text(""), &[]);
    }
    for coding in ["gzip", "zstd", "deflate", "compress", "br, gzip"] {
        // It was decoded, and is not text.
        let coding = [("content-encoding", coding)];
        arrive(&host, &coding, Bytes(b"\xff\xfe\xfd\xfc"), &length);
    }
    host.finish();
}

#[test]
fn a_coding_that_the_body_may_have_arrives() {
    let host = start("http_seen");
    for (coding, body) in [
        ("gzip", Bytes(b"\x1f\x8b\x08\x00")),
        ("br, GZip", Bytes(b"\x1f\x8b\x08\x00")),
        ("zstd", Bytes(b"\x28\xb5\x2f\xfd")),
        ("deflate", Bytes(b"\x78\x9c\x03\x00")),
        ("compress", Bytes(b"\x1f\x9d\x90\x00")),
        // They have no mark.
        ("br", Bytes(b"\x0b\x00\x80\x61")),
        ("aws-chunked", Bytes(b"0\r\n\r")),
        ("identity", Text("text")),
    ] {
        let sent = [("content-encoding", coding)];
        let expected = [("content-encoding", coding), ("content-length", "4")];
        arrive(&host, &sent, body, &expected);
    }
    host.finish();
}

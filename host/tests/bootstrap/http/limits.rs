//! How large a response may be, by the event source.

use lambda_wasm_test_support::Host;
use serde_json::{Value, json};

use super::start;
use super::vouched::events;

const MIB: usize = 1024 * 1024;

/// A request that the guest answers with its body, from the source of this place in [`events`].
fn echo(source: usize, body: &Value) -> String {
    let mut event = events(&[]).swap_remove(source);
    let members = event.as_object_mut().unwrap();
    members.extend(body.as_object().unwrap().clone());
    event.to_string()
}

const REST: usize = 0;
const PAYLOAD_1: usize = 1;
const HTTP_API: usize = 2;
const FUNCTION_URL: usize = 3;
const ALB: [usize; 2] = [4, 5];
const LATTICE: [usize; 2] = [6, 7];

/// Why the response to such a request is too large.
#[track_caller]
fn why(host: &Host, source: usize, body: &Value) -> String {
    let error = host.invoke(echo(source, body)).error();
    assert_eq!(error.error_type(), "Function.ResponseSizeTooLarge");
    error.error_message()
}

#[track_caller]
fn fits(host: &Host, source: usize, body: &Value, is_base64: bool) {
    let answer = host.invoke(echo(source, body)).response();
    let json = answer.json();
    assert_eq!(
        (&json["statusCode"], &json["isBase64Encoded"]),
        (&json!(200), &json!(is_base64))
    );
}

#[test]
fn a_load_balancer_takes_a_megabyte_of_json() {
    let host = start("http_wstd");
    let text = |length| json!({ "body": "x".repeat(length) });
    let bytes = |length: usize| {
        let base64 = "////".repeat(length / 3);
        json!({ "body": base64, "isBase64Encoded": true })
    };
    for source in ALB {
        fits(&host, source, &text(MIB - 200), false);
        fits(&host, source, &bytes(780_000), true);
        // It fits as base64.
        let quotes = json!({ "body": "\"".repeat(700_000) });
        fits(&host, source, &quotes, true);
        for body in [text(1_500_000), text(MIB), text(5 * MIB), bytes(900_000)] {
            let why = why(&host, source, &body);
            assert!(
                why.contains("exceeded maximum allowed payload size (1048576 bytes)"),
                "{why}"
            );
            assert!(
                why.contains("an Application Load Balancer takes at most 1 MB"),
                "{why}"
            );
        }
    }
    for source in [REST, PAYLOAD_1, HTTP_API, FUNCTION_URL, LATTICE[0]] {
        fits(&host, source, &text(1_500_000), false);
    }
    host.finish();
}

/// Six megabytes are Lambda's limit less 100 bytes.
#[test]
fn lattice_takes_six_megabytes() {
    let host = start("http_wstd");
    let answer = r#"{"statusCode":200,"headers":{},"body":"","isBase64Encoded":false}"#;
    let body = |size: usize| json!({ "body": "x".repeat(size - answer.len()) });
    for source in LATTICE {
        fits(&host, source, &body(6 * MIB), false);
        let why = why(&host, source, &body(6 * MIB + 1));
        assert!(why.contains("VPC Lattice takes at most 6 MB"), "{why}");
    }
    fits(&host, FUNCTION_URL, &body(6 * MIB + 1), false);
    host.finish();
}

/// A REST API would hand the base64 to the client.
#[test]
fn a_rest_api_gets_text_as_text() {
    let host = start("http_wstd");
    let quotes = json!({ "body": "\"".repeat(2_600_000) });
    let larger = json!({ "body": "\"".repeat(3_200_000) });
    fits(&host, REST, &quotes, false);
    let why = why(&host, REST, &larger);
    assert!(why.contains("unless it has binary media types"), "{why}");
    for source in [PAYLOAD_1, HTTP_API, FUNCTION_URL, LATTICE[0]] {
        fits(&host, source, &larger, true);
    }
    host.finish();
}

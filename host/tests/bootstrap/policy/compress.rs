//! Responses that the host compresses, since the policy says so and the client accepts it.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use lambda_wasm_emulator::Outcome;
use lambda_wasm_test_support::{Deployment, Host};
use serde_json::{Value, json};

use crate::http::seen::response;
use crate::http::streamed::whole;
use crate::http::{BOTH, event};

const ON: &str = "compress = true\n";

/// Sends a request to this target that accepts these codings.
fn ask(host: &Host, method: &str, target: &str, accept: &str, body: &str) -> Outcome {
    let mut event: Value = serde_json::from_str(&event(method, target, body)).unwrap();
    event["headers"]["accept-encoding"] = accept.into();
    event["headers"]["x-echo"] = "response".into();
    host.invoke(event.to_string())
}

/// The answer to a request that has the component respond so.
#[track_caller]
fn answer(host: &Host, method: &str, accept: &str, said: &str) -> Value {
    ask(host, method, "/", accept, said).response().json()
}

fn text() -> Vec<u8> {
    b"{\"a\": \"the same and the same again\"}".repeat(40)
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut body).unwrap();
    body
}

#[track_caller]
fn inflated(answer: &Value) -> Vec<u8> {
    assert_eq!(answer["isBase64Encoded"], true, "{answer}");
    assert_eq!(answer["headers"]["content-encoding"], "gzip", "{answer}");
    gunzip(&STANDARD.decode(answer["body"].as_str().unwrap()).unwrap())
}

#[test]
fn a_response_is_compressed_for_a_client_that_accepts_it() {
    let host = Deployment::of("http_seen").policy(ON).start();
    let length = text().len().to_string();
    let said = response(
        200,
        &[
            ("Content-Type", b"application/json"),
            ("content-length", length.as_bytes()),
            ("etag", b"\"1\""),
            ("accept-ranges", b"bytes"),
            ("vary", b"origin"),
        ],
        &text(),
    );
    let compressed = answer(&host, "POST", "br, gzip;q=0.5", &said);
    assert_eq!(inflated(&compressed), text());
    let headers = &compressed["headers"];
    let body = STANDARD.decode(compressed["body"].as_str().unwrap());
    assert_eq!(headers["content-length"], body.unwrap().len().to_string());
    assert_eq!(headers["etag"], "W/\"1\"");
    assert_eq!(headers["vary"], "origin, accept-encoding");
    assert_eq!(headers["accept-ranges"], json!(null));
    for accept in ["", "br", "gzip;q=0", "identity, gzip;q=0.5"] {
        let plain = answer(&host, "POST", accept, &said);
        assert_eq!(
            plain["body"].as_str().unwrap().as_bytes(),
            text(),
            "{accept}"
        );
        let headers = &plain["headers"];
        assert_eq!(headers["content-encoding"], json!(null), "{accept}");
        assert_eq!(headers["content-length"], length.as_str());
        assert_eq!(headers["etag"], "\"1\"");
        assert_eq!(headers["vary"], "origin, accept-encoding");
    }
    host.finish();
}

#[test]
fn some_responses_are_not_compressed() {
    let host = Deployment::of("http_seen").policy(ON).start();
    for (status, header, varies) in [
        (200, ("content-encoding", "identity"), false),
        (206, ("x-a", "b"), false),
        (200, ("content-range", "bytes 0-1/2"), false),
        (204, ("x-a", "b"), false),
        (304, ("x-a", "b"), true),
        (200, ("content-type", "image/png"), false),
        (200, ("content-type", "application/zip"), false),
        (200, ("cache-control", "private, no-transform"), false),
        (200, ("repr-digest", "sha-256=:AA=:"), false),
    ] {
        let (name, value) = header;
        let said = response(status, &[(name, value.as_bytes())], &text());
        let answer = answer(&host, "POST", "gzip", &said);
        let coded = answer["headers"]["content-encoding"] == "gzip";
        assert!(!coded && answer["headers"][name] == value, "{answer}");
        assert_eq!(
            answer["headers"]["vary"] == "accept-encoding",
            varies,
            "{answer}"
        );
    }
    // One that would get larger.
    let small = answer(&host, "POST", "gzip", &response(200, &[], b"ok"));
    assert_eq!(
        (&small["body"], &small["headers"]["vary"]),
        (&json!("ok"), &json!("accept-encoding"))
    );
    let head = answer(&host, "HEAD", "gzip", &response(200, &[], &text()));
    assert_eq!(head["headers"], json!({ "vary": "accept-encoding" }));
    host.finish();
    let host = Deployment::of("http_seen").start();
    let off = answer(&host, "POST", "gzip", &response(200, &[], &text()));
    assert_eq!(off["headers"], json!({}), "{off}");
    host.finish();
}

#[test]
fn compression_lets_a_large_response_fit() {
    for name in BOTH {
        let host = Deployment::of(name).policy(ON).start();
        let target = "/big?bytes=8000000";
        let answer = ask(&host, "GET", target, "gzip", "").response().json();
        assert_eq!(inflated(&answer).len(), 8_000_000, "{name}");
        let error = ask(&host, "GET", target, "br", "").error();
        assert_eq!(error.error_type(), "Function.ResponseSizeTooLarge");
        let message = error.error_message();
        for words in ["8000000 bytes", "`stream = true`", "`compress = true`"] {
            assert!(message.contains(words), "{message}");
        }
        host.finish();
    }
}

#[test]
fn each_chunk_of_a_streamed_response_can_be_read_when_it_leaves() {
    for name in BOTH {
        let policy = format!("stream = true\n{ON}");
        let host = Deployment::of(name).policy(&policy).start();
        let target = "/chunks?n=3&size=5000";
        let streamed = whole(ask(&host, "GET", target, "gzip", "").streamed());
        assert_eq!(streamed.prelude["headers"]["content-encoding"], "gzip");
        assert_eq!(streamed.prelude["headers"]["vary"], "accept-encoding");
        let body = gunzip(&streamed.body);
        assert_eq!(body.len(), 15_000, "{name}");
        assert!(streamed.body.len() < 1000);
        let streamed = whole(ask(&host, "GET", "/empty", "gzip", "").streamed());
        assert_eq!(gunzip(&streamed.body), b"", "{name}");
        let streamed = whole(ask(&host, "GET", target, "", "").streamed());
        assert_eq!(streamed.body.len(), 15_000, "{name}");

        let (chunks, _) = ask(&host, "GET", "/chunks?n=2&size=9&pause=50", "gzip", "")
            .streamed()
            .wait();
        let all: Vec<u8> = chunks
            .iter()
            .flat_map(|chunk| chunk.bytes.to_vec())
            .collect();
        let start = all
            .windows(2)
            .position(|pair| pair == [0x1f, 0x8b])
            .unwrap();
        // The second chunk, its end and the trailer are behind what makes the first one readable.
        let mut first = [0; 9];
        let cut = &all[start..all.len() - 12];
        GzDecoder::new(cut).read_exact(&mut first).unwrap();
        assert_eq!(&first, b"aaaaaaaaa", "{name}");
        host.finish();
    }
}

#[test]
fn an_api_functions_response_too() {
    let host = Deployment::of("api").policy(ON).start();
    let body = String::from_utf8(text()).unwrap();
    let answer = ask(&host, "POST", "/body", "gzip", &body).response().json();
    assert_eq!(inflated(&answer), text());
    host.finish();
}

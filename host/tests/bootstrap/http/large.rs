//! Large binary bodies, through a function URL, where they are base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_emulator::{End, Outcome};
use lambda_wasm_test_support::Host;
use serde_json::{Value, json};

use super::streamed::whole;
use super::{start, start_streaming};

/// Bytes of which no half is UTF-8, and no two pieces are alike.
fn binary(length: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length / 4)
        .flat_map(|number| number.wrapping_mul(0x9e37_79b1).to_be_bytes())
        .collect();
    bytes.resize(length as usize, 0xff);
    bytes
}

/// Sends a body, for the component to echo.
fn send(host: &Host, body: &[u8]) -> Outcome {
    let mut event: Value = serde_json::from_str(&super::event("POST", "/", "")).unwrap();
    event["body"] = STANDARD.encode(body).into();
    event["isBase64Encoded"] = true.into();
    event["headers"]["content-type"] = "application/octet-stream".into();
    host.invoke(event.to_string())
}

/// In base64 it is almost what Lambda allows, in both directions. What the host holds for it is no reason to begin anew. On a
/// busy machine the freed memory is sometimes in pieces that stay, so that one of three has to do without.
#[test]
fn a_large_body_is_echoed() {
    let host = start("http_wstd");
    let body = binary(4_500_001);
    let is_the_same_process = |_| {
        let life = host.life();
        let answer = send(&host, &body).response().json();
        assert_eq!(
            (&answer["statusCode"], &answer["isBase64Encoded"]),
            (&json!(200), &json!(true))
        );
        assert_eq!(
            answer["headers"],
            json!({ "content-type": "application/octet-stream" })
        );
        assert!(STANDARD.decode(answer["body"].as_str().unwrap()).unwrap() == body);
        assert_eq!(send(&host, b"next").response().json()["statusCode"], 200);
        host.life() == life
    };
    assert!((0..3).any(is_the_same_process), "another process each time");
    host.finish();
}

#[test]
fn a_streamed_answer_may_be_larger() {
    let host = start_streaming("http_wstd");
    let body = binary(5_000_000);
    let answer = whole(send(&host, &body).streamed());
    assert!(matches!(answer.end, End::Complete), "{:?}", answer.end);
    assert_eq!(
        answer.prelude,
        json!({
            "statusCode": 200,
            "headers": { "content-type": "application/octet-stream" },
            "cookies": [],
        })
    );
    assert!(answer.body == body);
    host.finish();
}

/// The body is within the limit, and in base64 it is not.
#[test]
fn a_body_that_base64_makes_too_large_is_refused() {
    let host = start("http_wstd");
    let error = send(&host, &binary(5_000_000)).error();
    assert_eq!(error.error_type(), "Function.ResponseSizeTooLarge");
    assert_eq!(
        error.error_message(),
        "Response payload size (6666786 bytes) exceeded maximum allowed payload size (6291556 bytes).\nhint: set `stream = true` in the policy and have the event source stream, or set `compress = true`, for clients that accept gzip"
    );
    let next = send(&host, b"\xffnext").response().json();
    assert_eq!(next["body"], STANDARD.encode(b"\xffnext"));
    host.finish();
}

//! Requests to AWS, as they leave the host: signed by it, in the way that the function chose.

use std::thread;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::{
    Deployment, Host, ScriptedApi,
    signature::{Signed, verify},
};
use serde_json::{Value, json};

use super::{BOTH, Sender as _};
use crate::http::event;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "the-real-session-token";

/// The placeholder's key.
const PLACEHOLDER: &str = "ASIAPLACEHOLDER00000";

/// A function whose requests to `endpoint` are signed, for these services.
fn signing(name: &str, endpoint: &str, services: &[&str]) -> Host {
    let policy = format!("[http]\nallow = [{endpoint:?}]\n[aws]\nsign = {services:?}\n");
    Deployment::of(name)
        .policy(policy)
        .envs(&[
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_SESSION_TOKEN", TOKEN),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", endpoint),
        ])
        .start()
}

/// What of a request left, and is signed rightly; the server answers with `answered`.
#[track_caller]
fn sent(name: &str, service: &str, mut asked: Value) -> Signed {
    let server = ScriptedApi::start();
    let endpoint = format!("http://{}", server.address());
    let path = asked["path"].as_str().unwrap().to_owned();
    asked["url"] = format!("{endpoint}{path}").into();
    let sender = signing(name, &endpoint, &[service]);
    let serving = thread::spawn(move || {
        let mut connection = server.accept();
        let request = connection.request();
        connection.answer("200 OK", "", "taken");
        request
    });
    let fetched = sender.fetch(&asked);
    assert_eq!(fetched["body"], "taken", "{name}: {fetched}");
    let request = serving.join().unwrap();
    let whole = format!("{}\n{}", request.line, request.headers);
    assert!(!whole.to_lowercase().contains("placeholder"), "{whole}");
    let output = sender.finish();
    assert!(!format!("{output:?}").contains(SECRET), "{output:?}");
    let signed = verify(&request, SECRET);
    assert_eq!(signed.key, "AKIDEXAMPLE");
    assert_eq!(signed.headers["x-amz-security-token"], TOKEN);
    assert_eq!((&*signed.service, &*signed.region), (service, "eu-west-1"));
    signed
}

fn claim(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={PLACEHOLDER}/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host;x-amz-date, Signature={}",
        "0".repeat(64)
    )
}

/// The headers of an SDK that signs for S3 with placeholders, in this way.
fn as_sdk(payload: &str, more: Value) -> Value {
    let mut headers = json!({
        "authorization": claim("s3"),
        "x-amz-date": "20260101T000000Z",
        "x-amz-security-token": "placeholder-the-host-signs-requests",
        "x-amz-content-sha256": payload,
    });
    let more = more.as_object().unwrap().clone();
    headers.as_object_mut().unwrap().extend(more);
    headers
}

#[test]
fn a_plain_request() {
    for name in BOTH {
        let signed = sent(
            name,
            "dynamodb",
            json!({
                "path": "/a%20b?z=1&a",
                "method": "POST",
                "headers": {"x-amz-target": "DynamoDB_20120810.GetItem", "content-type": "application/x-amz-json-1.0"},
                "body": "{\"TableName\": \"t\"}",
            }),
        );
        assert_eq!(signed.headers["content-length"], "18");
        // DynamoDB asks for no header with the hash.
        assert!(!signed.headers.contains_key("x-amz-content-sha256"));
        let signed = sent(name, "s3", json!({"path": "/bucket/a%2Fb%2B%20c"}));
        assert_eq!(
            signed.payload.len(),
            64,
            "by its hash, since it is not by TLS"
        );
        let raw = json!({"path": "/bucket/year=2024/part(1)@x*!.json"});
        sent(name, "s3", raw);
    }
}

/// As it does without a signature.
#[test]
fn a_get_waits_for_no_body_that_does_not_come() {
    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for name in BOTH {
        let asked = json!({"path": "/", "body": "late", "body_ms": 1000});
        let signed = sent(name, "execute-api", asked);
        assert_eq!(signed.payload, NOTHING);
        assert!(!signed.headers.contains_key("transfer-encoding"));
        let asked = json!({"path": "/", "body": "soon", "body_ms": 30});
        let signed = sent(name, "execute-api", asked);
        assert_ne!(signed.payload, NOTHING);
        assert_eq!(signed.headers["content-length"], "4");
    }
}

#[test]
fn an_sdks_request_is_re_signed() {
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    for name in BOTH {
        for payload in [hash, "UNSIGNED-PAYLOAD"] {
            let asked = json!({
                "path": "/bucket/key%20%2B?x-id=PutObject",
                "method": "PUT",
                "headers": as_sdk(payload, json!({"content-length": "5"})),
                "body": "hello",
            });
            assert_eq!(sent(name, "s3", asked).payload, payload);
        }
    }
}

#[test]
fn a_presigned_request_is_re_signed() {
    for name in BOTH {
        let path = format!(
            "/bucket/key?x-id=GetObject&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={PLACEHOLDER}%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=placeholder-the-host-signs-requests&X-Amz-Signature={}",
            "0".repeat(64)
        );
        let signed = sent(name, "s3", json!({"path": path}));
        assert_eq!(signed.payload, "UNSIGNED-PAYLOAD");
    }
}

#[test]
fn every_chunk_is_re_signed() {
    let zeros = "0".repeat(64);
    let data = "a".repeat(1000);
    for name in BOTH {
        for (mode, trailer) in [
            ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", String::new()),
            (
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
                format!("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{zeros}\r\n"),
            ),
        ] {
            let chunk = format!("3e8;chunk-signature={zeros}\r\n{data}\r\n");
            let body = format!("{chunk}{chunk}0;chunk-signature={zeros}\r\n{trailer}\r\n");
            let more = json!({
                "content-length": body.len().to_string(),
                "content-encoding": "aws-chunked",
                "x-amz-decoded-content-length": "2000",
            });
            let asked = json!({
                "path": "/bucket/key",
                "method": "PUT",
                "headers": as_sdk(mode, more),
                "body": body,
            });
            assert_eq!(sent(name, "s3", asked).chunks, 3, "{name}, {mode}");
        }
        // Signed as a whole by its literal, and its trailers are not.
        let body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
        let mode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
        let more = json!({
            "content-length": body.len().to_string(),
            "content-encoding": "aws-chunked",
            "x-amz-decoded-content-length": "5",
            "x-amz-trailer": "x-amz-checksum-crc32",
        });
        let asked = json!({
            "path": "/bucket/key",
            "method": "PUT",
            "headers": as_sdk(mode, more),
            "body": body,
        });
        assert_eq!(sent(name, "s3", asked).payload, mode);
    }
}

#[test]
fn placeholders_never_leave() {
    for name in BOTH {
        let server = ScriptedApi::start();
        let endpoint = format!("http://{}", server.address());
        let elsewhere = ScriptedApi::start();
        let other = format!("http://{}", elsewhere.address());
        let policy = format!("[http]\nallow = [{endpoint:?}, {other:?}]\n[aws]\nsign = [\"s3\"]\n");
        let sender = Deployment::of(name)
            .policy(policy)
            .envs(&[
                ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", SECRET),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ENDPOINT_URL", &endpoint),
            ])
            .start();
        let denied = |url: &str, headers: Value| {
            let fetched = sender.fetch(&json!({"url": url, "headers": headers}));
            assert_eq!(fetched["error"], "HttpRequestDenied", "{name}: {fetched}");
        };
        denied(&endpoint, json!({"authorization": claim("sqs")}));
        denied(&other, json!({"authorization": claim("s3")}));
        denied(&other, json!({"x-note": PLACEHOLDER}));
        denied(&format!("{other}/{PLACEHOLDER}"), json!({}));
        let stderr = sender.finish().stderr;
        for why in [
            "it is for the service sqs: to have it signed, add \"sqs\" to `sign` under [aws]",
            "its host is not an endpoint of AWS: if it is an endpoint, set AWS_ENDPOINT_URL_<SERVICE>",
            "it contains placeholder credentials",
        ] {
            assert!(stderr.contains(why), "{name}: {stderr}");
        }
        let quiet = std::time::Duration::from_millis(50);
        assert_eq!(server.count_connections(quiet), 0);
        assert_eq!(elsewhere.count_connections(quiet), 0);
    }
}

/// One of the function's own is left as it is.
#[test]
fn another_authorization_is_not_touched() {
    let server = ScriptedApi::start();
    let endpoint = format!("http://{}", server.address());
    let sender = signing("http_p2", &endpoint, &["s3"]);
    let serving = thread::spawn(move || {
        let mut connection = server.accept();
        let request = connection.request();
        connection.answer("200 OK", "", "");
        request
    });
    let asked = json!({"url": endpoint, "headers": {"authorization": "Bearer abc"}});
    let event = event("POST", "/fetch", &asked.to_string());
    sender.api.invoke(Invocation::new(event)).response();
    let headers = serving.join().unwrap().headers.to_lowercase();
    assert!(
        headers.contains("authorization: bearer abc\r\n"),
        "{headers}"
    );
    assert!(!headers.contains("x-amz-"), "{headers}");
    sender.finish();
}

//! Compressed bodies of a REST API.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/served.rs"]
mod served;

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use served::{Reply, Served};

const TEMPLATE: &str = r#"
Globals: { Api: { MinimumCompressionSize: 100 } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Rest: { Type: Api, Properties: { Path: "/{what}", Method: any } }
        Http: { Type: HttpApi, Properties: { Path: /http/large, Method: get } }
"#;

fn large() -> String {
    "a".repeat(100)
}

fn respond(_function: &str, event: &Value) -> Reply {
    let what = event["pathParameters"]["what"].as_str();
    let body = match what {
        Some("small") => "a".repeat(99),
        _ => large(),
    };
    let headers = match what {
        Some("encoded") => json!({ "content-encoding": "br" }),
        _ => json!({}),
    };
    json!({ "statusCode": 200, "headers": headers, "body": body }).into()
}

fn text(mut decoder: impl Read) -> String {
    let mut text = String::new();
    decoder.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_large_response_is_compressed_for_a_client_that_accepts_it() {
    let apis = Served::apis(TEMPLATE, respond);
    let gzip = apis.get("/large", &[("accept-encoding", "gzip, br")]);
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    assert_eq!(text(GzDecoder::new(&*gzip.body)), large());
    let length = gzip.body.len().to_string();
    assert_eq!(gzip.header("content-length"), Some(&*length));
    let deflate = apis.get("/large", &[("accept-encoding", "deflate")]);
    assert_eq!(deflate.header("content-encoding"), Some("deflate"));
    assert_eq!(text(ZlibDecoder::new(&*deflate.body)), large());
    for (path, accepted) in [
        ("/large", "*"),
        ("/large", "br, gzip"),
        ("/small", "gzip"),
        ("/http/large", "gzip"),
    ] {
        let plain = apis.get(path, &[("accept-encoding", accepted)]);
        assert_eq!(plain.header("content-encoding"), None, "{path} {accepted}");
    }
    assert_eq!(apis.get("/large", &[]).text(), large());
    let encoded = apis.get("/encoded", &[("accept-encoding", "gzip")]);
    assert_eq!(encoded.header("content-encoding"), Some("br"));
}

#[test]
fn a_large_request_is_decompressed() {
    let apis = Served::apis(TEMPLATE, respond);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(large().as_bytes()).unwrap();
    let gzip = encoder.finish().unwrap();
    let headers = [("content-encoding", "gzip"), ("content-type", "text/plain")];
    assert_eq!(apis.send("POST", "/x", &headers, gzip).status, 200);
    let event = apis.event("F");
    assert_eq!(event["body"], large());
    assert_eq!(event["headers"]["Content-Encoding"], Value::Null);
    let refused = r#"{"message":"Unsupported Media Type"}"#;
    for coding in ["gzip", "br"] {
        let answer = apis.send("POST", "/x", &[("content-encoding", coding)], large());
        assert_eq!(answer.status_and_text(), (415, refused.to_owned()));
    }
}

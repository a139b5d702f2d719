//! Which requests the host signs for AWS, and what it says of those that it does not sign.

use std::thread;

use lambda_wasm_test_support::{Deployment, ScriptedApi};
use serde_json::{Value, json};

use super::servers::{Authority, Server};
use super::{BOTH, Sender as _};
use crate::refusal::refusal;

const OWN: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_REGION", "eu-west-1"),
];

/// A function that may send requests to these origins, and has them signed for these services.
fn function(name: &str, origins: &[&str], services: &[&str]) -> Deployment {
    let policy = format!("[http]\nallow = {origins:?}\n[aws]\nsign = {services:?}\n");
    Deployment::of(name).policy(policy)
}

/// The headers with which the request that was `asked` for arrives at an endpoint of this service.
fn arrives(name: &str, service: &str, mut asked: Value) -> String {
    let server = ScriptedApi::start();
    let endpoint = format!("http://{}", server.address());
    asked["url"] = format!("{endpoint}/key").into();
    let variables = [&OWN[..], &[("AWS_ENDPOINT_URL", &*endpoint)]].concat();
    let sender = function(name, &[&endpoint], &[service])
        .envs(&variables)
        .start();
    let serving = thread::spawn(move || {
        let mut connection = server.accept();
        let request = connection.request();
        connection.answer("200 OK", "", "taken");
        request
    });
    let fetched = sender.fetch(&asked);
    assert_eq!(fetched["body"], "taken", "{name}: {fetched}");
    sender.finish();
    serving.join().unwrap().headers.to_lowercase()
}

/// S3 answers 501 to others.
#[test]
fn a_body_leaves_with_its_length() {
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    for name in BOTH {
        for (service, payload) in [
            ("s3", "UNSIGNED-PAYLOAD"),
            ("s3", hash),
            ("s3express", "UNSIGNED-PAYLOAD"),
            ("dynamodb", hash),
        ] {
            let headers = json!({"x-amz-content-sha256": payload});
            let asked = json!({"method": "PUT", "headers": headers, "body": "hello"});
            let headers = arrives(name, service, asked);
            assert!(headers.contains("content-length: 5\r\n"), "{headers}");
            assert!(!headers.contains("transfer-encoding"), "{headers}");
            assert!(headers.contains("authorization: aws4-hmac-sha256 credential=akidexample/"));
        }
    }
}

/// Over TLS, plain requests to S3 are signed without a hash, and have a length nevertheless.
#[test]
fn a_body_for_s3_leaves_with_its_length_over_tls() {
    for name in BOTH {
        for protocol in [b"h2".as_slice(), b"http/1.1"] {
            let authority = Authority::new("localhost", &[protocol]);
            let server = Server::tls(&authority);
            let origin = server.origin("https");
            let file = authority.file();
            let more = [
                ("AWS_ENDPOINT_URL_S3", &*origin),
                ("SSL_CERT_FILE", file.to_str().unwrap()),
            ];
            let variables = [&OWN[..], &more].concat();
            let sender = function(name, &[&origin], &["s3"]).envs(&variables).start();
            let fetched = sender.fetch(&json!({"url": origin, "method": "PUT", "body": "hello"}));
            assert_eq!(fetched["body"], "hello", "{fetched}");
            let headers = fetched["headers"].to_string();
            assert!(
                headers.contains(r#"["x-framing","5"]"#),
                "{name}: {headers}"
            );
            // Larger ones than are held are refused in words.
            let asked =
                json!({"url": origin, "method": "PUT", "body": "x".repeat(65536), "times": 600});
            let error = sender.fetch(&asked)["error"].to_string();
            assert!(error.contains("HttpRequestBodySize"), "{error}");
            let stderr = sender.finish().stderr;
            assert!(
                stderr.contains(
                    "it has no Content-Length, and its body does not fit into the 32 MiB"
                ),
                "{stderr}"
            );
        }
    }
}

/// Tries to send a request to each of these, which ends before it leaves this machine, and returns the log.
fn tried(name: &str, urls: &[&str], services: &[&str], headers: &Value) -> String {
    let sender = function(name, urls, services).envs(&OWN).start();
    for url in urls {
        sender.fetch(&json!({"url": url, "headers": headers, "connect_ms": 1}));
    }
    sender.finish().stderr
}

#[test]
fn unsigned_requests_are_logged() {
    for name in BOTH {
        let told = [
            ("https://sqs.eu-west-1.amazonaws.com", "for the service sqs"),
            (
                "https://s3.eu-west-2.amazonaws.com",
                "for the region eu-west-2",
            ),
            (
                "https://a--euw1-az1--x-s3.s3express-euw1-az1.eu-west-1.amazonaws.com",
                "for the service s3express",
            ),
            ("https://a.lambda-url.eu-west-1.on.aws", "a customer of AWS"),
            ("https://a.eu-west-1.elb.amazonaws.com", "a customer of AWS"),
            (
                "https://a.accesspoint.s3-global.amazonaws.com",
                "Version 4A",
            ),
        ];
        let urls = told.map(|(url, _)| url);
        let stderr = tried(name, &urls, &["s3"], &json!({}));
        for (url, why) in told {
            let line = stderr.lines().find(|line| line.contains(url));
            let line = line.unwrap_or_else(|| panic!("{url}: {stderr}"));
            assert!(
                line.contains("is not signed: ") && line.contains(why),
                "{line}"
            );
        }
        let bearer = json!({"authorization": "Bearer token"});
        let stderr = tried(
            name,
            &["https://s3.eu-west-1.amazonaws.com"],
            &["s3"],
            &bearer,
        );
        assert!(stderr.contains("carries another authorization"), "{stderr}");
    }
}

#[test]
fn signed_requests_are_not_logged() {
    for (service, url) in [
        (
            "appsync",
            "https://abc123.appsync-api.eu-west-1.amazonaws.com",
        ),
        ("iotdata", "https://a1b2-ats.iot.eu-west-1.amazonaws.com"),
        (
            "kinesis",
            "https://123456789012.data-kinesis.eu-west-1.amazonaws.com",
        ),
        ("sqs", "https://eu-west-1.queue.amazonaws.com"),
        ("states", "https://sync-states.eu-west-1.amazonaws.com"),
        (
            "timestream",
            "https://query-cell1.timestream.eu-west-1.amazonaws.com",
        ),
    ] {
        let claim = format!(
            "AWS4-HMAC-SHA256 Credential=ASIAPLACEHOLDER00000/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        for headers in [json!({}), json!({"authorization": claim})] {
            let stderr = tried("http_p2", &[url], &[service], &headers);
            assert!(!stderr.contains("is not signed"), "{stderr}");
            assert!(!stderr.contains("was denied"), "{stderr}");
        }
    }
}

#[test]
fn a_name_that_never_signs_ends_the_start() {
    for (name, near) in [
        ("dynamodbb", "dynamodb"),
        ("email", "ses"),
        ("iotsecuredtunneling", "IoTSecuredTunneling"),
        ("eventbridge", "events"),
    ] {
        let refusal = refusal(&function("http_p2", &[], &[name]));
        assert_eq!(refusal.error_type, "Runtime.InvalidPolicy");
        let why = format!(
            "\"{name}\" is not the name of a service in AWS's signatures\nhint: did you mean \"{near}\"?"
        );
        assert!(refusal.message.contains(&why), "{}", refusal.message);
    }
}

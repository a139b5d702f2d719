//! The fields of the lines about requests, in a log of JSON.

use lambda_wasm_test_support::Deployment;
use serde_json::Value;

use super::servers::Server;
use super::{BOTH, Sender};

/// The lines of the host about the requests to these URLs, which a function with this policy sends.
#[track_caller]
fn lines(name: &'static str, policy: &str, urls: &[&str]) -> Vec<Value> {
    let variables = [
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let host = Deployment::of(name).policy(policy).envs(&variables).start();
    for url in urls {
        host.get(url);
    }
    let stderr = host.finish().stderr;
    let parsed = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    stderr.lines().map(parsed).collect()
}

#[test]
fn a_request_that_is_denied_has_its_origin() {
    for name in BOTH {
        let lines = lines(name, "", &["https://api.example.com/a?b"]);
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!(line["origin"], "https://api.example.com");
        assert_eq!(line["level"], "WARN");
        assert!(line["requestId"].is_string(), "{line}");
        assert!(line.get("durationMs").is_none(), "{line}");
    }
}

#[test]
fn a_request_that_fails_has_its_origin_and_duration() {
    for name in BOTH {
        let policy = "[http]\nallow = [\"http://127.0.0.1:1\"]\n";
        let lines = lines(name, policy, &["http://127.0.0.1:1/"]);
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!(line["origin"], "http://127.0.0.1:1");
        assert!(line["durationMs"].is_u64(), "{line}");
        let message = line["message"].as_str().unwrap();
        assert!(message.ends_with("the connection was refused"), "{message}");
    }
}

#[test]
fn a_request_that_succeeds_has_no_line() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let policy = format!("[http]\nallow = [{origin:?}]\n");
        let lines = lines(name, &policy, &[&origin]);
        assert!(lines.is_empty(), "{lines:?}");
    }
}

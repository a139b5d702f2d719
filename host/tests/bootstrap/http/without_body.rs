//! Responses without a body, which may say how long it would be: those to HEAD, and those that say that nothing has changed.

use lambda_wasm_emulator::End;
use serde_json::json;

use super::responses::respond;
use super::streamed::whole;
use super::{BOTH, ask, start, start_streaming};

const LENGTH: &str = "/length?says=5&bytes=0";

/// The answer does not say it: its body has another length.
#[test]
fn a_response_to_head_has_a_length_and_no_body() {
    for name in BOTH {
        let host = start(name);
        assert_eq!(
            ask(&host, "HEAD", LENGTH, "").response().text(),
            r#"{"statusCode":200,"headers":{},"cookies":[],"body":"","isBase64Encoded":false}"#,
            "{name}"
        );
        host.finish();
        let host = start_streaming(name);
        let answer = whole(ask(&host, "HEAD", LENGTH, "").streamed());
        assert!(
            matches!(answer.end, End::Complete),
            "{name}: {:?}",
            answer.end
        );
        assert_eq!(
            answer.prelude,
            json!({ "statusCode": 200, "headers": {}, "cookies": [] })
        );
        assert_eq!(answer.body, b"");
        host.finish();
    }
}

#[test]
fn an_incomplete_body_is_an_error() {
    for name in BOTH {
        let host = start(name);
        for (method, target) in [
            ("GET", LENGTH),
            ("POST", LENGTH),
            ("HEAD", "/length?says=5&bytes=3"),
            ("HEAD", "/fail"),
        ] {
            let error = ask(&host, method, target, "").error();
            assert_eq!(
                error.error_type(),
                "Function.UnfinishedResponse",
                "{name} {method} {target}"
            );
        }
        host.finish();
    }
}

#[test]
fn a_response_that_nothing_has_changed_has_a_length_and_no_body() {
    let host = start("http_seen");
    for (status, is_complete) in [(304, true), (200, false), (404, false)] {
        let outcome = respond(&host, status, &[("content-length", b"5")], b"");
        if is_complete {
            let answer = outcome.response().json();
            assert_eq!(
                (&answer["statusCode"], &answer["body"]),
                (&json!(status), &json!(""))
            );
            assert_eq!(answer["multiValueHeaders"], json!({}));
        } else {
            let error = outcome.error();
            assert_eq!(
                error.error_type(),
                "Function.UnfinishedResponse",
                "{status}"
            );
        }
    }
    host.finish();
}

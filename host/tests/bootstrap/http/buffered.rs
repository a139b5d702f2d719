//! Answers that are sent when they are complete.

use lambda_wasm_test_support::Deployment;

use super::{BOTH, ask, get, get_error, start};

#[test]
fn a_request_arrives_and_its_response_is_the_answer() {
    for name in BOTH {
        let host = start(name);
        let answer = ask(&host, "PUT", "/echo?a=1&b=%2F", "the body").response();
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let answer = answer.json();
        assert_eq!(answer["statusCode"], 200, "{name}: {answer}");
        assert_eq!(answer["isBase64Encoded"], false);
        let seen: serde_json::Value =
            serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(seen["method"], "PUT", "{name}: {seen}");
        assert_eq!(seen["scheme"], "https");
        assert_eq!(seen["authority"], "id.lambda-url.eu-west-1.on.aws");
        assert_eq!(seen["path_with_query"], "/echo?a=1&b=%2F");
        assert_eq!(seen["body"], "dGhlIGJvZHk=");
        host.finish();
    }
}

#[test]
fn statuses_headers_and_cookies() {
    for name in BOTH {
        let host = start(name);
        let answer = get(&host, "/status/418?body=tea");
        assert_eq!(
            (&answer["statusCode"], &answer["body"]),
            (&418.into(), &"tea".into())
        );
        let answer = get(&host, "/headers");
        assert_eq!(answer["cookies"].as_array().unwrap().len(), 2, "{answer}");
        assert_eq!(get(&host, "/no-body")["body"], "");
        assert_eq!(get(&host, "/empty")["body"], "");
        assert_eq!(get(&host, "/trailers")["body"], "trailers\n");
        host.finish();
    }
}

#[test]
fn chunks_are_one_body() {
    for name in BOTH {
        let host = start(name);
        for target in [
            "/chunks?n=3&size=2",
            "/chunks?n=3&size=2&pause=20",
            "/busy-chunks?n=3&size=2&spin=20",
        ] {
            let answer = get(&host, target);
            assert_eq!(answer["body"], "aabbcc", "{name} {target}");
        }
        let body = get(&host, "/chunks?n=30&size=100000")["body"].clone();
        assert_eq!(body.as_str().unwrap().len(), 3_000_000);
        host.finish();
    }
}

#[test]
fn an_answer_over_the_limit_is_measured() {
    for name in BOTH {
        let host = start(name);
        let error = get_error(&host, "/big?bytes=20000000");
        assert_eq!(
            error.error_type(),
            "Function.ResponseSizeTooLarge",
            "{name}"
        );
        assert!(error.error_message().contains("20000000 bytes"));
        assert_eq!(get(&host, "/empty")["statusCode"], 200);
        host.finish();
    }
}

#[test]
fn failures_are_reported_as_errors() {
    for name in BOTH {
        let host = start(name);
        for (target, error_type) in [
            ("/trap", "Function.Trap"),
            ("/trap-after-head", "Function.Trap"),
            ("/trap-after-chunk", "Function.Trap"),
            ("/error-code", "Function.HttpError"),
            ("/fail", "Function.UnfinishedResponse"),
            ("/unfinished", "Function.UnfinishedResponse"),
            ("/loop", "Function.Timeout"),
            ("/loop-after-head", "Function.Timeout"),
            ("/loop-in-stream", "Function.Timeout"),
            ("/sleep", "Function.Timeout"),
            ("/wait-in-stream", "Function.Timeout"),
            ("/length?says=3&bytes=2", "Function.UnfinishedResponse"),
        ] {
            let error = get_error(&host, target);
            assert_eq!(error.error_type(), error_type, "{name} {target}: {error}");
            assert_eq!(get(&host, "/empty")["statusCode"], 200, "after {target}");
        }
        host.finish();
    }
}

#[test]
fn a_component_that_gives_no_response() {
    let host = start("http_p2");
    let error = get_error(&host, "/no-response");
    assert_eq!(error.error_type(), "Function.NoResponse");
    host.finish();
}

#[test]
fn outbound_requests_are_denied() {
    for name in BOTH {
        let host = start(name);
        let answer = get(&host, "/outbound?url=http://127.0.0.1:1/");
        assert_eq!(answer["body"], r#"{"error":"HttpRequestDenied"}"#, "{name}");
        host.finish();
    }
}

#[test]
fn statuses_can_be_failures() {
    const FAIL: &str = "fail-status = \"500-599\"\n";
    for name in BOTH {
        let host = Deployment::of(name).policy(FAIL).start();
        assert_eq!(get(&host, "/status/404?body=none")["statusCode"], 404);
        let error = get_error(&host, "/status/503?body=try+later");
        assert_eq!(error.error_type(), "Function.HttpStatus");
        let message = error.error_message();
        assert!(
            message.starts_with("the function answered with the status 503: try"),
            "{message}"
        );
        host.finish();
    }
    let host = Deployment::of("api").policy(FAIL).start();
    assert_eq!(get(&host, "/body?status=404")["statusCode"], 404);
    let error = ask(&host, "POST", "/body?status=500", "try later").error();
    assert_eq!(error.error_type(), "Function.HttpStatus");
    assert_eq!(
        error.error_message(),
        "the function answered with the status 500: try later"
    );
    host.finish();
}

//! Paths of requests: base paths that the policy removes, and where events go that are not HTTP requests.

use lambda_wasm_emulator::Outcome;
use lambda_wasm_test_support::{Deployment, Host};
use serde_json::{Value, json};

use crate::refusal::refusal;

/// The event of an HTTP API with the stage `dev`.
fn http_api(path: &str) -> Value {
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "a=/dev/b", "headers": {},
        "requestContext": { "apiId": "id", "stage": "dev", "http": { "method": "GET", "path": path } },
    })
}

/// The event of a REST API with the stage `dev`, to which the client sent `requested`.
fn rest_api(path: &str, requested: &str) -> Value {
    json!({
        "httpMethod": "GET", "path": path, "resource": "/{proxy+}",
        "requestContext": { "apiId": "id", "resourceId": "r", "stage": "dev", "path": requested },
    })
}

fn load_balancer(path: &str) -> Value {
    json!({ "httpMethod": "GET", "path": path, "headers": {}, "requestContext": { "elb": {} } })
}

fn function_url(path: &str) -> Value {
    serde_json::from_str(&crate::http::event("GET", path, "")).unwrap()
}

/// The path with the query that a `wasi:http` component sees.
#[track_caller]
fn target(host: &Host, event: &Value) -> String {
    let answer = host.invoke(event.to_string()).response().json();
    let seen: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    seen["path_with_query"].as_str().unwrap().to_owned()
}

#[test]
fn a_base_path_is_removed_from_each_event_sources_path() {
    let policy = "remove-base-path = [\"/shop\", \"/shop/v2/\", \"/gr%C3%B6%C3%9Fe\"]\n";
    let host = Deployment::of("http_seen").policy(policy).start();
    for (path, expected) in [
        ("/shop/a/b", "/a/b"),
        ("/shop", "/"),
        ("/shop/", "/"),
        ("/shop/v2/a", "/a"),
        ("/shop/v20", "/v20"),
        ("/shopping/a", "/shopping/a"),
        ("/a/shop", "/a/shop"),
        ("/Shop/a", "/Shop/a"),
    ] {
        assert_eq!(target(&host, &function_url(path)), expected);
        assert_eq!(target(&host, &load_balancer(path)), expected);
        assert_eq!(target(&host, &rest_api(path, path)), expected);
        assert_eq!(
            target(&host, &http_api(path)),
            format!("{expected}?a=/dev/b")
        );
    }
    // As sent: escapes are compared by what they stand for, and stay in the rest.
    for (path, expected) in [
        ("/sh%6Fp/%61%2fb", "/%61%2fb"),
        ("/shop%2Fa", "/shop%2Fa"),
        ("/gr%c3%b6%c3%9fe/a", "/a"),
    ] {
        assert_eq!(target(&host, &function_url(path)), expected);
        assert_eq!(target(&host, &rest_api(path, path)), expected);
    }
    // Decoded.
    assert_eq!(target(&host, &http_api("/größe/ä")), "/%C3%A4?a=/dev/b");
    assert_eq!(
        target(&host, &http_api("/sh%6Fp/a")),
        "/sh%256Fp/a?a=/dev/b"
    );
    host.finish();
}

#[test]
fn the_stage_is_removed_where_the_path_has_it() {
    let policy = "remove-base-path = [\"/{stage}\", \"/shop/{stage}\"]\n";
    let host = Deployment::of("http_seen").policy(policy).start();
    let query = "?a=/dev/b";
    assert_eq!(
        target(&host, &http_api("/dev/hello")),
        format!("/hello{query}")
    );
    assert_eq!(target(&host, &http_api("/dev")), format!("/{query}"));
    assert_eq!(
        target(&host, &http_api("/develop")),
        format!("/develop{query}")
    );
    let mut event = http_api("/dev/hello");
    event["requestContext"]["stage"] = "$default".into();
    assert_eq!(target(&host, &event), format!("/dev/hello{query}"));
    // The API's own domain name: the stage is off, and a resource has the same name.
    assert_eq!(
        target(&host, &rest_api("/dev/hello", "/dev/dev/hello")),
        "/dev/hello"
    );
    // A custom domain name whose mapping names no stage, without and with a base path.
    assert_eq!(
        target(&host, &rest_api("/dev/hello", "/dev/hello")),
        "/hello"
    );
    assert_eq!(target(&host, &rest_api("/shop/dev/a", "/shop/dev/a")), "/a");
    // And one that names it.
    assert_eq!(target(&host, &rest_api("/shop/a", "/shop/a")), "/a");
    host.finish();
}

#[test]
fn an_api_function_has_the_rest_in_its_record() {
    let host = Deployment::of("api")
        .policy("remove-base-path = \"/{stage}\"\n")
        .start();
    let answer = host
        .invoke(http_api("/dev/hello").to_string())
        .response()
        .json();
    let record = answer["body"].as_str().unwrap();
    assert!(record.contains("path: \"/hello\""), "{record}");
    assert!(record.contains("\"dev\""), "{record}");
    host.finish();
}

#[test]
fn a_path_is_the_event_sources_by_default() {
    let host = Deployment::of("http_seen").start();
    assert_eq!(
        target(&host, &http_api("/dev/hello")),
        "/dev/hello?a=/dev/b"
    );
    host.finish();
}

#[test]
fn an_event_that_is_not_http_says_where_it_went() {
    for name in crate::http::BOTH {
        let host = Deployment::of(name).start();
        let error = host.invoke("{\"warmer\":true}").error();
        assert_eq!(error.error_type(), "Function.HttpStatus", "{name}");
        assert_eq!(
            error.error_message(),
            "the event is not an HTTP request, so the function received it as `POST /events`, and answered with the status 404: no such path\nhint: handle `POST /events` in the function, or set `pass-through-path` in its policy to a path that it handles"
        );
        host.finish();
    }
}

#[test]
fn the_policy_says_where_it_goes() {
    let policy = "pass-through-path = \"/status/299/a%20b\"\n";
    let host = Deployment::of("http_seen").policy(policy).start();
    let Outcome::Response(answer) = host.invoke("{\"warmer\":true}") else {
        panic!("no response");
    };
    let seen = answer.json();
    assert_eq!(seen["path_with_query"], "/status/299/a%20b");
    assert_eq!(seen["method"], "POST");
    host.finish();
    let host = Deployment::of("http_p2")
        .policy("pass-through-path = \"/status/503\"\n")
        .start();
    let error = host.invoke("[]").error();
    let message = error.error_message();
    assert!(
        message.contains("`POST /status/503`, and answered with the status 503"),
        "{message}"
    );
    host.finish();
}

#[test]
fn invalid_paths_fail_the_start() {
    for (policy, words) in [
        (
            "remove-base-path = 1\n",
            "expected a text, or a list of texts",
        ),
        ("remove-base-path = \"shop\"\n", "does not start with `/`"),
        (
            "remove-base-path = [\"/a\", \"/\"]\n",
            "has an empty segment, `.` or `..`",
        ),
        (
            "remove-base-path = \"/a/../b\"\n",
            "has an empty segment, `.` or `..`",
        ),
        ("remove-base-path = \"/a?b\"\n", "has a query or a fragment"),
        (
            "remove-base-path = \"/{Stage}\"\n",
            "hint: write it as \"/shop\", or \"/{stage}\"",
        ),
        (
            "remove-base-paths = \"/a\"\n",
            "did you mean `remove-base-path`?",
        ),
        (
            "pass-through-path = \"events\"\n",
            "hint: write an absolute path",
        ),
        (
            "pass-through-path = \"/a?b\"\n",
            "hint: write an absolute path",
        ),
        (
            "pass-through-path = \"/a b\"\n",
            "hint: write an absolute path",
        ),
        (
            "pass-through-path = true\n",
            "cannot read `pass-through-path`: invalid type: boolean `true`, expected a string",
        ),
    ] {
        let refusal = refusal(&Deployment::of("http_seen").policy(policy));
        assert_eq!(refusal.error_type, "Runtime.InvalidPolicy", "{policy}");
        assert!(refusal.message.contains(words), "{}", refusal.message);
        assert!(refusal.message.contains("hello.toml, line 1, column "));
    }
}

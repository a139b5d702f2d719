//! The headers that the host adds to a function's request, in the requests that the function sends.

use lambda_wasm_test_support::Deployment;
use serde_json::{Value, json};

use super::servers::Server;
use super::{BOTH, Sender as _, allowed};
use crate::http::seen::{LAMBDA_CONTEXT, REQUEST_CONTEXT};

/// The names of the headers that a server saw of a request with both of them.
#[track_caller]
fn names(fetched: &Value) -> Vec<&str> {
    let mut headers = fetched["headers"].as_array().unwrap().iter();
    let names = headers.find(|header| header[0] == "x-names").unwrap();
    names[1].as_str().unwrap().split(' ').collect()
}

/// A request that passes them on, as a proxy does.
fn passed_on(url: &str) -> Value {
    json!({"url": url, "headers": {
        "X-Amzn-Request-Context": "{}", LAMBDA_CONTEXT: "{}", "x-amzn-trace-id": "Root=1", "x-other": "o",
    }})
}

#[test]
fn they_stay_with_the_function() {
    for name in BOTH {
        let server = Server::plain();
        let origin = server.origin("http");
        let sender = allowed(name, &[&origin]).start();
        let fetched = sender.fetch(&passed_on(&origin));
        let seen = names(&fetched);
        assert!(!seen.contains(&REQUEST_CONTEXT), "{name}: {seen:?}");
        assert!(!seen.contains(&LAMBDA_CONTEXT), "{name}: {seen:?}");
        for other in ["x-amzn-trace-id", "x-other"] {
            assert!(seen.contains(&other), "{name}: {seen:?}");
        }
        sender.finish();
    }
}

#[test]
fn the_policy_names_who_receives_them() {
    for name in BOTH {
        let servers = [Server::plain(), Server::plain()];
        let [ours, theirs] = servers.each_ref().map(|server| server.origin("http"));
        let policy =
            format!("[http]\nallow = [{ours:?}, {theirs:?}]\nforward-context = [{ours:?}]\n");
        let sender = Deployment::of(name).policy(policy).start();
        let fetched = sender.fetch(&passed_on(&ours));
        for header in [REQUEST_CONTEXT, LAMBDA_CONTEXT] {
            assert!(names(&fetched).contains(&header), "{name}: {fetched}");
        }
        let fetched = sender.fetch(&passed_on(&theirs));
        for header in [REQUEST_CONTEXT, LAMBDA_CONTEXT] {
            assert!(!names(&fetched).contains(&header), "{name}: {fetched}");
        }
        sender.finish();
    }
}

#[test]
fn to_receive_them_is_not_to_be_reached() {
    let server = Server::plain();
    let origin = server.origin("http");
    let policy =
        format!("[http]\nallow = [\"https://a.example\"]\nforward-context = [{origin:?}]\n");
    let sender = Deployment::of("http_p2").policy(policy).start();
    sender.fails(&origin, "HttpRequestDenied");
    sender.finish();
}

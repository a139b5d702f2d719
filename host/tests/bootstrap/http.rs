//! Components of `wasi:http`, unmodified, in both of WASI's versions.

use lambda_wasm_emulator::{Invocation, Outcome, Post};
use lambda_wasm_test_support::{Deployment, Host};
use serde_json::{Value, json};

mod after_the_answer;
mod body_headers;
mod buffered;
mod events;
mod fixtures;
mod large;
mod limits;
mod malformed;
mod properties;
mod request_headers;
mod responses;
pub mod seen;
pub mod streamed;
mod third_party;
mod vouched;
mod without_body;

/// The components that do the same by WASI 0.2 and 0.3.
pub const BOTH: [&str; 2] = ["http_p2", "http_p3"];

/// Starts a guest.
fn start(guest: &str) -> Host {
    Deployment::of(guest).start()
}

/// Starts a guest whose responses are streamed.
fn start_streaming(guest: &str) -> Host {
    Deployment::of(guest).policy("stream = true\n").start()
}

/// The event of a request for this target, from a function URL.
pub fn event(method: &str, target: &str, body: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "id.lambda-url.eu-west-1.on.aws", "x-forwarded-proto": "https"},
        "requestContext": {
            "domainName": "id.lambda-url.eu-west-1.on.aws",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": false,
    })
    .to_string()
}

/// Asks for a target, with this method and body.
pub fn ask(host: &Host, method: &str, target: &str, body: &str) -> Outcome {
    host.api
        .invoke(Invocation::new(event(method, target, body)))
}

/// The answer to a GET of this target.
#[track_caller]
pub fn get(host: &Host, target: &str) -> Value {
    ask(host, "GET", target, "").response().json()
}

/// The error that a GET of this target ends in.
#[track_caller]
pub fn get_error(host: &Host, target: &str) -> Post {
    ask(host, "GET", target, "").error()
}

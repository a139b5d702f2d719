//! The examples, built by their own scripts, as what replaces `hello.cwasm`.

use std::path::Path;
use std::process::Command;

use lambda_wasm_emulator::Invocation;
use serde_json::{Value, json};

use crate::support::{Host, HostBuilder, root};
use crate::tools::tool;

/// Builds an example in place of `hello.cwasm` in an empty folder, and starts it.
fn start(example: &str, folder: &Path) -> Host {
    let script = root().join("examples").join(example).join("build.sh");
    let output = Command::new(script)
        .arg(folder.join("hello.cwasm"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{example} does not build:\n{stderr}"
    );
    HostBuilder::new(folder, "hello").start()
}

/// Answers of the hello function with a name and without.
fn greets(host: &Host) {
    let ask = |parameters: Value| {
        let event = json!({ "httpMethod": "GET", "path": "/hello", "pathParameters": parameters });
        host.invoke(event.to_string()).response().json()
    };
    let expected = |status: u16, body: &str| {
        json!({
            "statusCode": status,
            "headers": { "Content-Type": "text/plain" },
            "body": body,
            "isBase64Encoded": false,
        })
    };
    assert_eq!(
        ask(json!({ "name": "Jürgen" })),
        expected(200, "Hello, Jürgen!\n")
    );
    assert_eq!(ask(Value::Null), expected(400, "'name' param not found\n"));
}

/// Answers of an HTTP component's hello, and the status of another path.
fn greets_by_path(host: &Host) {
    let ask = |path: &str| {
        let event = json!({ "httpMethod": "GET", "path": path });
        let answer = host.invoke(event.to_string()).response().json();
        (answer["statusCode"].clone(), answer["body"].clone())
    };
    assert_eq!(ask("/hello/Anna"), (json!(200), json!("Hello, Anna!\n")));
    assert_eq!(ask("/elsewhere").0, json!(404));
}

#[test]
fn rust_takes_any_event() {
    let folder = tempfile::tempdir().unwrap();
    let host = start("rust", folder.path());
    let event = json!({ "Records": [{ "body": "a" }, { "body": "b" }] });
    let invocation = Invocation::new(event.to_string()).request_id("id-1");
    let answer = host.api.invoke(invocation).response();
    assert_eq!(answer.json(), json!({ "records": 2, "requestId": "id-1" }));
    let error = host.invoke("no JSON").error();
    assert_eq!(error.json()["errorType"], "NotJson");
    host.finish();
}

#[test]
fn python_greets_as_rust_does() {
    if tool("componentize-py").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let host = start("python", folder.path());
    greets(&host);
    host.finish();
}

#[test]
fn python_serves_http() {
    if tool("componentize-py").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let host = start("python-http", folder.path());
    greets_by_path(&host);
    host.finish();
}

#[test]
fn javascript_answers_fetch_events() {
    if tool("componentize-js").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let host = start("javascript", folder.path());
    greets_by_path(&host);
    host.finish();
}

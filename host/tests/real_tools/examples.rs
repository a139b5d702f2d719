//! The examples, built by their own scripts, as what replaces `hello.cwasm`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::program::Program;
use lambda_wasm_test_support::tools::tool;
use lambda_wasm_test_support::{
    Deployment, Host, built, full_bootstrap, lock, root, signature::verify,
};
use serde_json::{Value, json};

use crate::moto::Moto;

/// Builds an example in place of `hello.cwasm`.
fn build(example: &str) -> Deployment {
    let deployment = Deployment::empty();
    let script = root().join("examples").join(example).join("build.sh");
    let output = Command::new(script)
        .arg(deployment.artifact())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{example} does not build:\n{stderr}"
    );
    deployment
}

/// Builds an example that is a project, by the tool and in its own directory, and deploys it in place of `hello.cwasm`.
fn build_project(example: &str) -> Deployment {
    let directory = root().join("examples").join(example);
    // The tests of the tool build some of them, too.
    let _lock = lock(&format!("example-{example}"));
    let output = lambda_wasm(&["build", "--bootstrap"])
        .arg(full_bootstrap())
        .current_dir(&directory)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{example} does not build:\n{stderr}"
    );
    let deployment = Deployment::empty();
    let artifact = directory.join(format!("dist/{example}.cwasm"));
    fs::copy(artifact, deployment.artifact()).unwrap();
    deployment.policy(fs::read(directory.join("policy.toml")).unwrap())
}

/// The tool, with the tools of languages that the tests have installed.
fn lambda_wasm(args: &[&str]) -> Command {
    let mut command = Command::new(built("target/release/lambda-wasm"));
    let tools = std::env::var_os("LAMBDA_WASM_TOOLS").map(|tools| PathBuf::from(tools).join("bin"));
    let paths = std::env::var_os("PATH").unwrap();
    let paths = tools.into_iter().chain(std::env::split_paths(&paths));
    command
        .args(args)
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("LAMBDA_WASM_CACHE", root().join("target/cache"));
    command
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
    let host = build("rust").start();
    let event = json!({ "Records": [{ "body": "a" }, { "body": "b" }] });
    let invocation = Invocation::new(event.to_string()).request_id("id-1");
    let answer = host.api.invoke(invocation).response();
    assert_eq!(answer.json(), json!({ "records": 2, "requestId": "id-1" }));
    let error = host.invoke("no JSON").error();
    assert_eq!(error.error_type(), "NotJson");
    host.finish();
}

#[test]
fn python_greets_as_rust_does() {
    if tool("componentize-py").is_none() {
        return;
    }
    let host = build("python").start();
    greets(&host);
    host.finish();
}

#[test]
fn python_serves_http() {
    if tool("componentize-py").is_none() {
        return;
    }
    let host = build("python-http").start();
    greets_by_path(&host);
    host.finish();
}

#[test]
fn javascript_answers_fetch_events() {
    if tool("componentize-js").is_none() {
        return;
    }
    let host = build("javascript").start();
    greets_by_path(&host);
    host.finish();
}

#[test]
fn dynamodb_keeps_notes_without_credentials() {
    if let Some(moto) = Moto::start() {
        keeps_notes(&moto, || build("dynamodb"));
    }
}

#[test]
fn boto3_keeps_notes_without_credentials() {
    if let Some(moto) = Moto::start() {
        keeps_notes(&moto, || build_project("notes-python"));
    }
}

/// Keeps notes in a table of moto, which checks each signature.
fn keeps_notes(moto: &Moto, build: impl FnOnce() -> Deployment) {
    moto.create_table("notes", "name");
    let credentials = moto.session();
    moto.check_signatures();
    let deployment = build();
    // Its own policy, but for where the table is.
    let written = std::fs::read_to_string(deployment.path().join("hello.toml")).unwrap();
    let here = written.replace("https://dynamodb.eu-central-1.amazonaws.com", &moto.url());
    assert_ne!(here, written);
    let host = deployment
        .policy(here)
        .env("TABLE", "notes")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_DEFAULT_REGION", "eu-central-1")
        .env("AWS_ENDPOINT_URL_DYNAMODB", &moto.url())
        .env("AWS_ACCESS_KEY_ID", &credentials.key)
        .env("AWS_SECRET_ACCESS_KEY", &credentials.secret)
        .env("AWS_SESSION_TOKEN", &credentials.token)
        .start();

    let ask = |method: &str, path: &str, body: &str| {
        let event = json!({ "httpMethod": method, "path": path, "body": body });
        // The first request has moto load what stands in for the service.
        let invocation = Invocation::new(event.to_string()).timeout(Duration::from_secs(20));
        let answer = host.api.invoke(invocation).response().json();
        (answer["statusCode"].clone(), answer["body"].clone())
    };
    assert_eq!(ask("GET", "/notes/a%20b", "").0, json!(404));
    assert_eq!(ask("PUT", "/notes/a%20b", "milk ä 😀").0, json!(204));
    assert_eq!(
        ask("GET", "/notes/a%20b", ""),
        (json!(200), json!("milk ä 😀"))
    );
    assert_eq!(ask("GET", "/notes/other", "").0, json!(404));
    assert_eq!(ask("DELETE", "/notes/a%20b", "").0, json!(405));

    let requests = moto.requests();
    assert_eq!(requests.len(), 4);
    for request in requests {
        let signed = verify(&request, &credentials.secret);
        assert_eq!(
            (signed.key, &*signed.service),
            (credentials.key.clone(), "dynamodb")
        );
    }
    host.finish();
}

#[test]
fn an_mcp_server_answers_the_client_of_the_protocol() {
    let Some(node) = tool("node") else {
        return;
    };
    if tool("componentize-js").is_none() {
        return;
    }
    drop(build_project("mcp-server"));
    let directory = root().join("examples/mcp-server");
    let mut dev = Program::start(
        lambda_wasm(&["dev", "--port", "0", "--bootstrap"])
            .arg(full_bootstrap())
            .current_dir(&directory)
            .env_remove("PORT"),
    );
    // Its function URL, which streams.
    let line = dev.wait_for("(RESPONSE_STREAM)");
    let start = line.find("http://").unwrap();
    let address = line[start..].split([' ', '"']).next().unwrap();
    let output = Command::new(node)
        .arg("tests/client.mjs")
        .arg(format!("{address}mcp"))
        .current_dir(&directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({
        "server": "weather",
        "tools": ["forecast"],
        "text": "day 1 in Lagos: sun\nday 2 in Lagos: rain",
        "progress": [1, 2],
        "isRefused": true,
        "cities": "[\"Berlin\",\"Lagos\"]",
    });
    assert_eq!(said, expected);
}

//! `lambda-wasm compile --wrap`: middleware around components, run in the real `bootstrap`.

use std::path::PathBuf;
use std::process::Command;

use lambda_wasm_test_support::{Deployment, Host, components, guest, root};
use serde_json::{Value, json};

use crate::support::Folder;

/// Builds middleware of the examples.
fn middleware(example: &str) -> PathBuf {
    let target = root().join("target/languages");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--release", "--target", "wasm32-wasip2"])
        .arg("--manifest-path")
        .arg(root().join("examples").join(example).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    if let Some(rustc) = std::env::var_os("WASM_RUSTC") {
        cargo.env("RUSTC", rustc);
    }
    let output = cargo.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example}:\n{stderr}");
    let name = format!("{}.wasm", example.replace('-', "_"));
    target.join("wasm32-wasip2/release").join(name)
}

/// Compiles a guest in middleware, and deploys it.
fn wrapped(name: &str, middleware: &[&str]) -> Deployment {
    let deployment = Deployment::empty();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-wasm"));
    command.arg("compile").arg(guest(name));
    command.arg("-o").arg(deployment.artifact());
    for example in middleware {
        command.arg("--wrap").arg(self::middleware(example));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    deployment
}

fn ask(host: &Host, method: &str, path: &str, headers: Value) -> Value {
    let event = json!({ "httpMethod": method, "path": path, "headers": headers });
    host.invoke(event.to_string()).response().json()
}

#[test]
fn a_request_needs_the_token_of_the_middleware_and_then_reaches_the_component() {
    // Twice, so that one wraps the other.
    let middleware = ["bearer-token", "bearer-token"];
    let host = wrapped("http_p2", &middleware)
        .env("TOKEN", "s3cret")
        .start();
    let ask = |headers| ask(&host, "GET", "/status/201", headers);
    for refused in [
        json!({}),
        json!({ "authorization": "Bearer s3cres" }),
        json!({ "authorization": "Bearer s3cret2" }),
        json!({ "authorization": "Basic s3cret" }),
    ] {
        let response = ask(refused);
        assert_eq!(response["statusCode"], 401, "{response}");
        assert_eq!(response["headers"]["www-authenticate"], "Bearer");
        assert_eq!(response["body"], "a token is needed\n");
    }
    let response = ask(json!({ "authorization": "Bearer s3cret" }));
    assert_eq!(response["statusCode"], 201, "{response}");
    host.finish();
}

#[test]
fn responses_get_headers_from_middleware_of_wasi_0_3() {
    let deployment = wrapped("http_p3", &["cache-headers"]).env("MAX_AGE", "300");
    let host = deployment.start();
    let cached =
        |method, path| ask(&host, method, path, json!({}))["headers"]["cache-control"].clone();
    let response = ask(&host, "GET", "/headers", json!({}));
    assert_eq!(response["body"], "headers\n", "{response}");
    assert_eq!(response["headers"]["cache-control"], "max-age=300");
    assert_eq!(cached("POST", "/headers"), Value::Null);
    assert_eq!(cached("GET", "/status/404"), Value::Null);
    host.finish();
}

/// Components that do nothing, in a folder.
fn components() -> Folder {
    let folder = Folder::new();
    let handler = "wasi:http/incoming-handler@0.2.12;";
    for (name, world) in [
        ("http.wasm", format!("export {handler}")),
        (
            "middleware.wasm",
            format!("import {handler} export {handler}"),
        ),
        ("imports.wasm", format!("import {handler}")),
        (
            "events.wasm",
            "export lambda:function/handler@0.1.0;".to_owned(),
        ),
    ] {
        folder.write(name, components::function(&world, None));
    }
    let next = "package wasi:http@0.3.0;
        interface types { resource request; resource response; }
        interface handler { use types.{request, response}; handle: func(request: request) -> response; }
        world next { import handler; export handler; }";
    folder.write("next.wasm", components::of_wit(next));
    folder.write("text.wasm", "no component");
    folder
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = components();
    let fail = |component: &str, middleware: &[&str]| {
        let wraps = middleware.iter().flat_map(|file| ["--wrap", file]);
        let args: Vec<_> = ["compile", component, "-o", "hello.cwasm"]
            .into_iter()
            .chain(wraps)
            .collect();
        folder.fail(&args)
    };
    assert_eq!(
        fail("http.wasm", &["http.wasm"]),
        "error: http.wasm cannot wrap http.wasm: http.wasm is not middleware: it imports neither wasi:http/incoming-handler nor wasi:http/handler\nhint: middleware imports the interface that it exports\n"
    );
    assert_eq!(
        fail("http.wasm", &["imports.wasm"]),
        "error: imports.wasm cannot wrap http.wasm: imports.wasm imports wasi:http/incoming-handler@0.2.12 and does not export it\nhint: middleware exports the interface that it imports\n"
    );
    assert_eq!(
        fail("events.wasm", &["middleware.wasm"]),
        "error: middleware.wasm cannot wrap events.wasm: events.wasm exports neither wasi:http/incoming-handler nor wasi:http/handler\nhint: middleware wraps components of wasi:http only\n"
    );
    // The first is the outermost.
    assert_eq!(
        fail("http.wasm", &["next.wasm", "middleware.wasm"]),
        "error: next.wasm cannot wrap middleware.wasm: next.wasm imports wasi:http/handler@0.3.0, and middleware.wasm exports wasi:http/incoming-handler@0.2.12\nhint: both need the same release line of WASI: build one of them for the other's\n"
    );
    assert_eq!(
        fail("http.wasm", &["text.wasm"]),
        "error: text.wasm cannot wrap http.wasm: text.wasm: it is not WebAssembly\n"
    );
    let said = fail("http.wasm", &["missing.wasm"]);
    assert!(
        said.starts_with("error: missing.wasm cannot be read: "),
        "{said}"
    );
}

#[test]
fn a_project_is_built_in_its_middleware() {
    let folder = components();
    let settings = "[build]\nname = \"hello\"\ncommand = \"true\"\ncomponent = \"http.wasm\"\nwrap = [\"imports.wasm\"]\n";
    folder.write("lambda-wasm.toml", settings);
    folder.write("host", "an executable");
    let said = folder.fail(&["build", "--bootstrap", "host"]);
    assert!(said.contains("imports.wasm cannot wrap "), "{said}");
    folder.write(
        "lambda-wasm.toml",
        settings.replace("imports", "middleware"),
    );
    for what in ["built in", "is up to date"] {
        let output = folder.run(&["build", "--bootstrap", "host"]);
        assert!(output.stderr.contains(what), "{output:?}");
    }
}

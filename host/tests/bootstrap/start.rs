//! An environment that a function cannot start in, and one that it can.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use lambda_wasm_emulator::{Invocation, RuntimeApi};
use lambda_wasm_test_support::{HostBuilder, built, functions};

use crate::refusal::refusal;

#[test]
fn without_a_runtime_api_the_log_says_so() {
    let start = |value: Option<&str>| {
        let builder = HostBuilder::new(functions(), "handler").without("AWS_LAMBDA_RUNTIME_API");
        let builder = match value {
            Some(value) => builder.env("AWS_LAMBDA_RUNTIME_API", value),
            None => builder,
        };
        let output = builder.spawn().wait();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(
            output.stderr.contains("AWS_LAMBDA_RUNTIME_API"),
            "{output:?}"
        );
        assert!(!output.stderr.contains("panicked at"), "{output:?}");
        output.stderr
    };
    let missing = start(None);
    assert!(
        missing.contains("is not set") && missing.contains("lambda-wasm dev"),
        "{missing}"
    );
    for nonsense in [
        "nonsense:port",
        "127.0.0.1:99999",
        "not a host:80",
        "/",
        ":::",
    ] {
        let stderr = start(Some(nonsense));
        assert!(
            stderr.contains(&format!("{nonsense:?}")) && stderr.contains("host:port"),
            "{stderr}"
        );
    }
}

#[test]
fn a_runtime_api_that_nobody_answers_for_is_named() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let builder =
        HostBuilder::new(functions(), "no-such-function").env("AWS_LAMBDA_RUNTIME_API", &address);
    let output = builder.spawn().wait();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    // Both what could not be told, and to whom.
    for words in ["Runtime.ComponentNotFound", &address] {
        assert!(output.stderr.contains(words), "{output:?}");
    }
}

#[test]
fn without_a_handler() {
    let refusal = refusal(HostBuilder::new(functions(), "handler").without("_HANDLER"));
    assert_eq!(refusal.error_type, "Runtime.InvalidHandler");
    assert!(refusal.message.contains("_HANDLER is not set"));
    assert!(refusal.message.contains("hello.cwasm"), "an example");
}

#[test]
fn a_handler_with_a_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        functions().join("handler.cwasm"),
        folder.path().join("handler.cwasm"),
    )
    .unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let absolute = folder.path().join("handler").display().to_string();
    // Each names the file that is there, were paths allowed.
    for (root, handler) in [
        (&*inner, "../handler"),
        (folder.path(), "inner/../handler"),
        (folder.path(), "./handler"),
        (&*inner, &*absolute),
    ] {
        let refusal = refusal(HostBuilder::new(root, handler));
        assert_eq!(refusal.error_type, "Runtime.InvalidHandler");
        assert!(
            refusal
                .message
                .contains(&format!("_HANDLER is {handler:?}"))
                && refusal.message.contains("without a path"),
            "{refusal:?}"
        );
    }
}

#[test]
fn without_a_task_root_it_is_the_folder_of_bootstrap() {
    let folder = tempfile::tempdir().unwrap();
    let bootstrap = folder.path().join("bootstrap");
    fs::copy(built("dist/bootstrap"), &bootstrap).unwrap();
    fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(
        functions().join("handler.cwasm"),
        folder.path().join("handler.cwasm"),
    )
    .unwrap();
    let api = RuntimeApi::start("127.0.0.1:0").unwrap();
    let mut process = Command::new(&bootstrap)
        .current_dir("/")
        .env_clear()
        .env("_HANDLER", "handler")
        .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let outcome = api.invoke(Invocation::new("\"count\""));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(outcome.response().text(), "\"1\"");
}

//! `cargo lambda watch`, which runs a package's binary: here one that becomes the bootstrap. It names the Runtime API with
//! a scheme and a path, and sends the same deadline with every event.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lambda_wasm_test_support::program::Program;
use lambda_wasm_test_support::tools::tool;
use lambda_wasm_test_support::{Deployment, full_bootstrap};
use rustix::process::Signal;

use crate::http::{free_port, get, get_in_chunks, invoke, post};

/// A package of that name whose binary is `bootstrap` with a deployment.
fn write_package(folder: &Path, name: &str, deployment: &Deployment) {
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n"
    );
    let main = format!(
        "fn main() {{
            let mut bootstrap = std::process::Command::new({:?});
            bootstrap.env(\"_HANDLER\", \"hello\").env(\"LAMBDA_TASK_ROOT\", {:?});
            panic!(\"{{}}\", std::os::unix::process::CommandExt::exec(&mut bootstrap));
        }}",
        full_bootstrap(),
        deployment.path(),
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    std::fs::create_dir(folder.join("src")).unwrap();
    std::fs::write(folder.join("src/main.rs"), main).unwrap();
}

/// The watcher with a function of that name, once it listens. None if there is no such tool here.
fn watch(package: &Path, name: &str, deployment: &Deployment) -> Option<(Program, u16)> {
    let cargo_lambda = tool("cargo-lambda")?;
    write_package(package, name, deployment);
    let port = free_port();
    let mut watch = Program::start(
        Command::new(cargo_lambda)
            .args(["lambda", "watch", "--offline", "--ignore-changes"])
            .args([
                "--invoke-address",
                "127.0.0.1",
                "--invoke-port",
                &port.to_string(),
            ])
            .current_dir(package)
            // The variables that Cargo has set for this test are not for the package.
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("AWS_LAMBDA_LOG_LEVEL"),
    );
    watch.wait_for("starting Runtime server");
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    Some((watch, port))
}

#[test]
fn watch_runs_a_function_and_passes_its_answers_on() {
    let package = tempfile::tempdir().unwrap();
    let deployment = Deployment::of("handler");
    let Some((mut watch, port)) = watch(package.path(), "handler", &deployment) else {
        return;
    };

    // The first event waits until the package is built.
    let event = "\"echo: \\u00e4 ä 😀\"";
    let answer = invoke(port, "handler", event);
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, event));
    let failure = invoke(port, "handler", "\"panic:on purpose\"");
    assert_eq!(failure.status, 500);
    let error: serde_json::Value = serde_json::from_str(&failure.body).unwrap();
    assert_eq!(error["errorType"], "Function.Trap");
    // Its deadline is 10 minutes after 1970: that is none.
    watch.wait_for("assuming 15 minutes");
    assert_eq!(invoke(port, "handler", "\"count\"").body, "\"1\"");

    watch.signal(Signal::INT);
    watch.wait();
}

#[test]
fn its_function_url_reaches_http_components() {
    for handler in ["http_p2", "http_p3"] {
        let package = tempfile::tempdir().unwrap();
        let deployment = Deployment::of(handler);
        let Some((watch, port)) = watch(package.path(), handler, &deployment) else {
            return;
        };
        let url = |target: &str| format!("http://127.0.0.1:{port}/lambda-url/{handler}{target}");
        let echo = get(&url("/echo?a=1&a=2&b="));
        assert_eq!(echo.status, 200, "{echo:?}");
        let seen: serde_json::Value = serde_json::from_str(&echo.body).unwrap();
        assert_eq!(seen["path_with_query"], "/echo?a=1&a=2&b=", "{seen}");
        let teapot = post(&url("/status/418?body=tea"), "");
        assert_eq!((teapot.status.as_u16(), teapot.body.as_str()), (418, "tea"));
        watch.signal(Signal::INT);
        watch.wait();
    }
}

#[test]
fn its_function_url_passes_streams_on_as_they_come() {
    for handler in ["http_p2", "http_p3"] {
        let package = tempfile::tempdir().unwrap();
        let deployment = Deployment::of(handler).policy("stream = true\n");
        let Some((watch, port)) = watch(package.path(), handler, &deployment) else {
            return;
        };
        let url =
            format!("http://127.0.0.1:{port}/lambda-url/{handler}/chunks?n=3&size=5&pause=300");
        let chunks = get_in_chunks(&url);
        let whole: String = chunks.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(whole, "aaaaabbbbbccccc");
        let (first, last) = (chunks[0].1, chunks.last().unwrap().1);
        assert!(last - first >= Duration::from_millis(400), "{chunks:?}");
        watch.signal(Signal::INT);
        watch.wait();
    }
}

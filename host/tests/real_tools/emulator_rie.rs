//! AWS's Runtime Interface Emulator: its own idea of the Runtime API, with what it sends and what it demands. It answers
//! failures with status 200, so that only bodies tell.

use std::process::Command;
use std::time::{Duration, Instant};

use lambda_wasm_test_support::program::Program;
use lambda_wasm_test_support::tools::tool;
use lambda_wasm_test_support::{Deployment, built, cpu_emulator};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::{free_port, invoke};

/// The emulator with a bootstrap, which it starts for the first event.
struct Emulator {
    program: Program,
    port: u16,
    _deployment: Option<Deployment>,
}

impl Emulator {
    /// Starts the function `hello` of a deployment, or of the directory of `bootstrap`. None if there is no emulator here.
    fn start(deployment: Option<Deployment>, configure: impl FnOnce(&mut Command)) -> Option<Self> {
        let mut command = Command::new(tool("aws-lambda-rie")?);
        let (port, runtime_api) = (free_port(), free_port());
        command
            .env_clear()
            .args([
                "--runtime-interface-emulator-address",
                &format!("127.0.0.1:{port}"),
            ])
            .args(["--runtime-api-address", &format!("127.0.0.1:{runtime_api}")])
            .args(["--log-level", "info"])
            .arg(match &deployment {
                Some(deployment) => deployment.program(),
                None => built("dist/bootstrap"),
            })
            .arg("hello");
        if let Some(deployment) = &deployment {
            command.env("LAMBDA_TASK_ROOT", deployment.path());
        }
        configure(&mut command);
        let mut program = Program::start(&mut command);
        program.wait_for("exec");
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(Self {
            program,
            port,
            _deployment: deployment,
        })
    }

    fn invoke(&self, event: &str) -> String {
        invoke(self.port, "function", event).body
    }

    fn json(&self, event: &str) -> Value {
        serde_json::from_str(&self.invoke(event)).unwrap()
    }

    /// Ends it in its own way, in which it ends its bootstrap too.
    fn finish(self) {
        self.program.signal(Signal::TERM);
        self.program.wait();
    }
}

fn handler(configure: impl FnOnce(&mut Command)) -> Option<Emulator> {
    Emulator::start(Some(Deployment::of("handler")), configure)
}

#[test]
fn hello_lies_beside_its_bootstrap_and_answers_a_rest_event() {
    // `dist/` is for this machine.
    let deployment = cpu_emulator().map(|_| Deployment::hello());
    let Some(emulator) = Emulator::start(deployment, |_| ()) else {
        return;
    };
    let hello = |name: Value| {
        let event = json!({
            "resource": "/hello/{name}", "path": "/hello/x", "httpMethod": "GET", "headers": null,
            "multiValueHeaders": null, "pathParameters": name, "body": null, "isBase64Encoded": false,
        });
        emulator.invoke(&event.to_string())
    };
    assert_eq!(
        hello(json!({ "name": "developer" })),
        r#"{"statusCode":200,"headers":{"Content-Type":"text/plain"},"body":"Hello, developer!\n","isBase64Encoded":false}"#
    );
    assert_eq!(
        hello(json!(null)),
        r#"{"statusCode":400,"headers":{"Content-Type":"text/plain"},"body":"'name' param not found\n","isBase64Encoded":false}"#
    );
    assert_eq!(emulator.json("[]")["errorType"], "Runtime.InvalidEvent");
    emulator.finish();
}

#[test]
fn failures_are_its_answers_and_the_next_event_is_served() {
    let Some(emulator) = handler(|_| ()) else {
        return;
    };
    assert_eq!(
        emulator.json("\"fail:OrderNotFound\""),
        json!({
            "errorMessage": "as it says: ü\n\"quoted\"",
            "errorType": "OrderNotFound",
            "stackTrace": ["at the guest"],
        })
    );
    assert_eq!(emulator.invoke("\"count\""), "\"1\"");
    let trap = emulator.json("\"panic:on purpose\"");
    assert_eq!(trap["errorType"], "Function.Trap");
    let message = trap["errorMessage"].as_str().unwrap();
    assert!(
        message.contains("the guest panics: on purpose"),
        "{message}"
    );
    assert_ne!(trap["stackTrace"], json!([]));
    assert_eq!(emulator.invoke("\"count\""), "\"1\"");
    emulator.finish();
}

#[test]
fn a_timeout_is_the_functions_own_answer_and_costs_no_process() {
    let Some(emulator) = handler(|command| {
        command.env("AWS_LAMBDA_FUNCTION_TIMEOUT", "1");
    }) else {
        return;
    };
    // The first event waits for the start.
    assert_eq!(emulator.invoke("\"count\""), "\"1\"");
    for command in ["\"loop\"", "\"sleep:60000\""] {
        let since = Instant::now();
        let error = emulator.json(command);
        assert_eq!(error["errorType"], "Function.Timeout", "{error}");
        assert!(since.elapsed() > Duration::from_millis(800));
        assert_eq!(emulator.invoke("\"count\""), "\"1\"");
    }
    emulator.finish();
}

#[test]
fn http_components_answer_requests_and_events() {
    for (name, is_streamed) in [("http_p2", false), ("http_p3", true)] {
        let deployment = Deployment::of(name).policy(format!("stream = {is_streamed}\n"));
        let Some(emulator) = Emulator::start(Some(deployment), |_| ()) else {
            return;
        };
        let event = json!({ "httpMethod": "GET", "path": "/chunks" });
        let answer = emulator.invoke(&event.to_string());
        if is_streamed {
            // It passes a stream on when it is whole, with the prelude.
            assert!(
                answer.ends_with("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbcccccccccccccccc"),
                "{answer}"
            );
            assert!(answer.starts_with("{\"statusCode\":200,"), "{answer}");
        } else {
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(
                answer["body"],
                "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbcccccccccccccccc"
            );
            let error = emulator.json("{\"Records\":[]}");
            assert_eq!(error["errorType"], "Function.HttpStatus", "{error}");
        }
        emulator.finish();
    }
}

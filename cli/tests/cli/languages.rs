//! Projects of all languages: `new`, `build`, then `invoke`, in the real `bootstrap`.

mod debug;
mod go;

use std::process::Command;

use lambda_wasm_test_support::full_bootstrap;
use serde_json::{Value, json};

use crate::support::{Folder, with_tools};

/// A project in a directory of its own, with the tools that the tests have installed.
struct Project(Folder);

impl Project {
    fn new(lang: &str, world: &str) -> Self {
        let folder = Folder::new();
        folder.succeed(&["new", "hello", "--lang", lang, "--world", world]);
        Self(folder)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = with_tools();
        command.args(args).current_dir(self.0.path("hello"));
        command
    }

    /// Runs a command that succeeds, and returns its output.
    #[track_caller]
    fn run(&self, args: &[&str]) -> (String, String) {
        let output = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{args:?}:\n{stdout}{stderr}");
        (stdout, stderr)
    }

    /// Builds, and returns what was said.
    #[track_caller]
    fn build(&self) -> String {
        let bootstrap = full_bootstrap();
        self.run(&["build", "--bootstrap", bootstrap.to_str().unwrap()])
            .1
    }

    /// Runs the cases that the template of the project has.
    #[track_caller]
    fn passes_its_tests(&self) {
        let (said, _) = self.run(&["test"]);
        assert!(said.contains("1 passed"), "{said}");
    }

    /// Invokes the function, and returns the response.
    #[track_caller]
    fn invoke(&self, args: &[&str]) -> Value {
        let (response, _) = self.run(&[&["invoke"], args].concat());
        serde_json::from_str(&response).unwrap_or_else(|_| panic!("{response:?}"))
    }
}

/// Builds a project that takes HTTP requests, and sends it some.
#[track_caller]
fn answers_http(lang: &str, world: &str) -> Project {
    let project = Project::new(lang, world);
    project.build();
    project.passes_its_tests();
    for sample in ["http-api", "rest", "alb"] {
        let response = project.invoke(&["--sample", sample]);
        assert_eq!(response["statusCode"], 200, "{sample}: {response}");
        assert_eq!(
            response["body"], "Hello, developer!\n",
            "{sample}: {response}"
        );
    }
    let set = [
        "--set",
        "rawPath=/missing",
        "--set",
        "requestContext.http.path=/missing",
    ];
    let response = project.invoke(&[&["--sample", "http-api"], &set[..]].concat());
    assert_eq!(response["statusCode"], 404, "{response}");
    project
}

/// Builds a project that takes events, and sends it some.
#[track_caller]
fn answers_events(lang: &str) {
    let project = Project::new(lang, "handler");
    project.build();
    project.passes_its_tests();
    assert_eq!(
        project.invoke(&["--sample", "sqs"]),
        json!({ "records": 2 })
    );
    assert_eq!(project.invoke(&[]), json!({ "records": 0 }));
    let output = project
        .command(&["invoke", "--set", "Records=[1,2,3]"])
        .output()
        .unwrap();
    let response: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(response, json!({ "records": 3 }));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("got an event"), "{log}");
}

#[test]
fn python_projects_answer() {
    let project = answers_http("python", "http");
    // Nothing is done for what has not changed.
    let said = project.build();
    assert!(
        said.starts_with("dist/hello.cwasm: is up to date"),
        "{said}"
    );
    answers_http("python", "api");
    answers_events("python");
}

#[test]
fn javascript_projects_answer() {
    let project = answers_http("js", "http");
    let said = project.build();
    assert!(
        said.starts_with("dist/hello.cwasm: is up to date"),
        "{said}"
    );
    answers_http("ts", "http");
    answers_events("js");
    a_module_of_node_is_refused(&project);
}

/// The cache of the tools is shared, so that this is part of the test of the language.
fn a_module_of_node_is_refused(project: &Project) {
    let source = "import { readFile } from 'node:fs/promises';\nreadFile('a');\n";
    project.0.write("hello/app.js", source);
    let output = project.command(&["build"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("app.js imports \"node:fs/promises\", a module of Node.js"),
        "{said}"
    );
    assert!(
        said.contains("hint: use bytes that are imported as a module"),
        "{said}"
    );
}

#[test]
fn rust_projects_answer() {
    answers_http("rust", "http");
    answers_http("rust", "api");
    answers_events("rust");
    let project = Project::new("rust", "stream");
    project.build();
    project.passes_its_tests();
    let (response, _) = project.run(&["invoke"]);
    assert_eq!(response, "3\n2\n1\n0\n");
    rust_errors_have_their_type_and_message();
    // The compiler's own words are shown.
    project.0.write("hello/src/lib.rs", "fn broken(");
    let output = project.command(&["build"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("this file contains an unclosed delimiter"),
        "{said}"
    );
    assert!(
        said.contains("error: `cargo build` failed (exit status: 101)"),
        "{said}"
    );
}

/// Errors that are not of the guest crate: a text, and one of the standard library behind a pointer.
fn rust_errors_have_their_type_and_message() {
    let project = Project::new("rust", "handler");
    let source = |error: &str, failure: &str| {
        format!(
            "lambda_wasm_guest::handler!(|event: u64, _context| -> Result<u64, {error}> {{ {failure} }});"
        )
    };
    let boxed = "Box<dyn std::error::Error + Send + Sync>";
    for (error, failure, error_type, message) in [
        ("String", "Err(format!(\"no {event}\"))", "Error", "no 7"),
        (
            boxed,
            "Ok(event + \"x\".parse::<u64>()?)",
            "Error",
            "invalid digit found in string",
        ),
        (
            "std::num::ParseIntError",
            "Ok(event + \"x\".parse::<u64>()?)",
            "core::num::error::ParseIntError",
            "invalid digit found in string",
        ),
    ] {
        project.0.write("hello/src/lib.rs", source(error, failure));
        project.build();
        project.0.write("hello/event.json", "7");
        let mut command = project.command(&["invoke", "--event", "event.json"]);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let (_, response) = said.split_once("the invocation failed: ").unwrap();
        let response: Value = serde_json::from_str(response).unwrap();
        assert_eq!(response["errorType"], error_type);
        assert_eq!(response["errorMessage"], message);
    }
}

#[test]
fn c_projects_answer() {
    let project = answers_http("c", "http");
    let said = project.build();
    assert!(
        said.starts_with("dist/hello.cwasm: is up to date"),
        "{said}"
    );
    answers_http("c", "api");
    let project = Project::new("c", "handler");
    project.build();
    project.passes_its_tests();
    assert_eq!(project.invoke(&[]), json!({ "bytes": 2 }));
    project.0.write("hello/event.json", "[1, 2, 3]");
    let event = ["invoke", "--event", "event.json"];
    let output = project.command(&event).output().unwrap();
    let response: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(response, json!({ "bytes": 9 }));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("got an event"), "{log}");
    project.0.write("hello/main.c", "int broken(");
    let output = project.command(&["build"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("main.c:1:"), "{said}");
    assert!(
        said.contains("error: `zig cc` failed (exit status: 1)"),
        "{said}"
    );
}

/// Runs the tool with programs from this directory alone.
fn run_with_path(project: &Project, path: &str, args: &[&str]) -> (String, String) {
    let mut command = project.command(args);
    let output = command.env("PATH", project.0.path(path)).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn a_c_compiler_that_is_missing_is_named() {
    let project = Project::new("c", "http");
    let hint = "hint: install Zig from https://ziglang.org/download, or Python 3.10 or newer with venv, which installs it\n";
    let (_, error) = run_with_path(&project, "none", &["build"]);
    assert_eq!(error, format!("error: `zig` is not installed\n{hint}"));
    let (printed, _) = run_with_path(&project, "none", &["doctor"]);
    assert!(
        printed.contains(&format!("\nC\n  missing  zig\n           {hint}")),
        "{printed}"
    );
}

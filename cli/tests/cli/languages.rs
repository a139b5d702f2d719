//! Projects of all languages: `new`, `build`, then `invoke`, in the real `bootstrap`.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::Command;

use lambda_wasm_test_support::{built, root};
use serde_json::{Value, json};

use crate::support::Folder;

/// A project in a directory of its own, with the tools that the tests have installed.
struct Project(Folder);

impl Project {
    fn new(lang: &str, world: &str) -> Self {
        let folder = Folder::new();
        folder.succeed(&["new", "hello", "--lang", lang, "--world", world]);
        Self(folder)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-wasm"));
        let mut paths = Vec::new();
        if let Some(tools) = std::env::var_os("LAMBDA_WASM_TOOLS") {
            paths.push(PathBuf::from(tools).join("bin"));
        }
        paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        command
            .args(args)
            .current_dir(self.0.path("hello"))
            .env("PATH", std::env::join_paths(paths).unwrap())
            .env("LAMBDA_WASM_CACHE", root().join("target/cache"))
            .env("CARGO_TARGET_DIR", root().join("target/languages"));
        if let Some(rustc) = std::env::var_os("WASM_RUSTC") {
            command.env("RUSTC", rustc);
        }
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
        let bootstrap = built("dist/bootstrap");
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

#[test]
fn go_projects_answer() {
    let project = answers_http("go", "http");
    let said = project.build();
    assert!(
        said.starts_with("dist/hello.cwasm: is up to date"),
        "{said}"
    );
    answers_events("go");
    go_requests_have_all_that_the_host_passes_on();
    go_sends_requests();
    go_collects_garbage_while_instances_are_reused();
    project
        .0
        .write("hello/main.go", "package main\n\nfunc broken(");
    let output = project.command(&["build"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("main.go:3:"), "{said}");
    assert!(
        said.contains("error: `go build` failed (exit status: 1)"),
        "{said}"
    );
}

/// A handler that echoes a request, in several writes.
fn go_requests_have_all_that_the_host_passes_on() {
    let project = Project::new("go", "http");
    let source = r#"package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"lambda-wasm.internal/function"
)

func init() {
	function.Serve(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		header := response.Header()
		header.Set("Content-Type", "text/plain")
		header.Set("Connection", "close")
		http.SetCookie(response, &http.Cookie{Name: "a", Value: "1"})
		response.WriteHeader(http.StatusCreated)
		fmt.Fprintln(response, request.Method, request.URL.Path, request.URL.Query().Get("q"), request.Host)
		fmt.Fprintln(response, request.Header.Get("X-Test"), request.ContentLength, string(body), err)
		response.(http.Flusher).Flush()
		io.WriteString(response, strings.Repeat("x", 10000))
	}))
}

func main() {}
"#;
    project.0.write("hello/main.go", source);
    project.build();
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a b",
        "rawQueryString": "q=%C3%BC",
        "headers": { "host": "example.com", "x-test": "yes", "content-length": "5" },
        "requestContext": { "http": { "method": "POST", "path": "/a b", "sourceIp": "192.0.2.1" }, "domainName": "example.com" },
        "body": "hello",
        "isBase64Encoded": false
    });
    project.0.write("hello/event.json", event.to_string());
    let response = project.invoke(&["--event", "event.json"]);
    assert_eq!(response["statusCode"], 201, "{response}");
    assert_eq!(response["cookies"], json!(["a=1"]), "{response}");
    assert_eq!(
        response["headers"],
        json!({ "content-type": "text/plain" }),
        "{response}"
    );
    let expected = format!(
        "POST /a b ü example.com\nyes 5 hello <nil>\n{}",
        "x".repeat(10_000)
    );
    assert_eq!(response["body"], expected, "{response}");
}

/// A handler that sends a request to this test, and one that its policy denies.
fn go_sends_requests() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", server.local_addr().unwrap());
    let project = Project::new("go", "http");
    let source = r#"package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"lambda-wasm.internal/function"
)

func init() {
	client := &http.Client{Transport: function.Transport{}}
	function.Serve(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		answer, err := client.Post("ORIGIN/orders?a=b", "text/x-test", strings.NewReader("hello"))
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(answer.Body)
		fmt.Fprintln(response, answer.Status, answer.Header.Get("X-Answer"), string(body), err)
		_, err = client.Get("http://denied.example/")
		fmt.Fprintln(response, err)
	}))
}

func main() {}
"#;
    let source = source.replace("ORIGIN", &origin);
    project.0.write("hello/main.go", source);
    let policy = format!("[http]\nallow = [\"{origin}\"]\n");
    project.0.write("hello/policy.toml", policy);
    project.build();
    let served = std::thread::spawn(move || {
        let (mut connection, _) = server.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"hello") {
            let mut buffer = [0; 1024];
            let length = connection.read(&mut buffer).unwrap();
            assert_ne!(length, 0, "{request:?}");
            request.extend_from_slice(&buffer[..length]);
        }
        let response = "HTTP/1.1 404 Not Found\r\nx-answer: yes\r\ncontent-length: 4\r\n\r\ngone";
        connection.write_all(response.as_bytes()).unwrap();
        String::from_utf8(request).unwrap().to_ascii_lowercase()
    });
    let response = project.invoke(&["--sample", "http-api"]);
    assert_eq!(
        response["body"],
        "404 Not Found yes gone <nil>\nGet \"http://denied.example/\": HTTP request denied\n",
        "{response}"
    );
    let request = served.join().unwrap();
    assert!(
        request.starts_with("post /orders?a=b http/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("\r\ncontent-length: 5\r\n"), "{request}");
    assert!(
        request.contains("\r\ncontent-type: text/x-test\r\n"),
        "{request}"
    );
}

/// The host allocates the event with Go's allocator, which must not call the host then.
fn go_collects_garbage_while_instances_are_reused() {
    let project = Project::new("go", "handler");
    project.0.write("hello/policy.toml", "reuse = true\n");
    project.build();
    let event = json!({ "Records": [], "text": "x".repeat(1 << 20) });
    project.0.write("hello/event.json", event.to_string());
    let (response, _) = project.run(&["invoke", "--repeat", "200", "--event", "event.json"]);
    assert!(response.contains("200 invocations"), "{response}");
}

#[test]
fn a_go_that_is_missing_or_old_is_refused() {
    let project = Project::new("go", "http");
    let build = || run_with_path(&project, "bin", &["build"]).1;
    let hint = "hint: install Go 1.25 or newer: https://go.dev/dl\n";
    assert_eq!(build(), format!("error: `go` is not installed\n{hint}"));
    let (printed, _) = run_with_path(&project, "bin", &["doctor"]);
    assert!(
        printed.contains(&format!("\nGo\n  missing  go\n           {hint}")),
        "{printed}"
    );
    std::fs::create_dir(project.0.path("bin")).unwrap();
    project.0.write("bin/go", "#!/bin/sh\necho go1.24.9\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.0.path("bin/go"), executable).unwrap();
    assert_eq!(build(), format!("error: go1.24.9 is too old\n{hint}"));
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

#[test]
fn a_world_without_a_package_for_go_is_refused() {
    let project = Project::new("go", "handler");
    let settings = "[build]\nworld = \"stream\"\n";
    project.0.write("hello/lambda-wasm.toml", settings);
    let output = project.command(&["build"]).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: Go has no package for this world\nhint: set `world` under [build] to \"http\" or \"handler\"\n"
    );
}

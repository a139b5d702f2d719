//! Projects of Go.

use std::io::{Read as _, Write as _};

use serde_json::json;

use super::{Project, answers_events, answers_http, run_with_path};

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

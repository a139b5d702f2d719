//! `lambda-wasm mcp`: the protocol, line by line.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use lambda_wasm_test_support::{full_bootstrap, guest};
use serde_json::{Value, json};

use crate::support::{Folder, processes_in, wait_until};
use crate::testing::functions;

/// A server, after the first messages.
struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    fn start(folder: &Folder) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lambda-wasm"))
            .arg("mcp")
            .current_dir(folder.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            stdin,
            lines,
        }
    }

    fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn receive(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// As a client begins.
    fn initialize(&mut self) {
        self.send(INITIALIZE);
        self.receive();
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let call = json!({
            "jsonrpc": "2.0", "id": tool, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments }
        });
        self.send(&call.to_string());
        let response: Value = serde_json::from_str(&self.receive()).unwrap();
        assert_eq!(response["id"], tool, "{response}");
        response
    }

    /// Ends the input, as clients do.
    fn close(mut self) {
        self.stdin = None;
        assert!(self.child.wait().unwrap().success());
        assert!(self.lines.next().is_none());
    }
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;

#[test]
fn the_protocol_begins_and_lists_the_tools() {
    let mut server = Server::start(&Folder::new());
    server.send(INITIALIZE);
    let line = server.receive();
    let start = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"lambda-wasm","title":"lambda-wasm","version":""#;
    assert!(line.starts_with(start), "{line}");
    server.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    server.send(r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#);
    assert_eq!(
        server.receive(),
        r#"{"jsonrpc":"2.0","id":"a","result":{}}"#
    );
    server.send(r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#);
    let list: Value = serde_json::from_str(&server.receive()).unwrap();
    let tools = list["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["new", "build", "test", "invoke", "inspect", "doctor"]
    );
    for tool in tools {
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{tool}");
        assert_eq!(schema["additionalProperties"], false, "{tool}");
        let properties = schema["properties"].as_object();
        for (name, property) in properties.into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}: {tool}");
        }
    }
    server.send(r#"{"jsonrpc":"2.0","id":3,"method":"no/such"}"#);
    let error: Value = serde_json::from_str(&server.receive()).unwrap();
    assert_eq!(error["error"]["code"], -32601);
    for (tool, arguments, why) in [
        ("brew", json!({}), "the tool `brew` does not exist"),
        ("build", json!({ "arhc": "arm64" }), "unknown field `arhc`"),
        ("new", json!({}), "missing field `name`"),
    ] {
        let error = &server.call(tool, arguments)["error"];
        assert_eq!(error["code"], -32602, "{error}");
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    }
    server.close();
}

#[test]
fn an_agent_creates_builds_tests_and_invokes() {
    let folder = Folder::new();
    let mut server = Server::start(&folder);
    server.initialize();
    let created = &server.call(
        "new",
        json!({ "name": "jobs", "lang": "c", "world": "handler" }),
    )["result"];
    assert_eq!(created["isError"], false, "{created}");
    let written = &created["structuredContent"]["written"];
    assert!(
        written
            .as_array()
            .unwrap()
            .contains(&json!("template.yaml")),
        "{created}"
    );
    // A compiler is not what this is about.
    let project = folder.path("jobs");
    fs::remove_file(project.join("tests/hello.toml")).unwrap();
    let copy = format!("cp {} out.wasm", guest("handler").display());
    let settings = |command: &str| {
        let text = format!(
            "[build]\nname = \"jobs\"\ncommand = \"{command}\"\ncomponent = \"out.wasm\"\n"
        );
        fs::write(project.join("lambda-wasm.toml"), text).unwrap();
    };
    fs::create_dir(project.join("dist")).unwrap();
    fs::copy(full_bootstrap(), project.join("dist/bootstrap")).unwrap();
    settings("echo broken >&2; exit 3");
    let failed = &server.call("build", json!({ "directory": "jobs" }))["result"];
    assert_eq!(failed["isError"], true, "{failed}");
    assert_eq!(
        failed["content"][0]["text"],
        "broken\nerror: `echo broken >&2; exit 3` failed (exit status: 3); its output is above"
    );
    settings(&copy);
    let built =
        &server.call("build", json!({ "directory": "jobs" }))["result"]["structuredContent"];
    assert_eq!(built["new"], true, "{built}");
    let artifact = built["path"].as_str().unwrap();
    let inspected =
        &server.call("inspect", json!({ "file": artifact }))["result"]["structuredContent"];
    assert_eq!(inspected["world"], "handler-function", "{inspected}");
    let event = json!({ "directory": "jobs", "event": "stdout:got it\n" });
    let invoked = &server.call("invoke", event)["result"];
    let report = &invoked["structuredContent"];
    assert_eq!(report["response"], "printed", "{invoked}");
    assert_eq!(report["log"], "got it\n", "{invoked}");
    let event = json!({ "directory": "jobs", "event": "fail:Refused" });
    let failed = &server.call("invoke", event)["result"];
    assert_eq!(failed["isError"], true, "{failed}");
    assert_eq!(
        failed["structuredContent"]["error"]["type"], "Refused",
        "{failed}"
    );
    fs::write(
        project.join("tests/jobs.toml"),
        "[[test]]\nname = \"counts\"\nevent = \"count\"\nresponse = \"2\"\n",
    )
    .unwrap();
    let tested = &server.call("test", json!({ "directory": "jobs" }))["result"];
    let report = &tested["structuredContent"];
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&json!(0), &json!(1)),
        "{tested}"
    );
    let differences = &report["tests"][0]["differences"];
    assert_eq!(
        *differences,
        json!(["response\n  expected: \"2\"\n  actual:   \"1\""])
    );
    server.close();
}

const SLOW: &str = "Resources:
  Jobs: { Type: AWS::Serverless::Function, Properties: { Handler: handler, Timeout: 60 } }
";

#[test]
fn a_call_that_is_cancelled_leaves_no_process() {
    let folder = functions("");
    folder.write("template.yaml", SLOW);
    let mut server = Server::start(&folder);
    server.initialize();
    let runs = |folder: &Folder| processes_in(folder).len() > 2;
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"invoke","arguments":{"function":"Jobs","event":"sleep:50000"}}}"#;
    server.send(call);
    wait_until("a bootstrap runs", || runs(&folder));
    server.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#);
    wait_until("only the server is left", || {
        processes_in(&folder) == [server.child.id()]
    });
    // The server goes on, and ends its calls when its input ends.
    server.send(r#"{"jsonrpc":"2.0","id":8,"method":"ping"}"#);
    assert_eq!(server.receive(), r#"{"jsonrpc":"2.0","id":8,"result":{}}"#);
    server.send(&call.replace(":7,", ":9,"));
    wait_until("a bootstrap runs", || runs(&folder));
    server.close();
    wait_until("nothing is left", || processes_in(&folder).is_empty());
}

//! The environments of `lambda-wasm dev`: their extensions, and several events at the same time.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread;

use lambda_wasm_test_support::full_bootstrap;
use serde_json::Value;

use crate::dev::Dev;
use crate::dev_requests::printed;
use crate::http::get;

const TEMPLATE: &str = "Resources: { Web: { Type: AWS::Serverless::Function, Properties: { Handler: web, Timeout: 20, FunctionUrlConfig: { AuthType: NONE } } } }";

/// Registers, and prints each event.
const EXTENSION: &str = r#"#!/usr/bin/env python3
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"
def ask(path, headers, body=None):
    return urllib.request.urlopen(urllib.request.Request(api + path, body, headers))
registered = ask("register", {"Lambda-Extension-Name": "watch"}, b'{"events": ["INVOKE", "SHUTDOWN"]}')
print("registered beside", json.load(registered)["functionName"], flush=True)
id = {"Lambda-Extension-Identifier": registered.headers["Lambda-Extension-Identifier"]}
kind = None
while kind != "SHUTDOWN":
    event = json.load(ask("event/next", id))
    kind = event["eventType"]
    print("the extension got", kind, event.get("shutdownReason", ""), flush=True)
"#;

/// Returns the URL of `Web`.
fn url(dev: &Dev) -> String {
    let listening: Value = serde_json::from_str(&dev.listening).unwrap();
    let url = &listening["functions"][0]["url"];
    url.as_str().unwrap().to_owned()
}

#[test]
fn an_extension_runs_beside_the_function() {
    let functions = [("web", "http_p2", "")];
    let mut dev = Dev::prepared(TEMPLATE, &functions, &["--json"], &[], |dist| {
        let path = dist.join("extensions/watch");
        fs::create_dir(dist.join("extensions")).unwrap();
        fs::write(&path, EXTENSION).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    });
    assert_eq!(get(&format!("{}print?text=first", url(&dev))).status, 200);
    dev.program.wait_for("the extension got INVOKE");
    assert_eq!(get(&format!("{}print?text=second", url(&dev))).status, 200);
    dev.program.wait_for("the extension got INVOKE");
    let printed = printed(dev);
    for line in [
        "registered beside Web",
        "the extension got SHUTDOWN spindown",
    ] {
        assert!(printed.contains(line), "{printed}");
    }
}

#[test]
fn an_environment_serves_as_many_events_at_the_same_time_as_it_may() {
    const EVENTS: usize = 3;
    // It answers when all events are there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let all: Vec<_> = listener
            .incoming()
            .take(EVENTS)
            .map(Result::unwrap)
            .collect();
        for mut stream in all {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    let policy = format!("[http]\nallow = [{origin:?}]\n");
    let bootstrap = full_bootstrap().display().to_string();
    let args = [
        "--json",
        "--concurrency",
        "1",
        "--concurrency-per-environment",
        "3",
    ];
    let args = [&args[..], &["--bootstrap", &bootstrap]].concat();
    let dev = Dev::with(TEMPLATE, &[("web", "http_p2", &policy)], &args);
    let url = format!("{}outbound?url={origin}/", url(&dev));
    thread::scope(|threads| {
        let calls: Vec<_> = (0..EVENTS)
            .map(|_| threads.spawn(|| get(&url).body))
            .collect();
        for call in calls {
            assert_eq!(call.join().unwrap(), r#"{"status":204}"#);
        }
    });
}

#[test]
fn a_stream_does_not_hold_another_request_up() {
    let template = TEMPLATE.replace("NONE", "NONE, InvokeMode: RESPONSE_STREAM");
    let dev = Dev::with(
        &template,
        &[("web", "http_p2", "stream = true")],
        &["--json"],
    );
    let url = url(&dev);
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!("GET /wait-in-stream?ms=15000 HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let (mut seen, mut piece) = (String::new(), [0; 1024]);
    while !seen.contains("first") {
        let length = stream.read(&mut piece).unwrap();
        assert_ne!(length, 0, "{seen}");
        seen += &String::from_utf8_lossy(&piece[..length]);
    }
    assert_eq!(get(&format!("{url}print?text=x")).body, "printed\n");
    stream.set_nonblocking(true).unwrap();
    let more = stream.read(&mut piece).map_err(|error| error.kind());
    assert_eq!(more, Err(ErrorKind::WouldBlock));
}

#[test]
fn a_function_calls_its_own_url() {
    let bootstrap = full_bootstrap().display().to_string();
    let args = ["--json", "--bootstrap", &bootstrap];
    let dev = Dev::with(TEMPLATE, &[("web", "http_p2", "")], &args);
    let url = url(&dev);
    let origin = url.trim_end_matches('/');
    // The next request starts it with this policy.
    dev.write_policy("web", &format!("[http]\nallow = [{origin:?}]\n"));
    let answer = get(&format!("{url}outbound?url={url}print"));
    assert_eq!(answer.body, r#"{"status":200}"#);
}

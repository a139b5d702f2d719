//! The environments of `lambda-wasm dev`: their extensions, and several events at the same time.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
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

//! The Telemetry API, with a subscriber on a socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use lambda_wasm_emulator::{
    Function, Invocation, LogSource, RuntimeApi, ShutdownReason, Violation,
};
use serde_json::{Value, json};

use super::client::{Extension, SOON, next, respond};
use super::{BOTH, INVOKE, block_on, raw_runtime_next, refused, start};

/// Listens for telemetry, and returns the port and the events.
fn listen() -> (u16, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, events) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut length = 0;
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.strip_prefix("Content-Length: ") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            reader.into_inner().write_all(response).unwrap();
            let Value::Array(batch) = serde_json::from_slice(&body).unwrap() else {
                panic!("not an array")
            };
            if batch.into_iter().any(|event| sender.send(event).is_err()) {
                return;
            }
        }
    });
    (port, events)
}

fn subscription(port: u16, types: &[&str], milliseconds: u32) -> Value {
    json!({
        "schemaVersion": "2022-12-13",
        "types": types,
        "buffering": { "timeoutMs": milliseconds },
        "destination": { "protocol": "HTTP", "URI": format!("http://sandbox.localdomain:{port}") },
    })
}

/// The type and the record of an event, whose time is checked.
fn take(events: &Receiver<Value>) -> (String, Value) {
    let event = events.recv_timeout(SOON).unwrap();
    let time = event["time"].as_str().unwrap();
    assert_eq!((time.len(), &time[10..11], &time[23..]), (24, "T", "Z"));
    let kind = event["type"].as_str().unwrap().to_owned();
    (kind, event["record"].clone())
}

#[test]
fn a_subscriber_gets_the_logs_and_the_events_of_invocations() {
    let api = start(&["observer"]);
    let mut function = Function::new("Orders", "orders");
    function.memory_mb = 256;
    api.describe(&function);
    api.measure_memory(|| Some(42));
    let log = api.log_sink(LogSource::Function);
    let extensions_log = api.log_sink(LogSource::Extension);
    // Lines of the start are not lost.
    log(b"one\ntwo\n");
    extensions_log(b"not subscribed\n");
    let extension = Extension::registered(&api, "observer", INVOKE);
    let (port, events) = listen();
    let subscribed = extension.subscribe(&subscription(port, &["platform", "function"], 25));
    assert_eq!(subscribed, (200, json!("OK")));
    for line in ["one", "two"] {
        assert_eq!(take(&events), ("function".to_owned(), json!(line)));
    }
    let pending = api.submit(Invocation::new("{}").request_id("r-1").trace_id("Root=1"));
    thread::scope(|scope| {
        scope.spawn(|| next(&api));
        extension.next();
    });
    let tracing = json!({ "type": "X-Amzn-Trace-Id", "value": "Root=1" });
    let record = json!({ "requestId": "r-1", "version": "$LATEST", "tracing": tracing });
    assert_eq!(take(&events), ("platform.start".to_owned(), record));
    log(b"\xff\n");
    assert_eq!(take(&events), ("function".to_owned(), json!("\u{fffd}")));
    respond(&api, "r-1", "done");
    pending.wait().response();
    let (kind, mut record) = take(&events);
    assert_eq!(kind, "platform.runtimeDone");
    assert!(record["metrics"]["durationMs"].take().as_f64().unwrap() > 0.0);
    let expected = json!({
        "requestId": "r-1", "status": "success", "tracing": tracing,
        "metrics": { "durationMs": null, "producedBytes": 4 },
    });
    assert_eq!(record, expected);
    // The report comes when the environment is ready for the next event.
    let _next = raw_runtime_next(&api);
    assert!(api.wait_next_calls(2, SOON));
    let moment = Duration::from_millis(60);
    assert!(events.recv_timeout(moment).is_err());
    let _asks = extension.ask();
    let (kind, mut record) = take(&events);
    assert_eq!(kind, "platform.report");
    let metrics = record["metrics"].take();
    assert!(metrics["durationMs"].as_f64() <= metrics["billedDurationMs"].as_f64());
    assert_eq!(
        (&metrics["memorySizeMB"], &metrics["maxMemoryUsedMB"]),
        (&json!(256), &json!(42))
    );
    let expected = json!({
        "requestId": "r-1", "status": "success", "tracing": tracing, "metrics": null,
    });
    assert_eq!(record, expected);
    assert_eq!(api.violations(), []);
}

#[test]
fn failed_invocations_have_their_status() {
    let api = start(&["observer"]);
    let extension = Extension::registered(&api, "observer", "{}");
    let (port, events) = listen();
    extension.subscribe(&subscription(port, &["platform"], 25));
    let _asks = extension.ask();
    let short = Duration::from_millis(20);
    let late = api.submit(Invocation::new("{}").request_id("late").timeout(short));
    next(&api);
    drop(late.wait());
    let lost = api.submit(Invocation::new("{}").request_id("lost"));
    next(&api);
    api.runtime_exited("killed");
    drop(lost.wait());
    for (id, status) in [("late", "timeout"), ("lost", "failure")] {
        for kind in ["platform.start", "platform.runtimeDone", "platform.report"] {
            let (taken, record) = take(&events);
            assert_eq!((taken.as_str(), &record["requestId"]), (kind, &json!(id)));
            if kind != "platform.start" {
                assert_eq!(record["status"], status);
            }
        }
    }
}

#[test]
fn shutdown_delivers_what_waits() {
    let api = start(&["observer"]);
    let extension = Extension::registered(&api, "observer", BOTH);
    let (port, events) = listen();
    extension.subscribe(&subscription(port, &["extension"], 30_000));
    let begun = Instant::now();
    api.log_sink(LogSource::Extension)(b"bye\n");
    block_on(api.shut_down(ShutdownReason::Spindown, Duration::ZERO));
    assert_eq!(take(&events), ("extension".to_owned(), json!("bye")));
    assert!(begun.elapsed() < SOON);
}

#[test]
fn subscriptions_that_break_the_rules_are_refused() {
    let api = start(&["observer"]);
    let extension = Extension::registered(&api, "observer", INVOKE);
    let valid = subscription(1, &["platform"], 25);
    let refuse = |extension: &Extension, body: &Value, status: u16, error_type: &str| {
        let (code, error) = extension.subscribe(body);
        assert_eq!(
            (code, &error["errorType"]),
            (status, &json!(error_type)),
            "{error}"
        );
        error["errorMessage"].as_str().unwrap().to_owned()
    };
    let body = subscription(1, &[], 25);
    let why = refuse(&extension, &body, 400, "ValidationError");
    assert_eq!(why, "types should not be empty");
    let stranger = Extension::with_id(&api, "00000000-0000-4000-8000-000000000000");
    refuse(
        &stranger,
        &valid,
        403,
        "Extension.UnknownExtensionIdentifier",
    );
    let _asks = extension.ask();
    let _next = raw_runtime_next(&api);
    assert!(api.wait_idle(SOON));
    refuse(&extension, &valid, 403, "Telemetry.SubscriptionClosed");
    let expected = [
        refused("observer", "telemetry", "ValidationError"),
        refused(
            &stranger.id,
            "telemetry",
            "Extension.UnknownExtensionIdentifier",
        ),
        refused("observer", "telemetry", "Telemetry.SubscriptionClosed"),
    ];
    assert_eq!(api.violations(), expected);
}

#[test]
fn a_subscriber_that_does_not_listen_is_noted() {
    let api: RuntimeApi = start(&["observer"]);
    let extension = Extension::registered(&api, "observer", BOTH);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    extension.subscribe(&subscription(port, &["function"], 25));
    api.log_sink(LogSource::Function)(b"lost\n");
    let until = Instant::now() + SOON;
    while api.violations().is_empty() {
        assert!(Instant::now() < until, "it is not noted");
        thread::yield_now();
    }
    let [Violation::TelemetryRefused { extension, .. }] = &api.violations()[..] else {
        panic!("{:?}", api.violations())
    };
    assert_eq!(extension, "observer");
}

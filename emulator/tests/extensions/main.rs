//! The Extensions API over a socket, with extensions of a few lines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod telemetry;

use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use client::{Extension, SOON, next, respond, send};
use lambda_wasm_emulator::{
    Function, Invocation, Outcome, RuntimeApi, ShutdownLimits, ShutdownReason, Violation,
};
use serde_json::json;

const BOTH: &str = r#"{"events":["INVOKE","SHUTDOWN"]}"#;
const INVOKE: &str = r#"{"events":["INVOKE"]}"#;

fn start(external: &[&str]) -> RuntimeApi {
    let api = RuntimeApi::start("127.0.0.1:0").unwrap();
    api.describe(&Function::new("Orders", "orders"));
    api.expect_extensions(external.iter().map(|name| (*name).to_owned()));
    api
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

/// Whether a future is still pending after a moment.
fn is_pending<T>(future: impl Future<Output = T>) -> bool {
    let moment = Duration::from_millis(50);
    block_on(async { tokio::time::timeout(moment, future).await }).is_err()
}

fn refused(extension: &str, path: &str, error_type: &str) -> Violation {
    Violation::ExtensionRefused {
        extension: extension.to_owned(),
        path: path.to_owned(),
        error_type: error_type.to_owned(),
    }
}

fn limits(runtime: u64, total: u64) -> ShutdownLimits {
    ShutdownLimits {
        runtime: Duration::from_millis(runtime),
        total: Duration::from_millis(total),
    }
}

#[test]
fn an_extension_that_registers_learns_its_function() {
    let api = start(&["outside"]);
    assert!(is_pending(api.extensions_registered()));
    let (status, id, body) = Extension::register(&api, "outside", BOTH, &[]);
    assert_eq!((status, id.len()), (200, 36));
    let function = json!({
        "functionName": "Orders", "functionVersion": "$LATEST", "handler": "orders",
    });
    assert_eq!(body, function);
    let feature = [("Lambda-Extension-Accept-Feature", "accountId")];
    let (_, _, body) = Extension::register(&api, "inside", "{}", &feature);
    assert_eq!(body["accountId"], "123456789012");
    block_on(api.extensions_registered()).unwrap();
    assert_eq!(api.violations(), []);
}

#[test]
fn registrations_that_break_the_rules_are_refused() {
    let api = start(&["outside"]);
    let refuse = |name: &str, body: &str, error_type: &str| {
        let (status, id, error) = Extension::register(&api, name, body, &[]);
        assert_eq!((status, id.as_str()), (403, ""), "{error}");
        assert_eq!(error["errorType"], error_type, "{error}");
        assert!(error["errorMessage"].is_string(), "{error}");
    };
    refuse("", BOTH, "Extension.InvalidExtensionName");
    refuse("inside", "", "InvalidRequestFormat");
    let old = r#"{"events":[],"configurationKeys":["A"]}"#;
    refuse("inside", old, "InvalidRequestFormat");
    refuse("inside", BOTH, "Extension.InvalidEventType");
    let unknown = r#"{"events":["RESTORE"]}"#;
    refuse("outside", unknown, "Extension.InvalidEventType");
    for name in ["outside", "inside"] {
        assert_eq!(Extension::register(&api, name, INVOKE, &[]).0, 200);
        refuse(name, INVOKE, "Extension.InvalidExtensionState");
    }
    for n in 2..10 {
        let name = format!("inside {n}");
        assert_eq!(Extension::register(&api, &name, "{}", &[]).0, 200);
    }
    refuse("eleventh", INVOKE, "Extension.TooManyExtensions");
    let _next = raw_runtime_next(&api);
    assert!(api.wait_next_calls(1, SOON));
    refuse("late", INVOKE, "Extension.RegistrationClosed");
    let violations = api.violations();
    assert_eq!(violations.len(), 9, "{violations:?}");
    let last = refused("late", "register", "Extension.RegistrationClosed");
    assert_eq!(violations[8], last);
}

#[test]
fn a_function_has_at_most_ten_extensions() {
    let names: Vec<_> = (0..11).map(|n| format!("outside {n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let api = start(&names);
    let (status, _, error) = Extension::register(&api, names[0], BOTH, &[]);
    let error_type = json!("Extension.TooManyExtensions");
    assert_eq!((status, &error["errorType"]), (403, &error_type));
    let api = start(&names[..10]);
    for name in &names[..10] {
        Extension::registered(&api, name, BOTH);
    }
}

#[test]
fn extensions_of_a_managed_instance_have_no_invoke() {
    let api = start(&["outside"]);
    api.set_managed();
    for (name, events) in [("outside", BOTH), ("inside", INVOKE)] {
        let (status, _, error) = Extension::register(&api, name, events, &[]);
        let error_type = json!("Extension.InvalidEventType");
        assert_eq!((status, &error["errorType"]), (403, &error_type));
    }
    Extension::registered(&api, "outside", r#"{"events":["SHUTDOWN"]}"#);
    Extension::registered(&api, "inside", "{}");
}

#[test]
fn requests_without_a_known_identifier_are_refused() {
    let api = start(&[]);
    let unknown = "00000000-0000-4000-8000-000000000000";
    let cases = [
        ("", "Extension.MissingExtensionIdentifier"),
        ("me", "Extension.InvalidExtensionIdentifier"),
        (unknown, "Extension.UnknownExtensionIdentifier"),
    ];
    let mut expected = Vec::new();
    for (id, error_type) in cases {
        let extension = Extension::with_id(&api, id);
        let (status, error) = extension.next();
        assert_eq!((status, &error["errorType"]), (403, &json!(error_type)));
        let (status, error) = extension.report("exit/error", Some("Fatal.A"), "{}");
        assert_eq!((status, &error["errorType"]), (403, &json!(error_type)));
        expected.push(refused(id, "event/next", error_type));
        expected.push(refused(id, "exit/error", error_type));
    }
    assert_eq!(api.violations(), expected);
}

#[test]
fn the_start_and_each_invocation_last_until_the_extensions_are_done() {
    let api = start(&["outside"]);
    let extension = Extension::registered(&api, "outside", BOTH);
    let inside = Extension::registered(&api, "inside", INVOKE);
    let pending = api.submit(
        Invocation::new("1")
            .request_id("r-1")
            .trace_id("Root=1-2-3"),
    );
    thread::scope(|scope| {
        let taken = scope.spawn(|| next(&api));
        assert!(api.wait_workers(1, SOON));
        let event = scope.spawn(|| extension.next());
        // Until all wait, the event is not handed out.
        assert!(!api.wait_idle(Duration::from_millis(50)) && !event.is_finished());
        let (status, invoke) = inside.next();
        assert_eq!((status, &invoke), (200, &event.join().unwrap().1));
        assert_eq!(taken.join().unwrap(), ("r-1".to_owned(), "1".to_owned()));
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:function";
        let expected = json!({
            "eventType": "INVOKE", "requestId": "r-1", "invokedFunctionArn": arn,
            "deadlineMs": invoke["deadlineMs"].as_u64().unwrap(),
            "tracing": { "type": "X-Amzn-Trace-Id", "value": "Root=1-2-3" },
        });
        assert_eq!(invoke, expected);

        // The response does not wait for the extensions.
        respond(&api, "r-1", "done");
        assert_eq!(pending.wait().response().text(), "done");
        let second = api.submit(Invocation::new("2").request_id("r-2"));
        let taken = scope.spawn(|| next(&api));
        let event = scope.spawn(|| extension.next());
        assert!(api.wait_workers(1, SOON));
        assert!(!api.wait_idle(Duration::from_millis(50)) && !taken.is_finished());
        assert_eq!(inside.next().1["requestId"], "r-2");
        assert_eq!(event.join().unwrap().1["requestId"], "r-2");
        taken.join().unwrap();
        respond(&api, "r-2", "done");
        second.wait().response();
    });
    assert_eq!(api.violations(), []);
}

#[test]
fn an_extension_without_invoke_does_not_delay_events() {
    let api = start(&["outside"]);
    let extension = Extension::registered(&api, "outside", r#"{"events":["SHUTDOWN"]}"#);
    thread::scope(|scope| {
        let event = scope.spawn(|| extension.next());
        for turn in ["1", "2"] {
            let pending = api.submit(Invocation::new(turn).request_id(turn));
            next(&api);
            respond(&api, turn, turn);
            pending.wait().response();
        }
        block_on(api.shut_down(ShutdownReason::Spindown, Duration::ZERO));
        assert_eq!(event.join().unwrap().1["shutdownReason"], "spindown");
    });
}

#[test]
fn a_connection_that_drops_in_next_loses_no_event() {
    let api = start(&["outside"]);
    let extension = Extension::registered(&api, "outside", INVOKE);
    let dropped = extension.ask();
    let id = &extension.id;
    let _next = raw_runtime_next(&api);
    assert!(api.wait_idle(SOON));
    // A second call at the same time is refused.
    let (status, error) = extension.next();
    assert_eq!(status, 403);
    let expected = format!(
        "State transition from Ready to Ready failed for extension {id}. Error: State transition is not allowed"
    );
    assert_eq!(error["errorMessage"], expected);
    dropped.shutdown(Shutdown::Both).unwrap();
    let until = Instant::now() + SOON;
    while api.wait_idle(Duration::ZERO) {
        assert!(Instant::now() < until, "the connection still waits");
        thread::yield_now();
    }
    let _pending = api.submit(Invocation::new("{}").request_id("r-1"));
    assert_eq!(extension.next().1["requestId"], "r-1");
}

#[test]
fn shutdown_waits_for_the_extensions_that_it_is_told_to() {
    let api = start(&[]);
    assert_eq!(api.shutdown_limits(), limits(0, 0));
    Extension::registered(&api, "inside", INVOKE);
    assert_eq!(api.shutdown_limits(), limits(500, 500));

    let api = start(&["killed", "exits", "asks"]);
    assert_eq!(api.shutdown_limits(), limits(300, 2000));
    Extension::registered(&api, "killed", INVOKE);
    let exits = Extension::registered(&api, "exits", BOTH);
    let asks = Extension::registered(&api, "asks", BOTH);
    Extension::registered(&api, "inside", INVOKE);
    assert_eq!(api.shutdown_limits(), limits(500, 2000));
    let began = Instant::now();
    thread::scope(|scope| {
        let ended = scope.spawn(|| block_on(api.shut_down(ShutdownReason::Timeout, SOON)));
        for extension in [&exits, &asks] {
            let (_, event) = extension.next();
            let expected = json!({
                "eventType": "SHUTDOWN", "shutdownReason": "timeout",
                "deadlineMs": event["deadlineMs"].as_u64().unwrap(),
            });
            assert_eq!(event, expected);
        }
        assert!(!ended.is_finished());
        api.extension_exited("exits", "exit code 0");
        let _asks = asks.ask();
        ended.join().unwrap();
    });
    assert!(began.elapsed() < SOON);
    assert_eq!((api.extension_failure(), api.violations()), (None, vec![]));
}

#[test]
fn a_failed_extension_is_the_outcome_of_all_events() {
    let kinds = [
        "Extension.InitError",
        "Extension.ExitError",
        "Extension.Crash",
    ];
    for kind in kinds {
        let api = start(&["outside"]);
        let extension = Extension::registered(&api, "outside", BOTH);
        let waits = api.submit(Invocation::new("{}"));
        let body = r#"{"errorMessage":"no network","errorType":"A","stackTrace":[]}"#;
        match kind {
            "Extension.InitError" => {
                let (status, error) = extension.report("init/error", None, body);
                let error_type = json!("Extension.MissingHeader");
                assert_eq!((status, &error["errorType"]), (403, &error_type));
                let (status, body) = extension.report("init/error", Some("Fatal.A"), body);
                assert_eq!((status, body), (202, json!({ "status": "OK" })));
                assert_eq!(extension.next().0, 403);
            }
            "Extension.ExitError" => {
                assert_eq!(extension.report("exit/error", Some("Fatal.A"), body).0, 202);
            }
            _ => api.extension_exited("outside", "exit status 3"),
        }
        // It is expected to exit now.
        api.extension_exited("outside", "exit status 1");
        let message = match kind {
            "Extension.Crash" => "exit status 3",
            _ => "Fatal.A: no network",
        };
        let ready = block_on(api.ready()).unwrap_err();
        for outcome in [waits.wait(), api.invoke(Invocation::new("{}")), ready] {
            let Outcome::ExtensionFailed(failure) = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(
                (failure.kind.as_str(), failure.extension.as_str()),
                (kind, "outside")
            );
            assert_eq!(failure.message, message);
        }
    }
}

#[test]
fn an_init_error_comes_before_the_first_next() {
    let api = start(&["outside"]);
    let extension = Extension::registered(&api, "outside", INVOKE);
    let _next = raw_runtime_next(&api);
    let _asks = extension.ask();
    assert!(api.wait_idle(SOON));
    let (status, error) = extension.report("init/error", Some("Fatal.A"), "{}");
    let error_type = json!("Extension.InvalidExtensionState");
    assert_eq!((status, &error["errorType"]), (403, &error_type));
    assert_eq!(api.extension_failure(), None);
}

#[test]
fn a_crash_within_an_invocation_ends_it() {
    let api = start(&["outside"]);
    let extension = Extension::registered(&api, "outside", INVOKE);
    let pending = api.submit(Invocation::new("{}").request_id("r-1"));
    thread::scope(|scope| {
        scope.spawn(|| extension.next());
        next(&api);
    });
    api.extension_exited("outside", "exit code 0");
    let Outcome::ExtensionFailed(failure) = pending.wait() else {
        panic!("it does not fail")
    };
    assert_eq!(failure.to_string(), "extension outside: exit code 0");
    // The runtime may not have noticed.
    assert_eq!(respond(&api, "r-1", "{}"), 400);
    assert_eq!(api.violations(), []);
}

#[test]
fn an_extension_has_the_deadline_of_the_invocation() {
    let api = start(&["slow"]);
    let extension = Extension::registered(&api, "slow", INVOKE);
    let timeout = Duration::from_millis(50);
    let pending = api.submit(Invocation::new("{}").request_id("r-1").timeout(timeout));
    thread::scope(|scope| {
        scope.spawn(|| extension.next());
        next(&api);
    });
    respond(&api, "r-1", "{}");
    pending.wait().response();
    let Outcome::ExtensionFailed(failure) = block_on(api.ready()).unwrap_err() else {
        panic!("it does not fail")
    };
    assert_eq!(failure.kind, "Sandbox.Timedout");
    let late = Violation::ExtensionLate {
        extension: "slow".to_owned(),
        request_id: "r-1".to_owned(),
    };
    assert_eq!(api.violations(), [late]);
}

#[test]
fn hostile_requests_are_refused() {
    let api = start(&["outside"]);
    for body in ["[]", "{\"events\":7}", "\u{0}", "{\"events\":[\"\u{7f}\"]}"] {
        assert_eq!(Extension::register(&api, "outside", body, &[]).0, 403);
    }
    let bytes = b"POST /2020-01-01/extension/register HTTP/1.1\r\nHost: x\r\nLambda-Extension-Name: \xff\r\nContent-Length: 2\r\n\r\n{}";
    let (head, _) = client::receive(send(api.address(), bytes));
    assert_eq!(client::status(&head), 403);
    assert_eq!(api.violations().len(), 5);
}

/// A runtime that waits in `next` until this is dropped.
fn raw_runtime_next(api: &RuntimeApi) -> TcpStream {
    let request = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
    send(api.address(), request)
}

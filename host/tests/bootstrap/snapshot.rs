//! SnapStart for container images: a process whose copies are restored.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use lambda_wasm_test_support::{Connection, Deployment, Process, Request, ScriptedApi};
use rustix::process::Signal;

use crate::init::with_init;

/// Starts a function as Lambda does for a snapshot.
fn start(deployment: Deployment, api: &ScriptedApi) -> Process {
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", &*api.address()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"),
    ];
    deployment.envs(&variables).spawn()
}

#[track_caller]
fn expect_restore_next(connection: &mut Connection) {
    let request = connection.request();
    assert_eq!(
        request.line,
        "GET /2018-06-01/runtime/restore/next HTTP/1.1"
    );
}

fn serve(connection: &mut Connection, id: &str, event: &str) -> Request {
    connection.expect_next();
    connection.event(id, event);
    connection.take_response(id)
}

#[test]
fn events_are_requested_after_the_restore_over_another_connection() {
    for workers in ["1", "2"] {
        let api = ScriptedApi::start();
        let deployment = Deployment::of("handler").env("AWS_LAMBDA_MAX_CONCURRENCY", workers);
        let _process = start(deployment, &api);
        let mut snapshot = api.accept();
        expect_restore_next(&mut snapshot);
        // No worker asks for an event before.
        assert_eq!(api.count_connections(Duration::from_millis(100)), 0);
        snapshot.answer("200 OK", "", "");
        let mut connection = api.accept();
        assert_eq!(serve(&mut connection, "id-1", "\"count\"").body, b"\"1\"");
    }
}

/// The connection does not have to survive.
#[test]
fn a_connection_that_ended_in_the_snapshot_is_replaced() {
    let api = ScriptedApi::start();
    let _process = start(Deployment::of("handler"), &api);
    let mut before = api.accept();
    expect_restore_next(&mut before);
    before.close();
    let mut after = api.accept();
    expect_restore_next(&mut after);
    after.answer("200 OK", "", "");
    let mut connection = api.accept();
    assert_eq!(serve(&mut connection, "id-1", "\"count\"").body, b"\"1\"");
}

/// Copies of a snapshot would share the random numbers of its instances, and of its threads.
#[test]
fn instances_are_created_by_a_thread_that_the_snapshot_does_not_have() {
    let api = ScriptedApi::start();
    let process = start(Deployment::of("handler"), &api);
    let mut snapshot = api.accept();
    expect_restore_next(&mut snapshot);
    let tasks = PathBuf::from(format!("/proc/{}/task", process.id()));
    let worker = || {
        let tasks = fs::read_dir(&tasks).unwrap();
        let mut names = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("comm")));
        names.any(|name| name.is_ok_and(|name| name == "worker-1\n"))
    };
    assert!(!worker(), "the thread of the first instance has not ended");
    snapshot.answer("200 OK", "", "");
    let mut connection = api.accept();
    connection.expect_next();
    assert!(worker(), "the worker runs on an older thread");
}

#[test]
fn a_component_that_does_not_start_fails_before_the_snapshot() {
    let api = ScriptedApi::start();
    let mut process = start(with_init("unreachable"), &api);
    let mut connection = api.accept();
    let request = connection.request();
    assert_eq!(request.line, "POST /2018-06-01/runtime/init/error HTTP/1.1");
    connection.answer("202 Accepted", "", "");
    assert_eq!(process.wait().status.code(), Some(1));
}

#[test]
fn a_restore_that_fails_is_reported_and_ends_the_process() {
    let api = ScriptedApi::start();
    let policy = "[files]\n\"/var/task/data\" = \"read-only\"\n";
    let deployment = Deployment::of("handler").policy(policy);
    let granted = deployment.path().join("data");
    fs::create_dir(&granted).unwrap();
    let mut process = start(deployment, &api);
    let mut snapshot = api.accept();
    expect_restore_next(&mut snapshot);
    // The restored machine does not have it.
    fs::remove_dir(&granted).unwrap();
    snapshot.answer("200 OK", "", "");
    let mut connection = api.accept();
    let request = connection.request();
    assert_eq!(
        request.line,
        "POST /2018-06-01/runtime/restore/error HTTP/1.1"
    );
    let error: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(error["errorType"], "Runtime.DirectoryUnavailable");
    connection.answer("202 Accepted", "", "");
    let output = process.wait();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        output.stderr.contains("Runtime.DirectoryUnavailable"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_refusal_ends_the_process() {
    let api = ScriptedApi::start();
    let mut process = start(Deployment::of("handler"), &api);
    let mut snapshot = api.accept();
    expect_restore_next(&mut snapshot);
    snapshot.answer("500 Internal Server Error", "", "");
    let output = process.wait();
    assert_eq!(output.status.code(), Some(1));
    let words = "answered 500 Internal Server Error to GET restore/next";
    assert!(output.stderr.contains(words), "{}", output.stderr);
}

#[test]
fn sigterm_ends_the_wait_for_a_restore() {
    let api = ScriptedApi::start();
    let mut process = start(Deployment::of("handler"), &api);
    let mut snapshot = api.accept();
    expect_restore_next(&mut snapshot);
    process.signal(Signal::TERM);
    assert_eq!(process.wait().status.code(), Some(0));
}

#[test]
fn the_emulator_restores_it() {
    let deployment = Deployment::of("handler");
    let host = deployment.env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
    let host = host.start();
    assert_eq!(host.ask("count"), "1");
    // No request was a violation of the Runtime API.
    host.finish();
}

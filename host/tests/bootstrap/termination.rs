//! SIGTERM: the invocations under way end, and then the process.

use std::time::{Duration, Instant};

use lambda_wasm_test_support::{Connection, Deployment, Process, ScriptedApi};
use rustix::process::Signal;

/// How long a process may take to end that has nothing to do.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A host of which so many workers have asked for an event.
fn serving(workers: usize) -> (ScriptedApi, Process, Vec<Connection>) {
    let api = ScriptedApi::start();
    let process = Deployment::of("handler")
        .env("AWS_LAMBDA_RUNTIME_API", &api.address())
        .env("AWS_LAMBDA_MAX_CONCURRENCY", &workers.to_string())
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048")
        .spawn();
    let connections = (0..workers).map(|_| {
        let mut connection = api.accept();
        connection.expect_next();
        connection
    });
    let connections = connections.collect();
    (api, process, connections)
}

/// Checks that the process ends in good order, and returns its log.
#[track_caller]
fn ends_well(mut process: Process) -> String {
    let since = Instant::now();
    let output = process.wait();
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    assert!(since.elapsed() < AT_ONCE, "{:?}", since.elapsed());
    output.stderr
}

#[test]
fn idle_workers_end_at_once() {
    for workers in [1, 4] {
        let (_api, process, mut connections) = serving(workers);
        process.signal(Signal::TERM);
        assert_eq!(ends_well(process), "");
        for connection in &mut connections {
            connection.expect_end();
        }
    }
}

#[test]
fn an_invocation_under_way_is_answered_and_no_further_event_is_requested() {
    let (api, process, mut connections) = serving(1);
    let connection = &mut connections[0];
    connection.event("id-1", "\"sleep:300\"");
    process.signal(Signal::TERM);
    // The second signal changes nothing.
    process.signal(Signal::TERM);
    assert_eq!(connection.take_response("id-1").body, b"\"woke\"");
    connection.expect_end();
    assert_eq!(ends_well(process), "");
    assert_eq!(api.count_connections(Duration::from_millis(20)), 0);
}

#[test]
fn the_last_line_of_the_log_is_whole() {
    let (_api, process, mut connections) = serving(1);
    let connection = &mut connections[0];
    connection.event("id-1", "\"stderr:the last line\"");
    process.signal(Signal::TERM);
    connection.take_response("id-1");
    assert_eq!(ends_well(process), "the last line\n");
}

/// The Runtime API counts an event as taken when it has sent it.
#[test]
fn an_event_that_has_arrived_unread_is_answered() {
    let (_api, process, mut connections) = serving(1);
    let connection = &mut connections[0];
    process.signal(Signal::STOP);
    connection.event("id-1", "\"count\"");
    process.signal(Signal::TERM);
    process.signal(Signal::CONT);
    assert_eq!(connection.take_response("id-1").body, b"\"1\"");
    connection.expect_end();
    ends_well(process);
}

#[test]
fn an_event_of_which_a_part_has_arrived_is_answered() {
    let (_api, process, mut connections) = serving(1);
    let connection = &mut connections[0];
    connection.write("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-1\r\n");
    process.signal(Signal::TERM);
    connection.write("Content-Length: 7\r\n\r\n\"cou");
    connection.write("nt\"");
    assert_eq!(connection.take_response("id-1").body, b"\"1\"");
    connection.expect_end();
    ends_well(process);
}

#[test]
fn with_several_workers_the_idle_end_and_the_busy_answer() {
    let (api, process, mut connections) = serving(4);
    connections[1].event("id-1", "\"sleep:200\"");
    connections[3].event("id-3", "\"sleep:400\"");
    process.signal(Signal::TERM);
    connections[0].expect_end();
    connections[2].expect_end();
    let body = connections[1].take_response("id-1").body;
    assert_eq!(body, b"\"woke\"");
    connections[1].expect_end();
    let body = connections[3].take_response("id-3").body;
    assert_eq!(body, b"\"woke\"");
    connections[3].expect_end();
    assert_eq!(ends_well(process), "");
    assert_eq!(api.count_connections(Duration::from_millis(20)), 0);
}

/// A call of the host that does not return is reported, and the process does not re-execute itself.
#[test]
fn a_stuck_invocation_is_reported_before_the_end() {
    for workers in ["1", "2"] {
        let api = ScriptedApi::start();
        let mut process = Deployment::of("handler")
            .env("AWS_LAMBDA_MAX_CONCURRENCY", workers)
            .start_unread_at(&api.address());
        let mut connection = api.accept();
        connection.expect_next();
        connection.event_within(Duration::from_secs(1), "stuck", "\"long-line:1000000\"");
        let pid = rustix::process::Pid::from_raw(process.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, Signal::TERM).unwrap();
        // With two workers, the other may have asked for an event.
        let mut report = loop {
            let mut connection = api.accept();
            let request = connection.request();
            if request.line.starts_with("POST") {
                assert!(
                    request.line.ends_with("/stuck/error HTTP/1.1"),
                    "{request:?}"
                );
                break connection;
            }
        };
        report.answer("202 Accepted", "", "");
        report.expect_end();
        assert_eq!(process.wait().unwrap().code(), Some(0));
    }
}

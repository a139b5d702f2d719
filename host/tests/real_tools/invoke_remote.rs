//! `lambda-wasm invoke --remote`, with answers of Lambda that a test writes.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_test_support::{Request, signature::verify};

use crate::answers::{Answer, error, fails, lambda, not_found};
use crate::deploy::{Output, SECRET, deploy, dist, run, succeeds, tool};

/// An answer of Lambda to an event, with a log.
fn invoked(body: &str, more: &str) -> Answer {
    let log = STANDARD.encode("START RequestId: 1\nwelcome\n");
    let headers = format!("X-Amz-Log-Result: {log}\r\nX-Amz-Executed-Version: $LATEST\r\n{more}");
    ("200 OK", headers, body.to_owned())
}

/// Invokes a function on AWS against these answers, and returns what was printed and sent.
fn invoke(args: &[&str], answers: Vec<Answer>) -> (Output, Vec<Request>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("event.json"), "{\"id\": 1}").unwrap();
    let (endpoint, server) = lambda(answers);
    let args = [
        &["invoke", "--remote", "jobs", "--event", "event.json"],
        args,
    ]
    .concat();
    let output = deploy(folder.path(), &endpoint, &args);
    (output, server.join().unwrap())
}

#[test]
fn a_remote_invocation_prints_the_response_and_the_log() {
    let (output, requests) = invoke(&["--set", "name=Ada"], vec![invoked("\"done\"", "")]);
    succeeds(&output);
    assert_eq!(output.stdout, "\"done\"");
    assert_eq!(output.stderr, "START RequestId: 1\nwelcome\n");
    assert_eq!(
        requests[0].line,
        "POST /2015-03-31/functions/jobs/invocations HTTP/1.1"
    );
    assert_eq!(requests[0].body, br#"{"id":1,"name":"Ada"}"#);
    let signed = verify(&requests[0], SECRET);
    assert_eq!(signed.headers["x-amz-log-type"], "Tail");
    assert_eq!(signed.service, "lambda");
}

#[test]
fn a_remote_invocation_that_fails_ends_with_1() {
    let body = r#"{"errorType":"Function.Broken","errorMessage":"no"}"#;
    let (output, _) = invoke(
        &[],
        vec![invoked(body, "X-Amz-Function-Error: Unhandled\r\n")],
    );
    fails(
        &output,
        &[
            "welcome\n",
            &format!("error: the invocation failed: {body}\n"),
        ],
    );
    // The event is sent once.
    let busy = error(
        "429 Too Many Requests",
        "TooManyRequestsException",
        "Rate Exceeded.",
    );
    let (output, requests) = invoke(&[], vec![busy]);
    fails(
        &output,
        &["Invoke: TooManyRequestsException: Rate Exceeded. (status 429)\nhint: try again later"],
    );
    assert_eq!(requests.len(), 1);
    let (output, _) = invoke(&[], vec![not_found()]);
    fails(&output, &["hint: check the name and the region"]);
}

#[test]
fn remote_invocations_are_repeated() {
    let answers = (0..4).map(|_| invoked("1", "")).collect();
    let (output, requests) = invoke(&["--repeat", "4", "--concurrency", "2"], answers);
    succeeds(&output);
    assert!(output.stdout.starts_with("4 invocations:"), "{output:?}");
    assert!(
        requests
            .iter()
            .all(|request| request.body == requests[0].body)
    );
}

#[test]
fn options_of_the_two_kinds_of_invocation_are_not_mixed() {
    let folder = dist(&["handler"]);
    let output = run(&mut tool(
        folder.path(),
        &["invoke", "handler", "--region", "us-east-1"],
    ));
    fails(
        &output,
        &["error: --region is for functions on AWS\nhint: name one with --remote"],
    );
    for args in [
        &["invoke", "--remote"][..],
        &["invoke", "--remote", "jobs", "--env", "A=b"],
    ] {
        let output = run(&mut tool(folder.path(), args));
        assert_eq!(output.code, Some(2), "{output:?}");
    }
}

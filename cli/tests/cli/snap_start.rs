//! `lambda-wasm dev` with a function that has SnapStart in the template.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use lambda_wasm_test_support::program::Program;
use rustix::process::Signal;
use serde_json::Value;

use crate::package_check::says;
use crate::support::Folder;
use crate::testing::functions;

/// The function `Jobs`, with these properties and those of `Globals`.
fn folder(global: &str, own: &str) -> Folder {
    let folder = functions("");
    folder.write(
        "template.yaml",
        format!(
            "Globals: {{ Function: {{ Timeout: 9, {global} }} }}\nResources:\n  Jobs:\n    Type: AWS::Serverless::Function\n    Properties: {{ Handler: handler, {own} }}\n"
        ),
    );
    folder
}

const ON: &str = "SnapStart: { ApplyOn: PublishedVersions }";

/// Starts `dev`, invokes the function, and ends `dev`. Returns the response of the Invoke API, and all that `dev` printed.
fn invoke(folder: &Folder) -> (String, String) {
    let mut dev = Program::start(&mut folder.command(&["dev", "--port", "0", "--json"]));
    let listening: Value = serde_json::from_str(&dev.wait_for("\"listening\"")).unwrap();
    let address = listening["address"].as_str().unwrap();
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    let event = "\"env:AWS_LAMBDA_INITIALIZATION_TYPE\"";
    let length = event.len();
    let path = "/2015-03-31/functions/Jobs/invocations";
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{event}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    dev.signal(Signal::TERM);
    let (status, _, printed) = dev.wait();
    assert_eq!(status.code(), Some(0), "{printed}");
    let body = response.split_once("\r\n\r\n").unwrap().1;
    (body.to_owned(), printed)
}

/// The line is printed only after the Runtime API has restored the bootstrap.
const RESTORED: &str = "Jobs: the bootstrap was restored, as by SnapStart\n";

#[test]
fn the_function_is_restored_before_its_first_event() {
    for (global, own, line) in [("", ON, 5), (ON, "", 1)] {
        let (response, printed) = invoke(&folder(global, own));
        assert_eq!(response, "\"snap-start\"", "{printed}");
        let note = format!(
            "note: template.yaml:{line}: Jobs: SnapStart is played here without a snapshot; on AWS, a custom runtime has it only in a container image, and not in a zip (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html)\n"
        );
        says(&printed, &[&note, RESTORED]);
    }
}

/// A property of the function wins over that of `Globals`.
#[test]
fn without_snap_start_it_is_not_restored() {
    for (global, own) in [("", ""), (ON, "SnapStart: { ApplyOn: None }")] {
        let (response, printed) = invoke(&folder(global, own));
        assert_eq!(response, "\"on-demand\"", "{printed}");
        assert!(!printed.contains("SnapStart"), "{printed}");
    }
}

/// Calls the Runtime API with a request. Exits with status 9 unless this status is the answer.
const ASK: &str = r#"#!/bin/bash
    ask() {
        exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
        printf "$2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n$3" >&3
        read -r answer <&3
        [[ $answer == *" $1 "* ]] || exit 9
    }
"#;

#[test]
fn a_bootstrap_that_does_not_ask_for_its_restore_has_failed() {
    let folder = folder("", ON);
    let next = format!("{ASK} ask 200 'GET /2018-06-01/runtime/invocation/next' '\\r\\n'\n");
    folder.write("dist/bootstrap", next);
    let (response, printed) = invoke(&folder);
    let why = "the function has SnapStart, and the bootstrap asked for an event before its restore (GET /2018-06-01/runtime/restore/next): Lambda would not publish the version\nhint: use the bootstrap of lambda-wasm, or remove SnapStart from the function in the template";
    let error: Value = serde_json::from_str(&response).unwrap();
    assert_eq!(error["errorType"], "Runtime.ExitError", "{printed}");
    assert!(error["errorMessage"].as_str().unwrap().ends_with(why));
    says(&printed, &[&format!("Jobs: {why}\n")]);
    assert!(!printed.contains(RESTORED), "{printed}");
}

#[test]
fn a_restore_that_fails_is_a_start_that_fails() {
    let folder = folder("", ON);
    let body = r#"{"errorType":"Runtime.DirectoryUnavailable","errorMessage":"gone"}"#;
    let length = body.len();
    let restore = format!(
        "{ASK} ask 200 'GET /2018-06-01/runtime/restore/next' '\\r\\n'\n \
         ask 202 'POST /2018-06-01/runtime/restore/error' 'Content-Length: {length}\\r\\n\\r\\n{body}'\n exit 1\n"
    );
    folder.write("dist/bootstrap", restore);
    let (response, printed) = invoke(&folder);
    let error: Value = serde_json::from_str(&response).unwrap();
    assert_eq!(error["errorType"], "Runtime.DirectoryUnavailable");
    let failed = "the start failed: Runtime.DirectoryUnavailable\n";
    // The hint comes once: with this failure, or with that of the other function.
    says(
        &printed,
        &[&format!("Jobs: {failed}"), &format!("{failed}hint: ")],
    );
    assert!(!printed.contains(RESTORED), "{printed}");
}

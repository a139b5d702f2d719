//! Requests to `lambda-wasm dev`: what clients get, and what a developer sees in the terminal.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use lambda_wasm_test_support::tools::tool;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::dev::Dev;
use crate::http::{Answer, post, post_with};

pub const TEMPLATE: &str = r#"
Resources:
  Handler:
    Type: AWS::Serverless::Function
    Properties: { Handler: handler }
  Api:
    Type: AWS::Serverless::Function
    Properties:
      Handler: api
      Events:
        All: { Type: Api, Properties: { Path: "/{proxy+}", Method: any } }
  Streaming:
    Type: AWS::Serverless::Function
    Properties: { Handler: streaming }
"#;

fn start() -> Dev {
    Dev::of(
        TEMPLATE,
        &["handler", "api", "streaming"].map(|guest| (guest, guest, "")),
    )
}

fn invoke(dev: &Dev, function: &str, command: &str) -> Answer {
    let path = format!(
        "{}/2015-03-31/functions/{function}/invocations",
        dev.address
    );
    post(&path, &format!("{command:?}"))
}

/// Ends `dev`, and returns all that it printed.
pub fn printed(dev: Dev) -> String {
    dev.program.signal(Signal::TERM);
    dev.program.wait().2
}

#[track_caller]
pub fn assert_once(printed: &str, text: &str) {
    assert_eq!(printed.matches(text).count(), 1, "{text:?} in\n{printed}");
}

#[test]
fn each_request_is_a_line_with_its_function_status_and_time() {
    let dev = start();
    dev.get("/some/where?query=1");
    dev.get("/fail");
    dev.get("/");
    invoke(&dev, "Handler", "count");
    invoke(&dev, "Handler", "fail");
    invoke(&dev, "Nobody", "count");
    let printed = printed(dev);
    for line in [
        "\nApi: GET /some/where 200  Duration: ",
        "\nApi: GET /fail 502 ",
        "\nGET / 403",
        "\nPOST /2015-03-31/functions/Nobody/invocations 404",
    ] {
        assert_once(&printed, line);
    }
    let invocations = printed.lines().filter_map(|line| {
        let rest = line.strip_prefix("Handler: invoke 200  Duration: ")?;
        let (duration, rest) = rest.split_once(" ms  Memory Size: 128 MB  Max Memory Used: ")?;
        let (used, rest) = rest.split_once(" MB  ")?;
        assert!(duration.parse::<f64>().unwrap() > 0.0, "{line}");
        assert!((1..128).contains(&used.parse::<u64>().unwrap()), "{line}");
        Some(rest)
    });
    let [first, second] = invocations.collect::<Vec<_>>()[..] else {
        panic!("two invocations in\n{printed}");
    };
    // `dev` started the process before the first event, as Lambda's provisioned concurrency does.
    let init = first.strip_prefix("Init Duration: ");
    let init = init.and_then(|init| init.strip_suffix(" ms (cold)"));
    assert!(init.unwrap().parse::<f64>().unwrap() > 0.0, "{first}");
    assert_eq!(second, "(warm)");
}

#[test]
fn lines_of_json_have_the_routes_and_each_invocation() {
    let mut dev = Dev::with(
        TEMPLATE,
        &["handler", "api", "streaming"].map(|guest| (guest, guest, "")),
        &["--json"],
    );
    let listening: Value = serde_json::from_str(&dev.listening).unwrap();
    assert_eq!(listening["type"], "listening");
    assert_eq!(listening["address"], dev.address);
    let api = json!({
        "name": "Api", "routes": [{ "method": "ANY", "path": "/{proxy+}" }], "url": null
    });
    let functions = listening["functions"].as_array().unwrap();
    assert!(functions.contains(&api), "{listening}");
    dev.get("/some/where");
    invoke(&dev, "Streaming", "chunks?n=3&size=2");
    let requests = [
        ("Api", "GET /some/where", 200),
        ("Streaming", "invoke", 200),
    ];
    for (function, request, status) in requests {
        let line = dev
            .program
            .wait_for(&format!("\"function\":\"{function}\""));
        let report: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(report["type"], "report", "{report}");
        assert_eq!(report["request"], request);
        assert_eq!(report["status"], status);
        let metrics = &report["metrics"];
        assert_eq!(metrics["memorySizeMB"], 128);
        for name in ["durationMs", "initDurationMs", "maxMemoryUsedMB"] {
            assert!(metrics[name].as_f64().unwrap() > 0.0, "{name}: {report}");
        }
    }
}

#[test]
fn an_event_that_no_client_waits_for_is_a_line_when_it_has_ended() {
    let mut dev = start();
    let path = format!("{}/2015-03-31/functions/Handler/invocations", dev.address);
    let headers = [("X-Amz-Invocation-Type", "Event")];
    post_with(&path, &headers, "\"count\"");
    dev.program.wait_for("Handler: invoke 202");
    let line = dev.program.wait_for("Handler: event");
    assert!(line.starts_with("Handler: event  Duration: "), "{line}");
}

#[test]
fn a_request_whose_client_has_gone_is_a_line_too() {
    let mut dev = start();
    let address = dev.address.strip_prefix("http://").unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    let head = "POST /2015-03-31/functions/Handler/invocations HTTP/1.1\r\nHost: localhost\r\n";
    write!(client, "{head}Content-Length: 11\r\n\r\n\"sleep:900\"").unwrap();
    // The client waits until the server has its whole request: a part of a request is not one.
    let patience = Some(Duration::from_millis(300));
    client.set_read_timeout(patience).unwrap();
    let early = client.read(&mut [0]).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::WouldBlock);
    drop(client);
    dev.program.wait_for("Handler: invoke 200 ");
    assert_eq!(invoke(&dev, "Handler", "count").status, 200);
}

#[test]
fn a_failure_is_told_once() {
    let dev = start();
    let answer = invoke(&dev, "Handler", "panic:on purpose");
    // A caller does not see the log.
    assert!(answer.body.contains("the guest panics: on purpose"));
    invoke(&dev, "Handler", "out-of-bounds");
    invoke(&dev, "Handler", "fail");
    let printed = printed(dev);
    for text in [
        "the guest panics: on purpose",
        "`unreachable` instruction executed",
        "handler::panics",
        "out of bounds memory access",
        "handler::out_of_bounds",
        "as it says",
    ] {
        assert_once(&printed, text);
    }
    let failed = printed.matches("\nHandler: the invocation failed: Function.Trap\n");
    assert_eq!(failed.count(), 2, "{printed}");
}

#[test]
fn a_rest_api_without_binary_media_types_answers_base64_and_a_note_says_so_once() {
    let dev = start();
    for _ in 0..2 {
        assert_eq!(dev.get("/binary").body, "AJ+Slg==");
    }
    let text = dev.get("/text").body;
    assert!(text.starts_with("Request {"), "{text}");
    let printed = printed(dev);
    assert_once(
        &printed,
        "note: Api: ANY /{proxy+}: the client gets the response as base64 text, as from API Gateway, since ",
    );
    assert_once(
        &printed,
        "\nhint: add `BinaryMediaTypes: [\"*/*\"]` under Globals, Api",
    );
}

#[test]
fn an_event_over_lambdas_limit_is_refused_and_a_note_says_so() {
    let dev = start();
    let answer = post(&format!("{}/large", dev.address), &"x".repeat(7_000_000));
    assert_eq!(answer.status, 413);
    assert_eq!(answer.body, r#"{"message":"Request Too Long"}"#);
    let printed = printed(dev);
    assert_once(
        &printed,
        "note: Api: the event is too large for Lambda: it has 700",
    );
    assert_once(&printed, "Api: POST /large 413");
}

#[test]
fn a_function_that_streams_behind_an_api_that_buffers_has_a_note_at_the_start() {
    let template = r#"
Resources:
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: http_p2_stream
      Events: { Get: { Type: Api, Properties: { Path: /buffered, Method: get } } }
  Whole:
    Type: AWS::Serverless::Function
    Properties:
      Handler: http_p2
      FunctionUrlConfig: { AuthType: NONE, InvokeMode: RESPONSE_STREAM }
"#;
    let printed = printed(Dev::of(
        template,
        &[
            ("http_p2_stream", "http_p2", "stream = true\n"),
            ("http_p2", "http_p2", ""),
        ],
    ));
    assert_once(
        &printed,
        "note: Web: the function streams (`stream = true` in http_p2_stream.toml), and GET /buffered does not: API Gateway answers 502 there",
    );
    assert_once(
        &printed,
        "note: Whole: its function URL (RESPONSE_STREAM) streams, and the function does not: ",
    );
}

#[test]
fn the_end_of_the_log_goes_to_callers_that_ask_for_it() {
    let dev = start();
    let path = format!("{}/2015-03-31/functions/Handler/invocations", dev.address);
    let tail = |command: &str| {
        let headers = [("X-Amz-Log-Type", "Tail")];
        post_with(&path, &headers, &format!("{command:?}"))
            .log
            .unwrap()
    };
    assert_eq!(tail("stdout:one\ntwo"), "one\ntwo\n");
    assert_eq!(tail("stderr:three"), "three\n");
    // Nothing of what came before.
    assert_eq!(tail("count"), "");
    let failed = tail("panic:on purpose");
    assert!(
        failed.contains("the guest panics: on purpose\n"),
        "{failed}"
    );
    assert!(
        failed.contains("Function.Trap: the function trapped"),
        "{failed}"
    );
    let long = tail("long-line:10000");
    assert_eq!(long.len(), 4096);
    assert!(long.ends_with("x\n"));
    assert_eq!(invoke(&dev, "Handler", "stdout:four").log, None);
    let printed = printed(dev);
    assert_once(&printed, "\nthree\n");
}

/// Calls both operations with a stock SDK, and prints what it made of the responses.
const SDK: &str = r#"
import base64, boto3, json, sys
client = boto3.client(
    "lambda", endpoint_url=sys.argv[1], region_name="us-east-1",
    aws_access_key_id="a", aws_secret_access_key="b",
)
whole = client.invoke(FunctionName="Handler", LogType="Tail", Payload='"stdout:logged"')
print(base64.b64decode(whole["LogResult"]).decode().strip())
for name, command in [
    ("Streaming", "chunks?n=3&size=2"), ("Streaming", "trap-after-chunk"), ("Streaming", "fail"),
    ("Handler", "stdout:whole"),
]:
    response = client.invoke_with_response_stream(
        FunctionName=name, LogType="Tail", Payload=json.dumps(command))
    assert response["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    chunks, end = [], None
    for event in response["EventStream"]:
        if "PayloadChunk" in event:
            chunks.append(event["PayloadChunk"]["Payload"].decode())
        else:
            assert end is None
            end = event["InvokeComplete"]
    log = base64.b64decode(end["LogResult"]).decode()
    details = json.loads(end.get("ErrorDetails", "{}"))
    print(json.dumps([chunks, end.get("ErrorCode"), details.get("errorType"), log]))
try:
    client.invoke_with_response_stream(FunctionName="Nobody")
except client.exceptions.ResourceNotFoundException:
    print("not found")
arn = "arn:aws:lambda:us-east-1:123456789012:function:Handler"
for name, arguments in [
    (arn, {}), (arn + ":live", {"Qualifier": "live"}), ("Handler", {"Qualifier": "$LATEST"}),
    ("Handler", {"InvocationType": "DryRun"}), ("Handler", {"InvocationType": "Event"}),
    ("Handler:live", {"Qualifier": "7"}), ("Handler", {"InvocationType": "Never"}),
]:
    try:
        response = client.invoke(FunctionName=name, Payload='"count"', **arguments)
        print(response["StatusCode"], response["Payload"].read().decode())
    except client.exceptions.ClientError as error:
        print(error.response["Error"]["Code"])
"#;

#[test]
fn a_stock_sdk_reads_the_log_and_response_streams() {
    let Some(python) = tool("python") else {
        return;
    };
    let dev = start();
    let output = Command::new(python)
        .args(["-c", SDK, &dev.address])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines[0], "logged");
    let streams = lines[1..5].iter().map(|line| {
        let [chunks, code, kind, log]: [Value; 4] = serde_json::from_str(line).unwrap();
        assert_eq!(code, kind);
        let chunks = chunks.as_array().unwrap().iter();
        let text: String = chunks.map(|chunk| chunk.as_str().unwrap()).collect();
        (text, code, log.as_str().unwrap().to_owned())
    });
    let streams: Vec<_> = streams.collect();
    let none = Value::Null;
    assert_eq!(
        streams[0],
        ("aabbcc".to_owned(), none.clone(), String::new())
    );
    let (text, code, log) = &streams[1];
    assert_eq!(
        (text.as_str(), code.as_str()),
        ("first\n", Some("Function.Trap"))
    );
    assert!(log.contains("Function.Trap"), "{log}");
    let (text, code, _) = &streams[2];
    assert_eq!((text.as_str(), code.as_str()), ("", Some("AsItSays")));
    let (_, code, log) = &streams[3];
    assert_eq!((code, log.as_str()), (&none, "whole\n"));
    assert_eq!(lines[5], "not found");
    let errors = ["InvalidParameterValueException", "ValidationException"];
    let invoked = ["200 \"1\"", "200 \"1\"", "200 \"1\"", "204 ", "202 "];
    assert_eq!(lines[6..11], invoked);
    assert_eq!(lines[11..], errors);
}

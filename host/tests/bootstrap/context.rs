//! What the function learns of its invocation.

use std::time::{Duration, SystemTime};

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::Deployment;

#[test]
fn the_context_has_everything_that_the_runtime_api_sends() {
    let host = Deployment::of("handler")
        .env("AWS_LAMBDA_FUNCTION_NAME", "orders")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "7")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/orders")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[7]abc")
        .start();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let deadline = u64::try_from((now + Duration::from_secs(60)).as_millis()).unwrap();
    let invocation = Invocation::new("\"context\"")
        .request_id("id-1")
        .deadline_ms(deadline)
        .function_arn("arn:aws:lambda:eu-central-1:1:function:orders:7")
        .trace_id("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1")
        .client_context("{\"client\":{}}")
        .cognito_identity("{\"cognitoIdentityId\":\"x\"}")
        .tenant_id("tenant-1");
    let answer = host.api.invoke(invocation).response();
    assert_eq!(
        answer.json().as_str().unwrap(),
        format!(
            "Context {{ request-id: \"id-1\", invoked-function-arn: \"arn:aws:lambda:eu-central-1:1:function:orders:7\", \
             function-name: \"orders\", function-version: \"7\", memory-limit-mib: 256, deadline-ms: {deadline}, \
             trace-id: Some(\"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1\"), \
             log-group: Some(\"/aws/lambda/orders\"), log-stream: Some(\"2026/01/01/[7]abc\"), \
             client-context: Some(\"{{\\\"client\\\":{{}}}}\"), cognito-identity: Some(\"{{\\\"cognitoIdentityId\\\":\\\"x\\\"}}\"), \
             tenant-id: Some(\"tenant-1\") }}"
        )
    );
    host.finish();
}

#[test]
fn facts_that_are_not_sent_are_absent() {
    let host = Deployment::of("handler").start();
    let context = host.ask("context");
    assert!(
        context.contains("trace-id: None, log-group: None, log-stream: None, client-context: None"),
        "{context}"
    );
    assert!(
        context.contains(
            "function-name: \"hello\", function-version: \"$LATEST\", memory-limit-mib: 128"
        ),
        "{context}"
    );
    host.finish();
}

#[test]
fn each_invocation_has_its_own_trace_id_in_the_environment() {
    let host = Deployment::of("handler")
        .env("_X_AMZN_TRACE_ID", "of-the-process")
        .start();
    let ask = |trace: Option<&str>| {
        let invocation = Invocation::new("\"env:_X_AMZN_TRACE_ID\"");
        let invocation = match trace {
            Some(trace) => invocation.trace_id(trace),
            None => invocation,
        };
        host.api.invoke(invocation).response().text()
    };
    assert_eq!(ask(Some("Root=1-a")), "\"Root=1-a\"");
    assert_eq!(ask(None), "\"absent\"");
    assert_eq!(ask(Some("Root=1-b")), "\"Root=1-b\"");
    let process = std::fs::read_to_string(format!("/proc/{}/environ", host.pid())).unwrap();
    assert!(
        process.contains("_X_AMZN_TRACE_ID=of-the-process"),
        "the process environment has changed"
    );
    host.finish();
}

#[test]
fn the_functions_own_variables_are_visible_and_credentials_are_not() {
    let host = Deployment::of("handler")
        .env("TABLE", "orders")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_SESSION_TOKEN", "secret")
        .start();
    assert_eq!(host.ask("env:TABLE"), "orders");
    assert_eq!(host.ask("env:AWS_REGION"), "eu-central-1");
    assert_eq!(host.ask("env:AWS_SECRET_ACCESS_KEY"), "absent");
    assert_eq!(host.ask("env:AWS_SESSION_TOKEN"), "absent");
    assert_eq!(host.ask("env:AWS_LAMBDA_RUNTIME_API"), "absent");
    host.finish();
}

#[test]
fn any_header_and_the_whole_event_can_be_asked_for() {
    let host = Deployment::of("handler").start();
    let with = |event: &str| Invocation::new(event).header("Lambda-Runtime-New-In-2030", "value");
    assert_eq!(
        host.api
            .invoke(with("\"header:lambda-runtime-new-in-2030\""))
            .response()
            .text(),
        r#""Some(\"value\")""#
    );
    assert_eq!(
        host.api.invoke(with("\"header:absent\"")).response().text(),
        "\"None\""
    );
    assert_eq!(
        host.api
            .invoke(with("\"event:  \\u00fc\""))
            .response()
            .text(),
        "\"event:  \\u00fc\""
    );
    host.finish();
}

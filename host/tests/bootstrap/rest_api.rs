//! Requests of an API Gateway REST API, from the event to the function's record and back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use lambda_wasm_emulator::Post;
use lambda_wasm_test_support::{Deployment, Host, aws_events::sample};
use serde_json::{Value, json};

fn api() -> Host {
    Deployment::of("api").start()
}

/// Asks for a path, with these fields of the event besides.
fn ask(host: &Host, path: &str, fields: Value) -> lambda_wasm_emulator::Outcome {
    let mut event = json!({ "httpMethod": "GET", "path": path });
    let all = event.as_object_mut().unwrap();
    all.extend(fields.as_object().unwrap().clone());
    host.invoke(event.to_string())
}

/// The text that the function answered with.
fn body(answer: &Post) -> String {
    let answer = answer.json();
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(answer["isBase64Encoded"], false);
    answer["body"].as_str().unwrap().to_owned()
}

#[test]
fn the_function_sees_the_whole_request() {
    let host = api();
    let answer = host.invoke(sample("apigw-console-test-request")).response();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_snapshot!(body(&answer), @r#"
    Request {
        method: "POST",
        path: "/myPath",
        route: Some(
            "/myPath",
        ),
        path-parameters: [],
        query-parameters: [],
        headers: [],
        cookies: [],
        stage-variables: [],
        source-ip: Some(
            "test-invoke-source-ip",
        ),
        user-agent: Some(
            "aws-internal/3 aws-sdk-java/1.12.154 Linux/5.4.156-94.273.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.322-b06 java/1.8.0_322 vendor/Oracle_Corporation cfg/retry-mode/standard",
        ),
        account-id: Some(
            "xxxxx",
        ),
        api-id: Some(
            "xxxxx",
        ),
        domain-name: Some(
            "testPrefix.testDomainName",
        ),
        stage: Some(
            "test-invoke-stage",
        ),
        request-id: Some(
            "e5488776-afe4-4e5e-92b1-37bd23f234d6",
        ),
        identity: Some(
            Identity {
                account-id: Some(
                    "xxxxx",
                ),
                access-key: Some(
                    "xxxxx",
                ),
                caller: Some(
                    "xxxxx:xxxxx",
                ),
                user: Some(
                    "xxxxx:xxxxx",
                ),
                user-arn: Some(
                    "arn:aws:sts::xxxxx:assumed-role/xxxxx/xxxxx",
                ),
                principal-org-id: None,
                api-key: Some(
                    "test-invoke-api-key",
                ),
                api-key-id: Some(
                    "test-invoke-api-key-id",
                ),
                cognito-identity-id: None,
                cognito-identity-pool-id: None,
                cognito-authentication-type: None,
                cognito-authentication-provider: None,
                source-vpc: None,
                client-certificate: None,
            },
        ),
        authorizer: None,
        body: [
            123,
            13,
            10,
            9,
            34,
            97,
            34,
            58,
            32,
            49,
            13,
            10,
            125,
        ],
    }
    "#);
    host.finish();
}

#[test]
fn the_function_sees_every_value_and_who_asks() {
    let host = api();
    let sample = sample("apigw-request-multi-value-parameters");
    let seen = body(&host.invoke(sample).response());
    // Rust's format on one line, so that pairs can be looked for.
    let seen: Vec<_> = seen.split_whitespace().collect();
    let seen = seen.join(" ");
    for part in [
        r#"path-parameters: [ ( "proxy", "hello/world", ), ], query-parameters: [ ( "name", "me", ), ( "name", "me2", ), ]"#,
        r#"( "headerName", "headerValue", ), ( "headerName", "headerValue2", ), ( "Host","#,
        r#"stage-variables: [ ( "stageVariableName", "stageVariableValue", ), ]"#,
        r#"user-arn: Some( "theUserArn", )"#,
        r#"principal-id: Some( "admin", ), claims: [], scopes: [], context: [ ( "clientId", "1", ), ( "clientName", "Exata", ), ]"#,
    ] {
        assert!(seen.contains(part), "{part}\nis not in\n{seen}");
    }
    host.finish();
}

#[test]
fn an_answer_is_these_bytes() {
    let host = api();
    let answers = [
        (
            "/body",
            json!({ "body": "Grüße \"😀\"\n" }),
            r#"{"statusCode":200,"headers":{"Content-Type":"text/plain"},"body":"Grüße \"😀\"\n","isBase64Encoded":false}"#,
        ),
        (
            "/body",
            json!({ "queryStringParameters": { "status": "599" } }),
            r#"{"statusCode":599,"headers":{"Content-Type":"text/plain"},"body":"","isBase64Encoded":false}"#,
        ),
        (
            "/binary",
            json!({}),
            r#"{"statusCode":200,"headers":{"Content-Type":"text/plain"},"body":"AJ+Slg==","isBase64Encoded":true}"#,
        ),
        (
            "/headers",
            json!({}),
            r#"{"statusCode":200,"headers":{"Content-Type":"text/plain"},"multiValueHeaders":{"X-Twice":["1","2"],"Set-Cookie":["a=1; Secure","b=2"]},"body":"","isBase64Encoded":false}"#,
        ),
    ];
    for (path, fields, expected) in answers {
        assert_eq!(ask(&host, path, fields).response().text(), expected);
    }
    host.finish();
}

#[test]
fn base64_is_undone_and_done_again() {
    let host = api();
    let bytes: Vec<u8> = (0..=255).collect();
    let event = json!({ "body": STANDARD.encode(&bytes), "isBase64Encoded": true });
    let answer = ask(&host, "/body", event).response().json();
    assert_eq!(answer["isBase64Encoded"], true);
    let body = answer["body"].as_str().unwrap();
    assert_eq!(STANDARD.decode(body).unwrap(), bytes);

    let text = json!({ "body": STANDARD.encode("hi"), "isBase64Encoded": true });
    let answer = ask(&host, "/body", text).response().json();
    assert_eq!(
        (&answer["body"], &answer["isBase64Encoded"]),
        (&json!("hi"), &json!(false))
    );
    host.finish();
}

#[test]
fn answers_that_http_cannot_carry_are_refused() {
    let host = api();
    let why = |path: &str, fields: Value| {
        let error = ask(&host, path, fields).error();
        let kind = error.header("lambda-runtime-function-error-type");
        assert_eq!(kind, Some("Function.InvalidResponse"));
        assert_eq!(error.error_type(), "Function.InvalidResponse");
        error.error_message()
    };
    for status in ["0", "99", "100", "199", "600", "999"] {
        assert_eq!(
            why(
                "/body",
                json!({ "queryStringParameters": { "status": status } })
            ),
            format!(
                "the function's response has the status {status}, and it has to be one from 200 to 599"
            )
        );
    }
    assert_snapshot!(why("/bad-header", json!({})), @r#"the function's response has a header X-Bad with the value "a\r\nSet-Cookie: b", which HTTP does not allow"#);
    assert_snapshot!(why("/bad-name", json!({})), @r#"the function's response has a header named "bad name", which is not a valid header name"#);
    let answer = ask(&host, "/body", json!({ "body": "next" })).response();
    assert_eq!(body(&answer), "next");
    host.finish();
}

#[test]
fn the_functions_own_failure_is_sent_verbatim() {
    let host = api();
    let error = ask(&host, "/fail", json!({})).error();
    assert_eq!(
        error.json(),
        json!({ "errorType": "Refused", "errorMessage": "by the function", "stackTrace": [] })
    );
    host.finish();
}

#[test]
fn an_event_that_is_no_request_fails_and_the_next_is_served() {
    let host = api();
    let bad_base64 = r#"{"httpMethod":"PUT","path":"/body","body":"?","isBase64Encoded":true}"#;
    let events = [
        ("", "the event is not JSON: "),
        ("{\"httpMethod\":", "the event is not JSON: "),
        (
            "null",
            "this function takes HTTP requests (of API Gateway, a function URL, an Application Load Balancer or VPC Lattice), but the event is not one",
        ),
        (
            bad_base64,
            "the event's body is not base64, although isBase64Encoded is true: ",
        ),
    ];
    let events = events.map(|(event, why)| (event.to_owned(), why));
    let others = ["sqs-event", "s3-event", "apigw-websocket-request"].map(|name| {
        let why = "this function takes HTTP requests (of ";
        (sample(name), why)
    });
    let pid = host.pid();
    for (event, why) in events.into_iter().chain(others) {
        let error = host.invoke(event.clone()).error();
        assert_eq!(error.error_type(), "Runtime.InvalidEvent", "{event}");
        assert!(error.error_message().starts_with(why), "{event}: {error}");
        let answer = ask(&host, "/body", json!({ "body": "next" })).response();
        assert_eq!(body(&answer), "next");
    }
    assert_eq!(host.pid(), pid);
    host.finish();
}

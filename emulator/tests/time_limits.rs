//! The time that an API waits for a function.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/served.rs"]
mod served;

use std::thread::sleep;
use std::time::Duration;

use lambda_wasm_emulator::Template;
use serde_json::{Value, json};
use served::{Reply, Served};

const TEMPLATE: &str = r#"
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Timeout: 20
      Events:
        Rest: { Type: Api, Properties: { Path: /rest, Method: get, TimeoutInMillis: 50 } }
        Http: { Type: HttpApi, Properties: { Path: /http, Method: get, TimeoutInMillis: 50 } }
        Slow: { Type: Api, Properties: { Path: /slow, Method: get } }
        Stream: { Type: Api, Properties: { Path: /stream, Method: get, ResponseTransferMode: RESPONSE_STREAM } }
        Default: { Type: HttpApi }
"#;

fn respond(_function: &str, _event: &Value) -> Reply {
    Reply::After(Duration::from_millis(300), json!({ "statusCode": 200 }))
}

#[test]
fn an_api_does_not_wait_longer_than_its_limit_and_the_invocation_continues() {
    let apis = Served::apis(TEMPLATE, respond);
    let rest = apis.get("/rest", &[]).status_and_text();
    let timed_out = r#"{"message":"Endpoint request timed out"}"#;
    assert_eq!(rest, (504, timed_out.to_owned()));
    let http = apis.get("/http", &[]).status_and_text();
    assert_eq!(
        http,
        (503, r#"{"message":"Service Unavailable"}"#.to_owned())
    );
    assert_eq!(apis.get("/slow", &[]).status, 200);
    for _ in 0..100 {
        if apis.finished() == 3 {
            break;
        }
        sleep(Duration::from_millis(50));
    }
    assert_eq!(apis.finished(), 3);
    let waits = "the client gets no response, since the API waits 50 ms; the invocation continues";
    let expected = ["/rest", "/http"].map(|path| format!("F: GET {path}: {waits}"));
    assert_eq!(apis.notes(), expected);
}

#[test]
fn each_kind_of_api_has_its_limit() {
    let template = Template::parse(TEMPLATE).unwrap();
    let routes = template.functions[0].routes.iter();
    let limits: Vec<_> = routes.map(|route| route.time_limit.as_millis()).collect();
    assert_eq!(limits, [50, 50, 29_000, 900_000, 30_000]);
}

//! The API keys of REST APIs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/served.rs"]
mod served;

use serde_json::{Value, json};
use served::{Reply, Served};

const TEMPLATE: &str = r#"
Globals:
  Api: { Cors: "'*'", Auth: { ApiKeyRequired: true } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Closed: { Type: Api, Properties: { Path: /closed, Method: get } }
        Open:
          Type: Api
          Properties: { Path: /open, Method: get, Auth: { ApiKeyRequired: false } }
        Http: { Type: HttpApi, Properties: { Path: /http, Method: get } }
"#;

const KEYS: &str = r#"
  Given: { Type: AWS::ApiGateway::ApiKey, Properties: { Value: secret-of-the-template } }
"#;

fn respond(_function: &str, _event: &Value) -> Reply {
    json!({ "statusCode": 200 }).into()
}

#[test]
fn a_route_may_need_an_api_key() {
    let apis = Served::apis(TEMPLATE, respond);
    let refused = (403, r#"{"message":"Forbidden"}"#.to_owned());
    assert_eq!(apis.get("/closed", &[]).status_and_text(), refused);
    let empty = apis.get("/closed", &[("x-api-key", "")]);
    assert_eq!(empty.status_and_text(), refused);
    assert!(apis.events("F").is_empty());
    assert_eq!(apis.get("/closed", &[("x-api-key", "any")]).status, 200);
    let identity = &apis.event("F")["requestContext"]["identity"];
    assert_eq!(identity["apiKey"], "any");
    assert!(identity["apiKeyId"].is_string());
    for path in ["/open", "/http"] {
        assert_eq!(apis.get(path, &[]).status, 200);
    }
    let identity = &apis.events("F")[1]["requestContext"]["identity"];
    assert!(identity.get("apiKey").is_none());
}

#[test]
fn the_options_method_of_cors_needs_the_key_too_unless_the_template_says_otherwise() {
    let status = |template: &str| {
        let apis = Served::apis(template, respond);
        apis.send("OPTIONS", "/closed", &[], "").status
    };
    assert_eq!(status(TEMPLATE), 403);
    let without = "ApiKeyRequired: true, AddApiKeyRequiredToCorsPreflight: false";
    assert_eq!(
        status(&TEMPLATE.replacen("ApiKeyRequired: true", without, 1)),
        200
    );
}

#[test]
fn only_the_keys_of_the_template_are_accepted() {
    let apis = Served::apis(&format!("{TEMPLATE}{KEYS}"), respond);
    assert_eq!(apis.get("/closed", &[("x-api-key", "any")]).status, 403);
    let known = [("x-api-key", "secret-of-the-template")];
    assert_eq!(apis.get("/closed", &known).status, 200);
}

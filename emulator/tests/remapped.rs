//! The headers that a REST API renames.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/served.rs"]
mod served;

use serde_json::{Value, json};
use served::{Reply, Served};

const TEMPLATE: &str = r#"
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Rest: { Type: Api, Properties: { Path: /rest, Method: get } }
        Http: { Type: HttpApi, Properties: { Path: /http, Method: get } }
"#;

fn respond(_function: &str, _event: &Value) -> Reply {
    let headers = json!({
        "WWW-Authenticate": "Basic realm=x",
        "Authorization": "token",
        "Server": "mine",
        "Content-Type": "text/plain",
        "X-Other": "y",
    });
    json!({ "statusCode": 401, "headers": headers }).into()
}

#[test]
fn a_rest_api_renames_headers_and_says_so_once() {
    let apis = Served::apis(TEMPLATE, respond);
    for _ in 0..2 {
        let answer = apis.get("/rest", &[]);
        for (name, value) in [
            ("www-authenticate", "Basic realm=x"),
            ("authorization", "token"),
            ("server", "mine"),
        ] {
            assert_eq!(answer.header(name), None);
            let renamed = format!("x-amzn-remapped-{name}");
            assert_eq!(answer.header(&renamed), Some(value));
        }
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.header("x-other"), Some("y"));
    }
    let expected = ["authorization", "server", "www-authenticate"].map(|name| {
        format!("F: the client gets the header {name} as x-amzn-remapped-{name}, as from the REST APIs of API Gateway")
    });
    assert_eq!(apis.notes(), expected);
    let answer = apis.get("/http", &[]);
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=x"));
}

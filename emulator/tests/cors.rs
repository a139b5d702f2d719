//! Cross-origin resource sharing of APIs and function URLs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/served.rs"]
mod served;

use lambda_wasm_emulator::Template;
use serde_json::{Value, json};
use served::{Answer, Reply, Served};

const TEMPLATE: &str = r#"
Globals:
  HttpApi:
    CorsConfiguration:
      AllowOrigins: ["https://*", "http://localhost:5173"]
      AllowMethods: [GET, POST]
      AllowHeaders: [content-type]
      ExposeHeaders: [x-count]
      MaxAge: 300
      AllowCredentials: true
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties: { StageName: Prod, Cors: "'*'" }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      FunctionUrlConfig:
        AuthType: NONE
        Cors: { AllowOrigins: ["*"], AllowMethods: [GET], MaxAge: 7 }
      Events:
        Get: { Type: HttpApi, Properties: { Path: /http, Method: get } }
        Rest: { Type: Api, Properties: { Path: /rest, Method: get, RestApiId: !Ref Api } }
        More: { Type: Api, Properties: { Path: /rest, Method: post, RestApiId: !Ref Api } }
        Any: { Type: Api, Properties: { Path: "/any/{proxy+}", Method: any, RestApiId: !Ref Api } }
        Own: { Type: Api, Properties: { Path: /own, Method: options, RestApiId: !Ref Api } }
        Plain: { Type: Api, Properties: { Path: /plain, Method: get } }
"#;

fn respond(_function: &str, _event: &Value) -> Reply {
    let headers = json!({
        "access-control-allow-origin": "https://of-the-function.example",
        "access-control-max-age": "1",
        "x-count": "3",
    });
    json!({ "statusCode": 201, "headers": headers, "body": "" }).into()
}

fn apis() -> Served {
    Served::apis(TEMPLATE, respond)
}

fn preflight(served: &Served, path: &str, origin: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
    ];
    served.send("OPTIONS", path, &headers, "")
}

/// The headers of CORS, in their order.
fn cors(answer: &Answer) -> Vec<String> {
    let headers = answer.headers.iter();
    let mut lines: Vec<_> = headers
        .filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("access-control-")?;
            Some(format!("{name}: {}", value.to_str().unwrap()))
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn an_http_api_answers_preflight_requests() {
    let apis = apis();
    for origin in ["https://app.example", "http://localhost:5173"] {
        let answer = preflight(&apis, "/http", origin, "GET");
        assert_eq!(answer.status, 204);
        let expected = [
            "allow-credentials: true",
            "allow-headers: content-type",
            "allow-methods: GET,POST",
            &format!("allow-origin: {origin}"),
            "max-age: 300",
        ];
        assert_eq!(cors(&answer), expected);
    }
    let answer = preflight(&apis, "/http", "http://evil.example", "GET");
    assert_eq!((answer.status, cors(&answer)), (204, vec![]));
    // It is not a preflight request, and there is no such route.
    assert_eq!(apis.send("OPTIONS", "/http", &[], "").status, 403);
    assert!(apis.events("F").is_empty());
}

#[test]
fn an_http_api_replaces_the_headers_of_the_function() {
    let apis = apis();
    let answer = apis.get("/http", &[("origin", "https://app.example")]);
    assert_eq!(answer.status, 201);
    let expected = [
        "allow-credentials: true",
        "allow-origin: https://app.example",
        "expose-headers: x-count",
    ];
    assert_eq!(cors(&answer), expected);
    assert_eq!(answer.header("x-count"), Some("3"));
    assert_eq!(cors(&apis.get("/http", &[])), Vec::<String>::new());
}

#[test]
fn a_rest_api_has_an_options_method_and_leaves_the_function_its_headers() {
    let apis = apis();
    for (path, methods) in [
        ("/rest", "GET,OPTIONS,POST"),
        ("/Prod/rest", "GET,OPTIONS,POST"),
        ("/any/a/b", "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"),
    ] {
        let answer = apis.send("OPTIONS", path, &[], "");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let expected = [
            format!("allow-methods: {methods}"),
            "allow-origin: *".to_owned(),
        ];
        assert_eq!(cors(&answer), expected);
    }
    assert!(apis.events("F").is_empty());
    assert_eq!(apis.send("OPTIONS", "/own", &[], "").status, 201);
    assert_eq!(apis.send("OPTIONS", "/plain", &[], "").status, 403);
    let answer = apis.get("/rest", &[("origin", "https://app.example")]);
    let expected = [
        "allow-origin: https://of-the-function.example",
        "max-age: 1",
    ];
    assert_eq!(cors(&answer), expected);
}

#[test]
fn the_options_method_of_a_rest_api_comes_before_a_default_route() {
    let default = r#"
  Default:
    Type: AWS::Serverless::Function
    Properties: { Handler: default, Events: { All: { Type: HttpApi } } }
"#;
    let apis = Served::apis(&format!("{TEMPLATE}{default}"), respond);
    assert_eq!(apis.send("OPTIONS", "/rest", &[], "").status, 200);
    assert_eq!(apis.send("OPTIONS", "/elsewhere", &[], "").status, 201);
    assert_eq!(apis.events("Default").len(), 1);
}

#[test]
fn a_preflight_request_for_a_more_literal_route_is_for_the_http_api() {
    let more = r#"
  G:
    Type: AWS::Serverless::Function
    Properties:
      Handler: g
      Events:
        Http: { Type: HttpApi, Properties: { Path: /any/http, Method: post } }
        Own: { Type: Api, Properties: { Path: "/{proxy+}", Method: any } }
        Other: { Type: HttpApi, Properties: { Path: /only/http, Method: post } }
"#;
    let apis = Served::apis(&format!("{TEMPLATE}{more}"), respond);
    for path in ["/any/http", "/only/http"] {
        let answer = preflight(&apis, path, "https://app.example", "POST");
        assert_eq!(answer.status, 204, "{path}");
        let origin = "allow-origin: https://app.example".to_owned();
        assert!(cors(&answer).contains(&origin), "{path}");
    }
    // The route of the REST API takes this method.
    let answer = preflight(&apis, "/any/http", "https://app.example", "GET");
    assert_eq!(answer.status, 200);
    assert!(apis.events("G").is_empty());
}

#[test]
fn a_function_url_answers_preflight_requests_and_its_headers_win() {
    let function = Template::parse(TEMPLATE).unwrap().functions.remove(0);
    let url = Served::url(function, respond);
    let answer = preflight(&url, "/", "https://app.example", "GET");
    assert_eq!((answer.status, answer.text()), (200, String::new()));
    let expected = ["allow-methods: GET", "allow-origin: *", "max-age: 7"];
    assert_eq!(cors(&answer), expected);
    assert!(url.events("F").is_empty());
    let answer = url.get("/", &[("origin", "https://app.example")]);
    assert_eq!(cors(&answer), ["allow-origin: *", "max-age: 1"]);
    assert_eq!(url.send("OPTIONS", "/", &[], "").status, 201);
}

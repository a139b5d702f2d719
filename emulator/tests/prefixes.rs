//! The stage and the base path of an API in the path of a request.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/served.rs"]
mod served;

use serde_json::{Value, json};
use served::{Reply, Served};

const TEMPLATE: &str = r#"
Resources:
  Rest:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      Domain: { DomainName: api.example, BasePath: [/orders, two-parts] }
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: v2
      Domain: { DomainName: api.example, BasePath: new-orders, NormalizeBasePath: false }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Rest: { Type: Api, Properties: { Path: "/get/{id}", Method: get, RestApiId: !Ref Rest } }
        Root: { Type: Api, Properties: { Path: /, Method: get, RestApiId: !Ref Rest } }
        Http: { Type: HttpApi, Properties: { Path: "/http/{id}", Method: get, ApiId: !Ref Http } }
        Old:
          Type: HttpApi
          Properties:
            Path: /old
            Method: get
            ApiId: !Ref Http
            PayloadFormatVersion: "1.0"
        Other: { Type: HttpApi, Properties: { Path: /other, Method: get } }
"#;

fn respond(_function: &str, _event: &Value) -> Reply {
    json!({ "statusCode": 200 }).into()
}

fn event(path: &str) -> Value {
    let apis = Served::apis(TEMPLATE, respond);
    assert_eq!(apis.get(path, &[]).status, 200, "{path}");
    apis.event("F")
}

#[test]
fn a_rest_api_takes_its_stage_and_its_base_paths() {
    for (sent, path, in_context) in [
        ("/get/7", "/get/7", "/v1/get/7"),
        ("/v1/get/7", "/get/7", "/v1/get/7"),
        ("/orders/get/7", "/orders/get/7", "/orders/get/7"),
        ("/twoparts/get/7", "/twoparts/get/7", "/twoparts/get/7"),
    ] {
        let event = event(sent);
        assert_eq!(event["path"], path);
        assert_eq!(event["requestContext"]["path"], in_context);
        assert_eq!(event["resource"], "/get/{id}");
        assert_eq!(event["pathParameters"], json!({ "id": "7" }));
    }
    for sent in ["/v1", "/v1/"] {
        assert_eq!(event(sent)["path"], "/");
    }
}

#[test]
fn an_http_api_takes_its_stage_and_its_base_path() {
    for (sent, path) in [
        ("/http/7", "/http/7"),
        ("/v2/http/7", "/v2/http/7"),
        ("/new-orders/http/7", "/v2/http/7"),
    ] {
        let event = event(sent);
        assert_eq!(event["rawPath"], path);
        assert_eq!(event["requestContext"]["http"]["path"], path);
        assert_eq!(event["routeKey"], "GET /http/{id}");
        assert_eq!(event["pathParameters"], json!({ "id": "7" }));
    }
    for (sent, path, in_context) in [
        ("/old", "/old", "/v2/old"),
        ("/v2/old", "/v2/old", "/v2/old"),
        ("/new-orders/old", "/new-orders/old", "/new-orders/old"),
    ] {
        let event = event(sent);
        assert_eq!(event["path"], path);
        assert_eq!(event["requestContext"]["path"], in_context);
    }
}

#[test]
fn a_prefix_leads_to_the_routes_of_its_own_api() {
    let apis = Served::apis(TEMPLATE, respond);
    for path in [
        "/v1/http/7",
        "/v2/get/7",
        "/orders/http/7",
        "/v1get/7",
        "/$default/other",
    ] {
        assert_eq!(apis.get(path, &[]).status, 403, "{path}");
    }
}

/// An API as the CDK writes it, whose least literal route is the first.
const CDK: &str = r#"
Resources:
  F: { Type: AWS::Lambda::Function, Properties: { Handler: f, Runtime: provided.al2023 } }
  G: { Type: AWS::Lambda::Function, Properties: { Handler: g, Runtime: provided.al2023 } }
  Rest: { Type: AWS::ApiGateway::RestApi }
  Stage: { Type: AWS::ApiGateway::Stage, Properties: { RestApiId: !Ref Rest, StageName: prod } }
  Item:
    Type: AWS::ApiGateway::Resource
    Properties: { ParentId: !GetAtt Rest.RootResourceId, PathPart: "{id}", RestApiId: !Ref Rest }
  Items:
    Type: AWS::ApiGateway::Resource
    Properties: { ParentId: !GetAtt Rest.RootResourceId, PathPart: items, RestApiId: !Ref Rest }
  Any:
    Type: AWS::ApiGateway::Method
    Properties:
      HttpMethod: ANY
      ResourceId: !Ref Item
      RestApiId: !Ref Rest
      Integration: { Type: AWS_PROXY, Uri: !GetAtt F.Arn }
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      HttpMethod: GET
      ResourceId: !Ref Items
      RestApiId: !Ref Rest
      Integration: { Type: AWS_PROXY, Uri: !GetAtt G.Arn }
"#;

#[test]
fn the_most_literal_route_behind_a_stage_takes_a_request() {
    let apis = Served::apis(CDK, respond);
    for path in ["/items", "/prod/items"] {
        assert_eq!(apis.get(path, &[]).status, 200);
    }
    assert_eq!(apis.get("/prod/7", &[]).status, 200);
    let resources = |function: &str| {
        let events = apis.events(function).into_iter();
        events
            .map(|event| event["resource"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(resources("G"), ["/items", "/items"]);
    assert_eq!(resources("F"), ["/{id}"]);
}

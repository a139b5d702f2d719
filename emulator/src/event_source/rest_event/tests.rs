use std::net::IpAddr;

use axum::http::Request;

use super::*;
use crate::event_source::routing;
use crate::{Api, Template};

const TEMPLATE: &str = r#"
Globals: { Api: { BinaryMediaTypes: [image~1png] } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Root: { Type: Api, Properties: { Path: /, Method: any } }
        Name: { Type: Api, Properties: { Path: "/hello/{name}", Method: any } }
"#;

fn made(request: Request<Vec<u8>>) -> Value {
    let template = Template::parse(TEMPLATE).unwrap();
    let (parts, body) = request.into_parts();
    let method = parts.method.as_str();
    let found = routing::find(&template.functions, Api::Rest, method, parts.uri.path()).unwrap();
    let arrival = Arrival {
        source_ip: IpAddr::from([127, 0, 0, 1]),
        time: "2026-04-09T12:34:56.789Z".parse().unwrap(),
        request_id: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef".to_owned(),
        trace_id: "Root=1-1-1".to_owned(),
    };
    event(
        &parts,
        &Bytes::from(body),
        &found,
        &arrival,
        &template.binary_types,
    )
}

#[test]
fn an_event_has_every_field_that_the_gateway_sends() {
    let request = Request::post("/hello/a%20b?x=1&x=2&y=a+b%26")
        .header("Host", "localhost:3000")
        .header("User-Agent", "curl/8")
        .header("x-many", "1")
        .header("x-many", "2")
        .header("X-Forwarded-For", "10.0.0.1");
    let made = made(request.body(b"text".to_vec()).unwrap());
    let expected = json!({
        "resource": "/hello/{name}",
        "path": "/hello/a%20b",
        "httpMethod": "POST",
        "headers": {
            "Host": "localhost:3000",
            "User-Agent": "curl/8",
            "X-Amzn-Trace-Id": "Root=1-1-1",
            "X-Forwarded-For": "10.0.0.1, 127.0.0.1",
            "X-Forwarded-Port": "3000",
            "X-Forwarded-Proto": "http",
            "X-Many": "2",
        },
        "multiValueHeaders": {
            "Host": ["localhost:3000"],
            "User-Agent": ["curl/8"],
            "X-Amzn-Trace-Id": ["Root=1-1-1"],
            "X-Forwarded-For": ["10.0.0.1, 127.0.0.1"],
            "X-Forwarded-Port": ["3000"],
            "X-Forwarded-Proto": ["http"],
            "X-Many": ["1", "2"],
        },
        "queryStringParameters": { "x": "2", "y": "a b&" },
        "multiValueQueryStringParameters": { "x": ["1", "2"], "y": ["a b&"] },
        "pathParameters": { "name": "a b" },
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local00000",
            "deploymentId": "local0",
            "domainName": "localhost:3000",
            "domainPrefix": "local00000",
            "extendedRequestId": "YzZhZjlhYzYtN2I=",
            "httpMethod": "POST",
            "identity": {
                "accessKey": null,
                "accountId": null,
                "caller": null,
                "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null,
                "cognitoIdentityId": null,
                "cognitoIdentityPoolId": null,
                "principalOrgId": null,
                "sourceIp": "127.0.0.1",
                "user": null,
                "userAgent": "curl/8",
                "userArn": null,
            },
            "path": "/Prod/hello/a%20b",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTime": "09/Apr/2026:12:34:56 +0000",
            "requestTimeEpoch": 1775738096789u64,
            "resourceId": "local0",
            "resourcePath": "/hello/{name}",
            "stage": "Prod",
        },
        "body": "text",
        "isBase64Encoded": false,
    });
    assert_eq!(made, expected);
}

#[test]
fn absent_fields_are_null() {
    let made = made(Request::get("/").body(Vec::new()).unwrap());
    for field in [
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "body",
    ] {
        assert_eq!(made[field], Value::Null, "{field}");
    }
    assert_eq!(made["requestContext"]["identity"]["userAgent"], Value::Null);
}

#[test]
fn a_body_is_text_unless_its_type_is_a_binary_media_type() {
    let made = |content_type: &str| {
        let request = Request::put("/").header("content-type", content_type);
        let made = made(request.body(vec![0xff, 0x00]).unwrap());
        (made["body"].clone(), made["isBase64Encoded"].clone())
    };
    assert_eq!(made("image/png"), (json!("/wA="), json!(true)));
    assert_eq!(made("text/plain"), (json!("\u{fffd}\0"), json!(false)));
}

#[test]
fn an_http_api_sends_payload_1_as_a_rest_api_does_but_for_its_own_context() {
    let template = Template::parse(
        r#"
Resources:
  Gateway: { Type: AWS::Serverless::HttpApi, Properties: { StageName: live, StageVariables: { LEVEL: debug } } }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        All:
          Type: HttpApi
          Properties: { ApiId: !Ref Gateway, Path: "/{proxy+}", Method: any, PayloadFormatVersion: "1.0" }
"#,
    );
    let template = template.unwrap();
    let request = Request::post("/a%20b?x=1&x=2").header("Content-Type", "image/png");
    let (parts, body) = request.body(b"\x89PNG".to_vec()).unwrap().into_parts();
    let found = routing::find(&template.functions, Api::Http, "POST", "/a%20b").unwrap();
    assert!(found.route.has_payload_1);
    let arrival = Arrival {
        source_ip: IpAddr::from([127, 0, 0, 1]),
        time: "2026-04-09T12:34:56.789Z".parse().unwrap(),
        request_id: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef".to_owned(),
        trace_id: "Root=1-1-1".to_owned(),
    };
    let event = http_api_event(&parts, &Bytes::from(body), &found, "/a b", &arrival);
    assert_eq!(event["version"], "1.0");
    assert_eq!(event["path"], "/a b");
    assert_eq!(event["resource"], "/{proxy+}");
    assert_eq!(
        event["multiValueQueryStringParameters"],
        json!({ "x": ["1", "2"] })
    );
    assert_eq!(event["pathParameters"], json!({ "proxy": "a b" }));
    assert_eq!(event["stageVariables"], json!({ "LEVEL": "debug" }));
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("iVBORw=="), &json!(true))
    );
    let context = &event["requestContext"];
    assert_eq!(context["path"], "/live/a b");
    assert_eq!(context["stage"], "live");
    assert_eq!(context["resourceId"], Value::Null);
    assert!(context.get("deploymentId").is_none());
}

//! The Lambda authorizers of APIs.
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
      StageName: Prod
      Auth:
        DefaultAuthorizer: Token
        Authorizers:
          Token:
            FunctionArn: !GetAtt Judge.Arn
            Identity: { Header: X-Token, ValidationExpression: "[a-z ]+", ReauthorizeEvery: 60 }
          Request:
            FunctionArn: !Sub "${Judge.Arn}:live"
            FunctionPayloadType: REQUEST
            Identity: { Headers: [X-Who], QueryStrings: [by], ReauthorizeEvery: 0 }
          Elsewhere: { FunctionArn: !GetAtt Python.Arn }
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: { AllowOrigins: ["*"] }
      Auth:
        Authorizers:
          Simple:
            FunctionArn: !GetAtt Judge.Arn
            AuthorizerPayloadFormatVersion: "2.0"
            EnableSimpleResponses: true
            Identity: { Headers: [X-Who], Context: [routeKey], ReauthorizeEvery: 60 }
          Policy:
            FunctionArn: !GetAtt Judge.Arn
            AuthorizerPayloadFormatVersion: "1.0"
  Judge:
    Type: AWS::Serverless::Function
    Properties: { Handler: judge }
  Python:
    Type: AWS::Serverless::Function
    Properties: { Handler: judge, Runtime: python3.13 }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Token: { Type: Api, Properties: { Path: "/token/{id}", Method: get, RestApiId: !Ref Rest } }
        Request:
          Type: Api
          Properties:
            { Path: /request, Method: get, RestApiId: !Ref Rest, Auth: { Authorizer: Request } }
        Open:
          Type: Api
          Properties: { Path: /open, Method: get, RestApiId: !Ref Rest, Auth: { Authorizer: NONE } }
        Elsewhere:
          Type: Api
          Properties:
            { Path: /else, Method: get, RestApiId: !Ref Rest, Auth: { Authorizer: Elsewhere } }
        Simple:
          Type: HttpApi
          Properties:
            { Path: /simple, Method: any, ApiId: !Ref Http, Auth: { Authorizer: Simple } }
        Other:
          Type: HttpApi
          Properties:
            { Path: /other, Method: get, ApiId: !Ref Http, Auth: { Authorizer: Simple } }
        Policy:
          Type: HttpApi
          Properties:
            { Path: /policy, Method: get, ApiId: !Ref Http, Auth: { Authorizer: Policy } }
"#;

/// An API whose authorizer returns the API key.
const KEYS: &str = r#"
Globals:
  Api:
    Cors: "'*'"
    ApiKeySourceType: AUTHORIZER
    Auth:
      DefaultAuthorizer: Token
      ApiKeyRequired: true
      Authorizers: { Token: { FunctionArn: !GetAtt Judge.Arn } }
Resources:
  Key: { Type: AWS::ApiGateway::ApiKey, Properties: { Value: key-of-the-template } }
  Judge:
    Type: AWS::Serverless::Function
    Properties: { Handler: judge }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Get: { Type: Api, Properties: { Path: /get, Method: get } }
"#;

/// The authorizer does what the token, or the header `x-who`, says.
fn respond(function: &str, event: &Value) -> Reply {
    if function == "F" {
        return json!({ "statusCode": 200 }).into();
    }
    let header = |name: &str| event["headers"][name].as_str();
    let token = event["authorizationToken"].as_str();
    let token = token.filter(|token| !token.is_empty());
    let key = token
        .filter(|token| token.starts_with("key-"))
        .map(str::to_owned);
    let who = token
        .filter(|_| key.is_none())
        .or(header("x-who"))
        .or(header("X-Who"));
    let arn = event.get("methodArn").or(event.get("routeArn")).unwrap();
    let policy = |effect: &str, resource: &Value| {
        let statement =
            json!({ "Effect": effect, "Action": "execute-api:Invoke", "Resource": resource });
        json!({
            "principalId": "user",
            "policyDocument": { "Version": "2012-10-17", "Statement": [statement] },
            "context": { "text": "t", "number": 7, "flag": true },
            "usageIdentifierKey": key,
        })
    };
    match who.unwrap_or("allow") {
        "allow" => policy("Allow", arn).into(),
        "deny" => policy("Deny", arn).into(),
        "other" => policy("Allow", &json!("arn:aws:execute-api:*/Prod/POST/*")).into(),
        "unauthorized" => Reply::Error(json!({ "errorMessage": "Unauthorized" })),
        "fail" => Reply::Error(json!({ "errorMessage": "failed" })),
        "policy" => json!({ "principalId": "user", "policyDocument": {} }).into(),
        "yes" => json!({ "isAuthorized": true, "context": { "list": [1] } }).into(),
        "no" => json!({ "isAuthorized": false }).into(),
        _ => json!("malformed").into(),
    }
}

fn apis() -> Served {
    Served::apis(TEMPLATE, respond)
}

fn message(status: u16, message: &str) -> (u16, String) {
    (status, format!("{{\"message\":\"{message}\"}}"))
}

#[test]
fn a_token_is_judged_by_the_function_of_the_authorizer() {
    let apis = apis();
    assert_eq!(apis.get("/token/1", &[("x-token", "allow")]).status, 200);
    let arn = "arn:aws:execute-api:us-east-1:123456789012:local00000/Prod/GET/token/1";
    let expected = json!({ "type": "TOKEN", "methodArn": arn, "authorizationToken": "allow" });
    assert_eq!(apis.events("Judge"), [expected]);
    let mut authorizer = apis.event("F")["requestContext"]["authorizer"].clone();
    let latency = authorizer
        .as_object_mut()
        .unwrap()
        .remove("integrationLatency");
    assert!(latency.unwrap().is_u64());
    let expected = json!({ "principalId": "user", "text": "t", "number": "7", "flag": "true" });
    assert_eq!(authorizer, expected);
}

#[test]
fn refusals_of_a_rest_api_look_as_they_do_on_aws() {
    let apis = apis();
    let ask = |token: &str| {
        let answer = apis.get("/token/1", &[("x-token", token)]);
        answer.status_and_text()
    };
    let not = "User is not authorized to access this resource";
    assert_eq!(
        apis.get("/token/1", &[]).status_and_text(),
        message(401, "Unauthorized")
    );
    assert_eq!(ask("42"), message(401, "Unauthorized"));
    assert_eq!(apis.events("Judge"), Vec::<Value>::new());
    assert_eq!(ask("unauthorized"), message(401, "Unauthorized"));
    assert_eq!(
        ask("deny"),
        message(403, &format!("{not} with an explicit deny"))
    );
    assert_eq!(ask("other"), message(403, not));
    let failed = (500, r#"{"message":null}"#.to_owned());
    assert_eq!(ask("fail"), failed);
    assert_eq!(ask("text"), failed);
    for _ in 0..2 {
        let before = apis.events("Judge").len();
        assert_eq!(ask("policy"), failed);
        assert_eq!(apis.events("Judge").len(), before + 1);
    }
    let refused = "Judge: API Gateway does not allow the response of the authorizer Token: it";
    let policy = format!("{refused}s policy does not have a Statement");
    let expected = [
        format!("{refused} is not a JSON object"),
        policy.clone(),
        policy,
    ];
    assert_eq!(apis.notes(), expected);
    assert!(apis.events("F").is_empty());
}

#[test]
fn a_response_is_kept_with_its_policy() {
    let apis = apis();
    let ask = |path: &str| apis.get(path, &[("x-token", "allow")]).status_and_text();
    assert_eq!(ask("/token/1").0, 200);
    assert_eq!(ask("/token/1").0, 200);
    let not = "User is not authorized to access this resource";
    for path in ["/token/2", "/token/2", "/token/3"] {
        assert_eq!(ask(path), message(403, not));
    }
    assert_eq!(apis.events("Judge").len(), 1);
    // Only once.
    let [note] = &apis.notes()[..] else {
        panic!("{:?}", apis.notes());
    };
    assert!(note.contains("is not asked again for 60 s"), "{note}");
    // Another token is another client.
    assert_eq!(apis.get("/token/2", &[("x-token", "deny")]).status, 403);
    assert_eq!(apis.events("Judge").len(), 2);
}

#[test]
fn an_authorizer_of_type_request_gets_the_request() {
    let apis = apis();
    for _ in 0..2 {
        let answer = apis.get("/request?by=me", &[("x-who", "allow")]);
        assert_eq!(answer.status, 200);
    }
    // Nothing is kept, so that the sources are not needed.
    assert_eq!(apis.get("/request", &[]).status, 200);
    let events = apis.events("Judge");
    assert_eq!(events.len(), 3);
    let event = &events[0];
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(event["resource"], "/request");
    assert_eq!(event["queryStringParameters"], json!({ "by": "me" }));
    assert_eq!(event["requestContext"]["stage"], "Prod");
    assert!(event.get("body").is_none());
}

#[test]
fn a_route_may_go_without() {
    let apis = apis();
    assert_eq!(apis.get("/open", &[]).status, 200);
    for _ in 0..2 {
        assert_eq!(apis.get("/else", &[("authorization", "x")]).status, 200);
    }
    assert!(apis.events("Judge").is_empty());
    let note = "F: the authorizer Elsewhere invokes Python, which is not started here: all requests are allowed";
    assert_eq!(apis.notes(), [note]);
}

#[test]
fn an_http_api_takes_simple_responses() {
    let apis = apis();
    let ask = |path: &str, who: &str| apis.get(path, &[("x-who", who)]).status_and_text();
    assert_eq!(ask("/simple", "yes").0, 200);
    assert_eq!(ask("/simple", "yes").0, 200);
    let event = apis.event("Judge");
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["identitySource"], json!(["yes", "ANY /simple"]));
    let arn = "arn:aws:execute-api:us-east-1:123456789012:local00000/$default/GET/simple";
    assert_eq!(event["routeArn"], arn);
    assert_eq!(apis.events("Judge").len(), 1);
    let context = &apis.event("F")["requestContext"];
    assert_eq!(context["authorizer"], json!({ "lambda": { "list": [1] } }));
    // Its source `routeKey` differs.
    assert_eq!(ask("/other", "yes").0, 200);
    assert_eq!(apis.events("Judge").len(), 2);

    // Its second response is kept, and is not a policy.
    for _ in 0..2 {
        assert_eq!(ask("/simple", "no"), message(403, "Forbidden"));
    }
    assert_eq!(apis.events("Judge").len(), 3);
    assert_eq!(apis.notes(), Vec::<String>::new());
    assert_eq!(
        ask("/simple", "allow"),
        message(500, "Internal Server Error")
    );
    assert_eq!(
        ask("/simple", "unauthorized"),
        message(500, "Internal Server Error")
    );
    let missing = apis.get("/simple", &[]);
    assert_eq!(missing.status_and_text(), message(401, "Unauthorized"));
}

#[test]
fn an_http_api_takes_policies() {
    let apis = apis();
    assert_eq!(apis.get("/policy", &[("x-who", "allow")]).status, 200);
    let event = apis.event("Judge");
    assert_eq!(
        (&event["version"], &event["type"]),
        (&json!("1.0"), &json!("REQUEST"))
    );
    let values = json!({ "principalId": "user", "text": "t", "number": 7, "flag": true });
    let context = &apis.event("F")["requestContext"];
    assert_eq!(context["authorizer"], json!({ "lambda": values }));
    let denied = apis.get("/policy", &[("x-who", "deny")]);
    assert_eq!(denied.status_and_text(), message(403, "Forbidden"));
}

#[test]
fn preflight_requests_need_authorization_if_their_route_takes_them() {
    let apis = apis();
    let headers = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
    ];
    assert_eq!(apis.send("OPTIONS", "/other", &headers, "").status, 204);
    let refused = apis.send("OPTIONS", "/simple", &headers, "");
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    assert!(apis.notes()[0].starts_with("F: ANY /simple: the route takes preflight requests too"));
}

#[test]
fn an_authorizer_may_return_the_api_key() {
    let apis = Served::apis(KEYS, respond);
    let ask = |token: &str| {
        let headers = [
            ("authorization", token),
            ("x-api-key", "key-of-the-template"),
        ];
        apis.get("/get", &headers).status
    };
    assert_eq!(ask("key-of-the-template"), 200);
    let identity = &apis.event("F")["requestContext"]["identity"];
    assert_eq!(identity["apiKey"], "key-of-the-template");
    assert_eq!(ask("key-of-another"), 403);
    assert_eq!(ask("allow"), 403);
}

#[test]
fn the_options_method_of_cors_has_the_default_authorizer_unless_the_template_says_otherwise() {
    let status = |template: &str| {
        let apis = Served::apis(template, respond);
        apis.send("OPTIONS", "/get", &[], "").status
    };
    assert_eq!(status(KEYS), 401);
    let without = "ApiKeyRequired: true\n      AddDefaultAuthorizerToCorsPreflight: false";
    let template = KEYS.replacen("ApiKeyRequired: true", without, 1);
    assert_eq!(status(&template), 403);
    let without = "AddApiKeyRequiredToCorsPreflight: false\n      DefaultAuthorizer";
    assert_eq!(
        status(&template.replacen("DefaultAuthorizer", without, 1)),
        200
    );
}

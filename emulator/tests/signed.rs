//! APIs and function URLs that take only signed requests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/served.rs"]
mod served;

use lambda_wasm_emulator::Template;
use serde_json::{Value, json};
use served::{Reply, Served};

const TEMPLATE: &str = r#"
Globals:
  Api: { Auth: { DefaultAuthorizer: AWS_IAM } }
  HttpApi: { Auth: { EnableIamAuthorizer: true } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      FunctionUrlConfig: { AuthType: AWS_IAM, Cors: { AllowOrigins: ["*"] } }
      Events:
        Rest: { Type: Api, Properties: { Path: /rest, Method: get } }
        Open: { Type: Api, Properties: { Path: /open, Method: get, Auth: { Authorizer: NONE } } }
        Http:
          Type: HttpApi
          Properties: { Path: /http, Method: get, Auth: { Authorizer: AWS_IAM } }
        Old:
          Type: HttpApi
          Properties:
            Path: /old
            Method: get
            PayloadFormatVersion: "1.0"
            Auth: { Authorizer: AWS_IAM }
"#;

const SIGNATURE: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=AKIAKEY/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=00",
);

const QUERY: &str = "X-Amz-Credential=AKIAKEY%2F20260101%2Fus-east-1&X-Amz-Signature=00";

const NOTES: [&str; 2] = [
    "F: requests without a signature are refused (AWS_IAM)\nhint: sign them with any key, as with `curl --aws-sigv4 aws:amz:us-east-1:lambda --user key:secret`",
    "F: the signatures of requests are not checked here (AWS_IAM), nor the permissions of their signers",
];

fn respond(_function: &str, _event: &Value) -> Reply {
    json!({ "statusCode": 200 }).into()
}

fn expected() -> Value {
    json!({
        "iam": {
            "accessKey": "AKIAKEY",
            "accountId": "123456789012",
            "callerId": "AIDALOCAL00000000000",
            "cognitoIdentity": null,
            "principalOrgId": null,
            "userArn": "arn:aws:iam::123456789012:user/local",
            "userId": "AIDALOCAL00000000000",
        },
    })
}

#[test]
fn an_api_refuses_requests_without_a_signature() {
    let apis = Served::apis(TEMPLATE, respond);
    let bearer = ("authorization", "Bearer x");
    let forbidden = r#"{"message":"Forbidden"}"#;
    for (path, body) in [
        ("/rest", r#"{"message":"Missing Authentication Token"}"#),
        ("/http", forbidden),
        ("/old", forbidden),
    ] {
        for headers in [&[][..], &[bearer]] {
            let answer = apis.get(path, headers);
            assert_eq!(answer.status_and_text(), (403, body.to_owned()), "{path}");
        }
    }
    assert!(apis.events("F").is_empty());
    for path in ["/rest", "/old"] {
        assert_eq!(apis.get(path, &[SIGNATURE]).status, 200);
        let identity = &apis.event("F")["requestContext"]["identity"];
        assert_eq!(identity["accessKey"], "AKIAKEY");
        assert_eq!(identity["userArn"], "arn:aws:iam::123456789012:user/local");
        // Only REST APIs keep it from the function.
        let sent = &apis.event("F")["headers"]["Authorization"];
        assert_eq!(sent.is_null(), path == "/rest");
    }
    assert_eq!(apis.get(&format!("/http?{QUERY}"), &[]).status, 200);
    assert_eq!(apis.event("F")["requestContext"]["authorizer"], expected());
    assert_eq!(apis.get("/open", &[]).status, 200);
    assert_eq!(apis.notes(), NOTES);
}

#[test]
fn a_function_url_refuses_requests_without_a_signature() {
    let function = Template::parse(TEMPLATE).unwrap().functions.remove(0);
    let url = Served::url(function, respond);
    let refused = url.get("/", &[]).status_and_text();
    assert_eq!(refused, (403, r#"{"Message":"Forbidden"}"#.to_owned()));
    let preflight = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
    ];
    assert_eq!(url.send("OPTIONS", "/", &preflight, "").status, 200);
    assert!(url.events("F").is_empty());
    for (path, headers) in [("/", &[SIGNATURE][..]), (&format!("/?{QUERY}"), &[])] {
        assert_eq!(url.get(path, headers).status, 200);
        let context = &url.event("F")["requestContext"];
        assert_eq!(context["authorizer"], expected());
        assert_eq!(context["accountId"], "123456789012");
    }
    assert_eq!(url.notes(), NOTES);
}

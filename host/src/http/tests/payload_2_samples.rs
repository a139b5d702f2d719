//! The samples of payload 2.0, each whole, but for those that AWS's crate lacks.

use insta::assert_snapshot;
use lambda_wasm_test_support::aws_events::sample;
use serde_json::json;

use super::*;

#[test]
fn of_an_http_api_with_iam_and_mutual_tls() {
    assert_snapshot!(shown(&sample("apigw-v2-request-iam")), @r#"
    HttpApi: GET https://id.execute-api.us-east-1.amazonaws.com/my/path?parameter1=value1&parameter1=value2&parameter2=value
    path: /my/path
    route: $default
    source ip: IP
    user agent: agent
    account: 123456789012
    api: api-id
    domain: id.execute-api.us-east-1.amazonaws.com
    stage: $default
    request id: id
    path parameter proxy: hello/world
    query parameter parameter1: value1
    query parameter parameter1: value2
    query parameter parameter2: value
    stage variable stageVariable1: value1
    stage variable stageVariable2: value2
    header Header1: value1
    header Header2: value2
    cookie cookie1
    cookie cookie2
    identity account-id: "1234567890"
    identity access-key: "ARIA2ZJZYVUEREEIHAKY"
    identity caller: "AROA7ZJZYVRE7C3DUXHH6:CognitoIdentityCredentials"
    identity user: "AROA2ZJZYVRE7Y3TUXHH6"
    identity user-arn: "arn:aws:iam::1234567890:user/Admin"
    identity principal-org-id: "AwsOrgId"
    identity cognito-identity-id: "us-east-1:3f291106-8703-466b-8f2b-3ecee1ca56ce"
    identity cognito-identity-pool-id: "us-east-1:4f291106-8703-466b-8f2b-3ecee1ca56ce"
    identity cognito-authentication-provider: "foo"
    certificate pem: "-----BEGIN CERTIFICATE-----\nMIIEZTCCAk0CAQEwDQ..."
    certificate subject: "C=US,ST=Washington,L=Seattle,O=Amazon Web Services,OU=Security,CN=My Client"
    certificate issuer: "C=US,ST=Washington,L=Seattle,O=Amazon Web Services,OU=Security,CN=My Private CA"
    certificate serial-number: "1"
    certificate not-before: "Aug 29 00:28:21 2020 GMT"
    certificate not-after: "Aug  5 00:28:21 2120 GMT"
    body: "{\r\n\t\"a\": 1\r\n}"
    "#);
}

#[test]
fn with_a_jwt_authorizer() {
    assert_snapshot!(unlike("apigw-v2-request-iam", "apigw-v2-request-jwt-authorizer"), @r#"
    - identity account-id: "1234567890"
    - identity access-key: "ARIA2ZJZYVUEREEIHAKY"
    - identity caller: "AROA7ZJZYVRE7C3DUXHH6:CognitoIdentityCredentials"
    - identity user: "AROA2ZJZYVRE7Y3TUXHH6"
    - identity user-arn: "arn:aws:iam::1234567890:user/Admin"
    - identity principal-org-id: "AwsOrgId"
    - identity cognito-identity-id: "us-east-1:3f291106-8703-466b-8f2b-3ecee1ca56ce"
    - identity cognito-identity-pool-id: "us-east-1:4f291106-8703-466b-8f2b-3ecee1ca56ce"
    - identity cognito-authentication-provider: "foo"
    + Authorizer { principal-id: None, claims: [("claim1", "value1"), ("claim2", "value2")], scopes: ["scope1", "scope2"], context: [] }
    "#);
}

#[test]
fn with_a_lambda_authorizer() {
    assert_snapshot!(unlike("apigw-v2-request-jwt-authorizer", "apigw-v2-request-lambda-authorizer"), @r#"
    - Authorizer { principal-id: None, claims: [("claim1", "value1"), ("claim2", "value2")], scopes: ["scope1", "scope2"], context: [] }
    + Authorizer { principal-id: None, claims: [], scopes: [], context: [("key", "value")] }
    "#);
}

#[test]
fn with_several_values_for_a_name() {
    assert_snapshot!(unlike("apigw-v2-request-lambda-authorizer", "apigw-v2-request-multi-value-parameters"), @r"
    - HttpApi: GET https://id.execute-api.us-east-1.amazonaws.com/my/path?parameter1=value1&parameter1=value2&parameter2=value
    - query parameter parameter1: value1
    - query parameter parameter1: value2
    - query parameter parameter2: value
    - header Header1: value1
    - header Header2: value2
    + HttpApi: GET https://id.execute-api.us-east-1.amazonaws.com/my/path?Parameter1=value1&Parameter1=value2
    + query parameter Parameter1: value1
    + query parameter Parameter1: value2
    + header Header2: value1,value2
    ");
}

#[test]
fn with_a_route_key_and_no_authorizer() {
    assert_snapshot!(shown(&sample("apigw-v2-request-no-authorizer")), @r#"
    HttpApi: GET https://aaaaaaaaaa.execute-api.us-west-2.amazonaws.com/
    path: /
    route: $default
    source ip: 1.2.3.4
    user agent: curl/7.58.0
    account: 123456789012
    api: aaaaaaaaaa
    domain: aaaaaaaaaa.execute-api.us-west-2.amazonaws.com
    stage: $default
    request id: LV7fzho-PHcEJPw=
    header accept: */*
    header content-length: 0
    header host: aaaaaaaaaa.execute-api.us-west-2.amazonaws.com
    header user-agent: curl/7.58.0
    header x-amzn-trace-id: Root=1-5e9f0c65-1de4d666d4dd26aced652b6c
    header x-forwarded-for: 1.2.3.4
    header x-forwarded-port: 443
    header x-forwarded-proto: https
    certificate pem: "-----BEGIN CERTIFICATE-----\nMIIEZTCCAk0CAQEwDQ..."
    certificate subject: "C=US,ST=Washington,L=Seattle,O=Amazon Web Services,OU=Security,CN=My Client"
    certificate issuer: "C=US,ST=Washington,L=Seattle,O=Amazon Web Services,OU=Security,CN=My Private CA"
    certificate serial-number: "1"
    certificate not-before: "Aug 29 00:28:21 2020 GMT"
    certificate not-after: "Aug  5 00:28:21 2120 GMT"
    body: ""
    "#);
}

#[test]
fn of_sam_local() {
    assert_snapshot!(unlike("apigw-sam-rest-request", "apigw-sam-http-request"), @r"
    - RestApi: GET http://127.0.0.1:3000/test
    - path: /test
    - route: /test
    - domain: 127.0.0.1:3000
    - stage: Prod
    - request id: ea86b9eb-c688-4bbb-8309-a1671442bea9
    - header Cache-Control: max-age=0
    + HttpApi: GET http://127.0.0.1:3000/dump?foo=bar
    + path: /dump
    + route: GET /dump
    + domain: localhost
    + stage: $default
    + request id: b3ea2f1a-9f2a-48a4-8791-0db24e5d40e5
    + query parameter foo: bar
    + header Cache-Control: no-cache
    + header Pragma: no-cache
    ");
}

/// As AWS's page has it: <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload>. AWS's crate
/// has no sample of it.
#[test]
fn of_a_function_url() {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
        "cookies": ["cookie1", "cookie2"],
        "headers": { "header1": "value1", "header2": "value1,value2" },
        "queryStringParameters": { "parameter1": "value1,value2", "parameter2": "value" },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "<urlid>",
            "authentication": null,
            "authorizer": { "iam": {
                "accessKey": "AKIA...",
                "accountId": "111122223333",
                "callerId": "AIDA...",
                "cognitoIdentity": null,
                "principalOrgId": null,
                "userArn": "arn:aws:iam::111122223333:user/example-user",
                "userId": "AIDA...",
            } },
            "domainName": "<url-id>.lambda-url.us-west-2.on.aws",
            "domainPrefix": "<url-id>",
            "http": {
                "method": "POST",
                "path": "/my/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "123.123.123.123",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390_u64,
        },
        "body": "Hello from client!",
        "pathParameters": null,
        "isBase64Encoded": false,
        "stageVariables": null,
    });
    assert_snapshot!(shown(&event.to_string()), @r#"
    FunctionUrl: POST https://(nobody)/my/path?parameter1=value1&parameter1=value2&parameter2=value
    path: /my/path
    route: $default
    source ip: 123.123.123.123
    user agent: agent
    account: 123456789012
    api: <urlid>
    domain: <url-id>.lambda-url.us-west-2.on.aws
    stage: $default
    request id: id
    query parameter parameter1: value1
    query parameter parameter1: value2
    query parameter parameter2: value
    header header1: value1
    header header2: value1,value2
    cookie cookie1
    cookie cookie2
    identity account-id: "111122223333"
    identity access-key: "AKIA..."
    identity caller: "AIDA..."
    identity user: "AIDA..."
    identity user-arn: "arn:aws:iam::111122223333:user/example-user"
    body: "Hello from client!"
    "#);
}

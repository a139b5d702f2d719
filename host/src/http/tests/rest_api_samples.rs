//! The samples of AWS's own crate, each whole.

use insta::assert_snapshot;
use lambda_wasm_test_support::aws_events::sample;
use serde_json::Value;

use super::*;

#[test]
fn of_a_deployed_api() {
    assert_snapshot!(shown(&sample("apigw-request")), @r#"
    RestApi: POST https://gy415nuibc.execute-api.us-east-1.amazonaws.com/hello/world?name=me
    path: /hello/world
    route: /{proxy+}
    source ip: 192.168.196.186
    user agent: PostmanRuntime/2.4.5
    account: 12345678912
    api: gy415nuibc
    domain: gy415nuibc.execute-api.us-east-2.amazonaws.com
    stage: testStage
    request id: deef4878-7910-11e6-8f14-25afc3e9ae33
    path parameter proxy: hello/world
    query parameter name: me
    stage variable stageVariableName: stageVariableValue
    header Accept: */*
    header Accept-Encoding: gzip, deflate
    header cache-control: no-cache
    header CloudFront-Forwarded-Proto: https
    header CloudFront-Is-Desktop-Viewer: true
    header CloudFront-Is-Mobile-Viewer: false
    header CloudFront-Is-SmartTV-Viewer: false
    header CloudFront-Is-Tablet-Viewer: false
    header CloudFront-Viewer-Country: US
    header Content-Type: application/json
    header headerName: headerValue
    header Host: gy415nuibc.execute-api.us-east-1.amazonaws.com
    header Postman-Token: 9f583ef0-ed83-4a38-aef3-eb9ce3f7a57f
    header User-Agent: PostmanRuntime/2.4.5
    header Via: 1.1 d98420743a69852491bbdea73f7680bd.cloudfront.net (CloudFront)
    header X-Amz-Cf-Id: pn-PWIJc6thYnZm5P0NMgOUglL1DYtl0gdeJky8tqsg8iS_sgsKD1A==
    header X-Forwarded-For: 54.240.196.186, 54.182.214.83
    header X-Forwarded-Port: 443
    header X-Forwarded-Proto: https
    identity account-id: "theAccountId"
    identity access-key: "ANEXAMPLEOFACCESSKEY"
    identity caller: "theCaller"
    identity user: "theUser"
    identity user-arn: "theUserArn"
    identity api-key: "theApiKey"
    identity api-key-id: "theApiKeyId"
    identity cognito-identity-id: "theCognitoIdentityId"
    identity cognito-identity-pool-id: "theCognitoIdentityPoolId"
    identity cognito-authentication-type: "theCognitoAuthenticationType"
    identity cognito-authentication-provider: "theCognitoAuthenticationProvider"
    Authorizer { principal-id: Some("admin"), claims: [], scopes: [], context: [("clientId", "1"), ("clientName", "Exata")] }
    body: "{\r\n\t\"a\": 1\r\n}"
    "#);
}

#[test]
fn with_several_values_for_a_name() {
    assert_snapshot!(unlike("apigw-request", "apigw-request-multi-value-parameters"), @r"
    - RestApi: POST https://gy415nuibc.execute-api.us-east-1.amazonaws.com/hello/world?name=me
    + RestApi: POST https://gy415nuibc.execute-api.us-east-1.amazonaws.com/hello/world?name=me&name=me2
    + query parameter name: me2
    + header headerName: headerValue2
    ");
}

#[test]
fn with_the_operation_name_of_an_openapi_definition() {
    let request = shown(&sample("apigw-restapi-openapi-request"));
    assert_eq!(request, shown(&sample("apigw-request")));
}

#[test]
fn unknown_fields_are_ignored() {
    let request = shown(&sample("apigw-request-catch-all"));
    assert_eq!(request, shown(&sample("apigw-request")));
}

/// Lambda's console offers it as a test event: nothing has more than one value there.
#[test]
fn of_lambdas_console() {
    assert_snapshot!(shown(&sample("apigw-console-request")), @r#"
    RestApi: POST https://(nobody)/path/to/resource?foo=bar
    path: /path/to/resource
    route: /{proxy+}
    source ip: 127.0.0.1
    user agent: Custom User Agent String
    account: 123456789012
    api: 1234567890
    stage: prod
    request id: c6af9ac6-7b61-11e6-9a41-93e8deadbeef
    path parameter proxy: path/to/resource
    query parameter foo: bar
    stage variable baz: qux
    header Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8
    header Accept-Encoding: gzip, deflate, sdch
    header Accept-Language: en-US,en;q=0.8
    header Cache-Control: max-age=0
    header CloudFront-Forwarded-Proto: https
    header CloudFront-Is-Desktop-Viewer: true
    header CloudFront-Is-Mobile-Viewer: false
    header CloudFront-Is-SmartTV-Viewer: false
    header CloudFront-Is-Tablet-Viewer: false
    header CloudFront-Viewer-Country: US
    header Host: 1234567890.execute-api.{dns_suffix}
    header Upgrade-Insecure-Requests: 1
    header User-Agent: Custom User Agent String
    header Via: 1.1 08f323deadbeefa7af34d5feb414ce27.cloudfront.net (CloudFront)
    header X-Amz-Cf-Id: cDehVQoZnx43VYQb9j2-nvCh-9z396Uhbp027Y2JvkCPNLmGJHqlaA==
    header X-Forwarded-For: 127.0.0.1, 127.0.0.2
    header X-Forwarded-Port: 443
    header X-Forwarded-Proto: https
    body: "{\"test\":\"body\"}"
    "#);
}

/// API Gateway's console makes it: nearly everything is null.
#[test]
fn of_api_gateways_console() {
    assert_snapshot!(shown(&sample("apigw-console-test-request")), @r#"
    RestApi: POST https://testPrefix.testDomainName/myPath
    path: /myPath
    route: /myPath
    source ip: test-invoke-source-ip
    user agent: aws-internal/3 aws-sdk-java/1.12.154 Linux/5.4.156-94.273.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.322-b06 java/1.8.0_322 vendor/Oracle_Corporation cfg/retry-mode/standard
    account: xxxxx
    api: xxxxx
    domain: testPrefix.testDomainName
    stage: test-invoke-stage
    request id: e5488776-afe4-4e5e-92b1-37bd23f234d6
    identity account-id: "xxxxx"
    identity access-key: "xxxxx"
    identity caller: "xxxxx:xxxxx"
    identity user: "xxxxx:xxxxx"
    identity user-arn: "arn:aws:sts::xxxxx:assumed-role/xxxxx/xxxxx"
    identity api-key: "test-invoke-api-key"
    identity api-key-id: "test-invoke-api-key-id"
    body: "{\r\n\t\"a\": 1\r\n}"
    "#);
}

#[test]
fn of_sam_local() {
    assert_snapshot!(shown(&sample("apigw-sam-rest-request")), @r#"
    RestApi: GET http://127.0.0.1:3000/test
    path: /test
    route: /test
    source ip: 127.0.0.1
    user agent: Custom User Agent String
    account: 123456789012
    api: 1234567890
    domain: 127.0.0.1:3000
    stage: Prod
    request id: ea86b9eb-c688-4bbb-8309-a1671442bea9
    header Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7
    header Accept-Encoding: gzip, deflate, br
    header Accept-Language: en-GB,en-US;q=0.9,en;q=0.8
    header Cache-Control: max-age=0
    header Connection: keep-alive
    header Host: 127.0.0.1:3000
    header Sec-Ch-Ua: "Not_A Brand";v="8", "Chromium";v="120", "Google Chrome";v="120"
    header Sec-Ch-Ua-Mobile: ?0
    header Sec-Ch-Ua-Platform: "macOS"
    header Sec-Fetch-Dest: document
    header Sec-Fetch-Mode: navigate
    header Sec-Fetch-Site: none
    header Sec-Fetch-User: ?1
    header Upgrade-Insecure-Requests: 1
    header User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36
    header X-Forwarded-Port: 3000
    header X-Forwarded-Proto: http
    body: ""
    "#);
}

/// Everything that has a place in the request is there, with all its values.
#[test]
fn nothing_is_lost() {
    let names = [
        "apigw-console-request",
        "apigw-console-test-request",
        "apigw-request",
        "apigw-request-catch-all",
        "apigw-request-multi-value-parameters",
        "apigw-restapi-openapi-request",
        "apigw-sam-rest-request",
    ];
    for name in names {
        let event: Value = serde_json::from_str(&sample(name)).unwrap();
        let text = sample(name);
        let request = request(text.as_bytes()).unwrap();
        let has = |pairs: &[(String, String)], field: &str| {
            for (name, values) in event[field].as_object().into_iter().flatten() {
                let values = match values {
                    Value::Array(values) => values.clone(),
                    value => vec![value.clone()],
                };
                let found = pairs.iter().filter(|(known, _)| known == name);
                let found: Vec<_> = found
                    .map(|(_, value)| Value::from(value.as_str()))
                    .collect();
                for value in &values {
                    assert!(found.contains(value), "{field} {name}: {found:?}");
                }
            }
        };
        has(&request.record.headers, "multiValueHeaders");
        has(&request.record.headers, "headers");
        has(
            &request.record.query_parameters,
            "multiValueQueryStringParameters",
        );
        has(&request.record.query_parameters, "queryStringParameters");
        has(&request.record.path_parameters, "pathParameters");
        has(&request.record.stage_variables, "stageVariables");
        let shown = show(&request);
        for (name, value) in event["requestContext"]["identity"].as_object().unwrap() {
            if let Value::String(value) = value {
                assert!(shown.contains(value), "identity {name}: {value}");
            }
        }
    }
}

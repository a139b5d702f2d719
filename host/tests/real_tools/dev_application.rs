//! An application of many resources, as teams have them, in `lambda-wasm dev`.

use lambda_wasm_test_support::tools::tool;
use serde_json::Value;

use crate::dev::Dev;
use crate::dev_requests::{assert_once, printed};
use crate::http::{Answer, get, get_with, post, post_with};

const TEMPLATE: &str = r#"AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: dev }
Globals:
  Function:
    Runtime: provided.al2023
    CodeUri: .
    Architectures: [x86_64]
    MemorySize: 256
    Timeout: 5
    Environment:
      Variables:
        TABLE: !Ref Orders
        TOPIC: !Ref Placed
        STAGE: !Ref Stage
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: !Ref Stage
      Cors: { AllowOrigin: "'https://shop.example'", AllowHeaders: "'authorization'", AllowMethods: "'GET'" }
      Auth:
        DefaultAuthorizer: Tokens
        AddDefaultAuthorizerToCorsPreflight: false
        Authorizers:
          Tokens: { FunctionArn: !GetAtt Authorizer.Arn }
  Public: { Type: AWS::Serverless::HttpApi, Properties: { CorsConfiguration: { AllowOrigins: [https://shop.example] } } }
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
  Jobs:
    Type: AWS::SQS::Queue
    Properties: { RedrivePolicy: { deadLetterTargetArn: !GetAtt Failed.Arn, maxReceiveCount: 3 } }
  Failed: { Type: AWS::SQS::Queue }
  Placed: { Type: AWS::SNS::Topic }
  Uploads: { Type: AWS::S3::Bucket }
  OrdersApi:
    Type: AWS::Serverless::Function
    Properties:
      Handler: api
      Policies: [{ DynamoDBCrudPolicy: { TableName: !Ref Orders } }]
      Events:
        List: { Type: Api, Properties: { RestApiId: !Ref Api, Path: /orders, Method: get } }
        One: { Type: Api, Properties: { RestApiId: !Ref Api, Path: "/orders/{id}", Method: get } }
        Health: { Type: HttpApi, Properties: { ApiId: !Ref Public, Path: /health, Method: get } }
  Authorizer: { Type: AWS::Serverless::Function, Properties: { Handler: handler } }
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Handler: handler
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        DestinationConfig: { OnFailure: { Type: Lambda, Destination: !GetAtt Report.Arn } }
      Events:
        Jobs: { Type: SQS, Properties: { Queue: !GetAtt Jobs.Arn, FunctionResponseTypes: [ReportBatchItemFailures] } }
        Uploaded: { Type: S3, Properties: { Bucket: !Ref Uploads, Events: "s3:ObjectCreated:*" } }
        Nightly: { Type: Schedule, Properties: { Schedule: rate(1 day), Input: '"count"' } }
  Report:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web
      FunctionUrlConfig: { AuthType: NONE, InvokeMode: RESPONSE_STREAM }
  Mail: { Type: AWS::Serverless::Function, Properties: { Handler: index.handler, Runtime: nodejs22.x } }
"#;

fn body(answer: &Answer) -> &str {
    &answer.body
}

#[test]
fn an_application_of_fourteen_resources_runs() {
    let functions = [
        ("api", "api", ""),
        ("handler", "handler", ""),
        ("web", "http_p2", "stream = true"),
    ];
    let dev = Dev::with(
        TEMPLATE,
        &functions,
        &["--parameter-overrides", "Stage=test", "--json"],
    );
    let at = |path: &str| format!("{}{path}", dev.address);
    // The REST API has an authorizer, another function of the template.
    let refused = get(&at("/orders"));
    assert_eq!(
        (refused.status.as_u16(), body(&refused)),
        (401, r#"{"message":"Unauthorized"}"#)
    );
    let refused = get_with(&at("/orders"), &[("authorization", "other")]);
    assert_eq!(refused.status, 403, "{refused:?}");
    let allowed = get_with(&at("/orders/7"), &[("authorization", "allow")]);
    assert_eq!(allowed.status, 200, "{allowed:?}");
    // With the stage in the path, too, as its URL on AWS has it.
    let staged = get_with(&at("/test/orders"), &[("authorization", "allow")]);
    assert_eq!(staged.status, 200, "{staged:?}");
    // The HTTP API has neither.
    assert_eq!(get(&at("/health")).status, 200);
    // The values of other resources.
    let invoke = |function: &str, event: &str| {
        let url = at(&format!("/2015-03-31/functions/{function}/invocations"));
        post(&url, event).body
    };
    for (variable, value) in [
        ("TABLE", "Orders"),
        ("TOPIC", "arn:aws:sns:us-east-1:123456789012:Placed"),
        ("STAGE", "test"),
    ] {
        let answer = invoke("Worker", &format!("\"env:{variable}\""));
        assert!(answer.contains(value), "{variable}: {answer}");
    }
    // The sources that are not HTTP, as the page sends them.
    let page: Value = serde_json::from_str(&get(&at("/_lambda/functions")).body).unwrap();
    let worker = &page["functions"][2];
    assert_eq!(worker["name"], "Worker");
    let sources = worker["sources"].as_array().unwrap();
    let names: Vec<_> = sources
        .iter()
        .map(|source| source["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Jobs", "Uploaded", "Nightly"]);
    assert_eq!(sources[2]["event"], "count");
    let mut event = sources[0]["event"].clone();
    event["Records"][0]["body"] = "good".into();
    assert_eq!(
        invoke("Worker", &event.to_string()),
        r#"{"batchItemFailures":[]}"#
    );
    assert_eq!(page["others"][0]["name"], "Mail");
    // A failed asynchronous invocation goes to its destination.
    let event = [("x-amz-invocation-type", "Event")];
    let url = at("/2015-03-31/functions/Worker/invocations");
    assert_eq!(post_with(&url, &event, "\"fail:Broken\"").status, 202);
    // A stream beside other requests.
    let listening: Value = serde_json::from_str(&dev.listening).unwrap();
    let report = listening["functions"][3]["url"].as_str().unwrap();
    assert_eq!(get(&format!("{report}chunks?n=2&size=3")).body, "aaabbb");
    let printed = printed(dev);
    let line = |text: &str| {
        1 + TEMPLATE
            .lines()
            .position(|line| line.contains(text))
            .unwrap()
    };
    let note = format!(
        "template.yaml:{}: Mail: its runtime is nodejs22.x",
        line("nodejs22.x")
    );
    assert_once(&printed, &note);
    assert!(
        printed.contains("Orders: AWS::DynamoDB::Table is not created here"),
        "{printed}"
    );
}

/// SAM's own check of a template, if it is installed.
#[test]
fn sam_takes_the_application() {
    let Some(sam) = tool("sam") else { return };
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, TEMPLATE).unwrap();
    let output = std::process::Command::new(sam)
        .args(["validate", "--lint", "--region", "eu-west-1", "--template"])
        .arg(&template)
        .env("SAM_CLI_TELEMETRY", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

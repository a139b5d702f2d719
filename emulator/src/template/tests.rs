mod apis;
mod conditions;
mod gateway;
mod intrinsics;
mod limits;
mod names;
mod nested;
mod resources;
mod sources;

use super::*;

const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 15
    Environment:
      Variables: { SHARED: global, LEVEL: info }
Resources:
  Table:
    Type: AWS::DynamoDB::Table
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: dist/
      Handler: hello
      Runtime: provided.al2023
      MemorySize: 256
      Architectures: [x86_64]
      Policies:
        - DynamoDBReadPolicy: { TableName: !Ref Table }
      Environment:
        Variables:
          LEVEL: debug
          DEPTH: 3
          FLAG: true
          TABLE: !Ref Table
          ARN: { "Fn::GetAtt": [Table, Arn] }
          OTHER: !ImportValue other
      Events:
        One:
          Type: Api
          Properties: { Path: "/hello/{name}", Method: get }
        Rest:
          Type: Api
          Properties: { Path: "/{proxy+}", Method: any }
        Broker:
          Type: MQ
          Properties: { Broker: !GetAtt Broker.Arn }
        Queue:
          Type: SQS
          Properties: { Queue: !GetAtt Queue.Arn }
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web
      FunctionUrlConfig: { AuthType: NONE, InvokeMode: RESPONSE_STREAM }
      Events:
        One:
          Type: HttpApi
          Properties: { Path: "/web/{name}", Method: get, ApiId: !Ref Gateway }
        Rest:
          Type: HttpApi
        Old:
          Type: HttpApi
          Properties: { Path: "/old", Method: any, PayloadFormatVersion: "1.0" }
        Half:
          Type: HttpApi
          Properties: { Path: /half }
  Signed:
    Type: AWS::Serverless::Function
    Properties: { Handler: signed, FunctionUrlConfig: { AuthType: AWS_IAM } }
  Direct:
    Type: AWS::Serverless::Function
    Properties: { Handler: direct, FunctionName: by-name, Timeout: !Ref Seconds }
  Script:
    Type: AWS::Serverless::Function
    Properties: { Handler: app.handler, Runtime: python3.13 }
Outputs:
  Url:
    Value: !Sub "https://${ServerlessRestApi}.execute-api.${AWS::Region}.amazonaws.com/Prod/"
"#;

fn routes(function: &Function) -> Vec<String> {
    let routes = function.routes.iter();
    routes
        .map(|route| format!("{:?} {}", route.api, route.key()))
        .collect()
}

#[test]
fn functions_come_with_the_globals_and_their_own_values() {
    let template = Template::parse(TEMPLATE).unwrap();
    let names: Vec<_> = template.functions.iter().map(|f| &f.name).collect();
    assert_eq!(names, ["Hello", "Web", "Signed", "by-name"]);
    let hello = template.function("Hello").unwrap();
    assert_eq!(hello.handler, "hello");
    assert_eq!((hello.timeout.as_secs(), hello.memory_mb), (15, 256));
    let variables: Vec<_> = hello
        .variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        variables,
        [
            "ARN=arn:aws:dynamodb:us-east-1:123456789012:table/Table",
            "DEPTH=3",
            "FLAG=true",
            "LEVEL=debug",
            "SHARED=global",
            "TABLE=Table"
        ]
    );
    assert_eq!(
        routes(hello),
        ["Rest GET /hello/{name}", "Rest ANY /{proxy+}"]
    );
    assert_eq!(hello.url, None);
    let direct = template.function("by-name").unwrap();
    assert_eq!((direct.timeout.as_secs(), direct.memory_mb), (3, 128));
    assert!(direct.routes.is_empty());
}

#[test]
fn http_apis_and_function_urls_are_read() {
    let template = Template::parse(TEMPLATE).unwrap();
    let web = template.function("Web").unwrap();
    assert_eq!(
        routes(web),
        ["Http GET /web/{name}", "Http $default", "Http ANY /old"]
    );
    assert_eq!(web.url, Some(InvokeMode::ResponseStream));
    let payloads = web.routes.iter().map(|route| route.has_payload_1);
    assert_eq!(payloads.collect::<Vec<_>>(), [false, false, true]);
    let signed = template.function("Signed").unwrap();
    assert_eq!(signed.url, Some(InvokeMode::Buffered));
    assert_eq!((web.has_signed_url, signed.has_signed_url), (false, true));
}

#[test]
fn unknown_values_become_notes() {
    let notes = Template::parse(TEMPLATE).unwrap().notes;
    let expected = [
        "line 29: Hello: the variable OTHER is !ImportValue, which only a deployment can tell; it is not set here",
        "line 38: Hello: the event Broker is of type MQ, which has no route here; invoke the function by its name",
        "line 42: Hello: the Queue of the event Queue is a value that only a deployment can tell; its events have the one of the sample",
        "line 57: Web: the event Half has no plain Method and Path; it gets no route",
        "line 65: Direct: Timeout is !Ref, which only a deployment can tell; it is ignored here",
        "line 68: Script: its runtime is python3.13, not a custom runtime (provided.al2023); it is not started",
        "line 10: Table: AWS::DynamoDB::Table is not created here, and the variables ARN, TABLE have made-up values; create it locally, or set the variables with --env",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn bad_templates_say_what_is_wrong() {
    let error = Template::parse("Resources: [").unwrap_err().to_string();
    assert!(
        error.starts_with("the template is not valid YAML"),
        "{error}"
    );
    for text in ["", "Resources: {}", "- a"] {
        let error = Template::parse(text).unwrap_err();
        assert!(matches!(error, TemplateError::NoFunction), "{error}");
    }
    let text = "Resources: { F: { Type: AWS::Lambda::Function, Properties: { Runtime: go1.x } } }";
    let error = Template::parse(text).unwrap_err().to_string();
    let why = "F: its runtime is go1.x, not a custom runtime (provided.al2023)";
    assert_eq!(
        error,
        format!("the template does not have a function that runs here: {why}")
    );
    let error = Template::read(Path::new("/nowhere/template.yaml")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/template.yaml"));
}

#[test]
fn a_flow_that_ends_like_its_block_is_read() {
    let template = Template::parse(
        r#"
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Policies: [{
        "Effect": "Allow",
        "Action": [
      "s3:*"
    ]
      }]
      Environment: {
        Variables: { A: b }
      }
      Handler: f
      Layers: [
        a
      ]
"#,
    )
    .unwrap();
    let function = &template.functions[0];
    assert_eq!((&*function.handler, &*function.variables["A"]), ("f", "b"));
    assert_eq!(template.notes, ["line 16: F: Layers has no effect here"]);
    let error = Template::parse("A: [{\n}\nB: [").unwrap_err().to_string();
    assert!(error.contains("line 2 column 1"), "{error}");
}

#[test]
fn merge_keys_and_globals_are_merged() {
    let template = Template::parse(
        r#"
Globals:
  Function:
    Handler: shared
    CodeUri: one/
    Architectures: [arm64]
    FunctionUrlConfig: { AuthType: NONE, InvokeMode: RESPONSE_STREAM }
Props: &props
  Timeout: 9
  Environment: { Variables: { A: 012345678901, B: yes } }
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      <<: *props
      MemorySize: 512
  Two:
    Type: AWS::Serverless::Function
    Properties:
      <<: [{ Timeout: 1, MemorySize: 1024 }, *props]
      CodeUri: two/
      Handler: two
      FunctionUrlConfig: { InvokeMode: BUFFERED }
  Not:
    Type: AWS::Serverless::Function
    Condition: Never
    Properties: { Handler: x }
Conditions: { Never: !Equals [a, b] }
"#,
    )
    .unwrap();
    let [one, two] = &template.functions[..] else {
        panic!("{template:?}")
    };
    assert_eq!((one.timeout.as_secs(), one.memory_mb), (9, 512));
    assert_eq!(
        (one.variables["A"].as_str(), one.variables["B"].as_str()),
        ("012345678901", "true")
    );
    assert_eq!(
        (one.handler.as_str(), one.url),
        ("shared", Some(InvokeMode::ResponseStream))
    );
    assert_eq!(
        (one.code.as_deref(), one.architecture),
        (Some(Path::new("one/")), Architecture::Arm64)
    );
    assert_eq!((two.timeout.as_secs(), two.memory_mb), (1, 1024));
    assert_eq!(
        (two.handler.as_str(), two.url),
        ("two", Some(InvokeMode::Buffered))
    );
    assert_eq!(two.code.as_deref(), Some(Path::new("two/")));
    assert_eq!(
        template.notes,
        ["line 26: Not: its Condition Never does not hold; it is not started"]
    );
}

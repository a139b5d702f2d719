mod apis;
mod resources;

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
      Events:
        One:
          Type: Api
          Properties: { Path: "/hello/{name}", Method: get }
        Rest:
          Type: Api
          Properties: { Path: "/{proxy+}", Method: any }
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
        ["DEPTH=3", "FLAG=true", "LEVEL=debug", "SHARED=global"]
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
        "Hello: the variable TABLE is !Ref, which only a deployment can tell; it is not set here",
        "Hello: the variable ARN is Fn::GetAtt, which only a deployment can tell; it is not set here",
        "Hello: the event Queue is of type SQS, which has no route here; invoke the function by its name",
        "Web: the event Half has no plain Method and Path; it gets no route",
        "Direct: Timeout is !Ref, which only a deployment can tell; it is ignored here",
        "Script: its runtime is python3.13, not a custom runtime (provided.al2023); it is not started",
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
    let error = Template::read(Path::new("/nowhere/template.yaml")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/template.yaml"));
}

/// The variables of the only function of a template with this head and these variables.
fn variables(head: &str, variables: &str) -> BTreeMap<String, String> {
    let text = format!(
        "{head}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: f\n      Environment:\n        Variables:\n{variables}"
    );
    let template = Template::parse_in(&text, "eu-west-1", &BTreeMap::new()).unwrap();
    assert_eq!(template.notes, Vec::<String>::new(), "{text}");
    template.functions[0].variables.clone()
}

#[test]
fn values_that_the_template_determines_are_computed() {
    let head = r#"
Parameters:
  Stage: { Type: String, Default: dev }
  Number: { Type: Number, Default: 012345678901 }
  Zones: { Type: CommaDelimitedList, Default: "a, b" }
Mappings:
  Sizes: { dev: { size: small }, prod: { size: !Ref Number } }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Either: !Or [{ Condition: IsProd }, !Condition IsDev]"#;
    let of = variables(
        head,
        r#"
          PARAMETER: !Ref Stage
          LONG: { Ref: Number }
          REGION: !Ref AWS::Region
          SUB: !Sub "https://${Stage}.${AWS::Region}.${AWS::URLSuffix}/${!Literal}"
          WITH: !Sub ["${a}-${Stage}", { a: !Ref "AWS::AccountId" }]
          JOIN: !Join ["-", [x, !Ref Stage]]
          SELECT: !Select [1, !Ref Zones]
          SPLIT: { "Fn::Select": [0, { "Fn::Split": [".", "one.two"] }] }
          MAP: !FindInMap [Sizes, !Ref Stage, size]
          IF: !If [IsProd, yes, !If [Either, either, no]]
          GONE: !If [IsProd, x, !Ref AWS::NoValue]
          ME: !Ref F
          MINE: !GetAtt F.Arn
          ALSO: !Sub "${F.Arn}"
"#,
    );
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:F";
    let expected = [
        ("ALSO", arn),
        ("IF", "either"),
        ("JOIN", "x-dev"),
        ("LONG", "012345678901"),
        ("MAP", "small"),
        ("ME", "F"),
        ("MINE", arn),
        ("PARAMETER", "dev"),
        ("REGION", "eu-west-1"),
        ("SELECT", "b"),
        ("SPLIT", "one"),
        ("SUB", "https://dev.eu-west-1.amazonaws.com/${Literal}"),
        ("WITH", "123456789012-dev"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(of, BTreeMap::from(expected));
}

#[test]
fn properties_take_parameters_too() {
    let template = Template::parse(
        r#"
Parameters: { Name: { Type: String, Default: orders }, Seconds: { Type: Number, Default: 7 } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: !Ref Name
      FunctionName: !Sub "${Name}-${AWS::StackName}"
      Timeout: !Ref Seconds
      Events:
        Get: { Type: Api, Properties: { Path: !Sub "/${Name}", Method: get } }
"#,
    )
    .unwrap();
    let function = template.function("orders-local").unwrap();
    assert_eq!(
        (function.handler.as_str(), function.timeout.as_secs()),
        ("orders", 7)
    );
    assert_eq!(routes(function), ["Rest GET /orders"]);
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
        ["Not: its Condition Never does not hold; it is not started"]
    );
}

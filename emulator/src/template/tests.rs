use std::time::Duration;

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
}

#[test]
fn unknown_values_become_notes() {
    let notes = Template::parse(TEMPLATE).unwrap().notes;
    let expected = [
        "Hello: the variable TABLE is !Ref, which only a deployment can tell; it is not set here",
        "Hello: the variable ARN is Fn::GetAtt, which only a deployment can tell; it is not set here",
        "Hello: the event Queue is of type SQS, which has no route here; invoke the function by its name",
        "Web: the event Half has no plain Method and Path; it gets no route",
        "Signed: its function URL asks for signed requests (AWS_IAM); here it takes all",
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

#[test]
fn unsupported_api_settings_become_notes() {
    let template = r#"
Globals:
  Api: { Cors: "'*'" }
  HttpApi: { CorsConfiguration: true }
Resources:
  One: { Type: AWS::Serverless::Api, Properties: { StageName: v1, Variables: { A: b } } }
  Two: { Type: AWS::Serverless::Api, Properties: { StageName: Prod } }
  Three: { Type: AWS::Serverless::HttpApi, Properties: { StageName: $default } }
  Four: { Type: AWS::Serverless::HttpApi, Properties: { StageName: !Ref Stage } }
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web
      FunctionUrlConfig: { AuthType: NONE, Cors: { AllowOrigins: ["*"] } }
"#;
    let notes = Template::parse(template).unwrap().notes;
    let settings = [
        "Globals.Api: Cors",
        "Globals.HttpApi: CorsConfiguration",
        "Web: Cors",
    ];
    let unknown = "Four: StageName is !Ref, which only a deployment can tell; it is $default here";
    let settings = settings.map(|of| format!("{of} is ignored here"));
    assert_eq!(
        notes,
        [vec![unknown.to_owned()], settings.to_vec()].concat()
    );
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

#[test]
fn functions_of_cloudformation_and_the_cdk_are_functions() {
    let template = Template::parse(
        r#"{
          "Resources": {
            "HelloF1": {
              "Type": "AWS::Lambda::Function",
              "Properties": {
                "Code": { "S3Bucket": { "Fn::Sub": "cdk-${AWS::AccountId}" }, "S3Key": "1.zip" },
                "Handler": "hello", "Runtime": "provided.al2023", "MemorySize": 512, "Timeout": 7,
                "Architectures": ["arm64"], "Role": { "Fn::GetAtt": ["Role", "Arn"] }
              },
              "Metadata": { "aws:asset:path": "asset.1", "aws:asset:property": "Code" }
            },
            "HelloUrl": {
              "Type": "AWS::Lambda::Url",
              "Properties": {
                "AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM",
                "TargetFunctionArn": { "Fn::GetAtt": ["HelloF1", "Arn"] }
              }
            },
            "Local": {
              "Type": "AWS::Lambda::Function",
              "Properties": { "FunctionName": "named", "Code": "dist/", "Handler": "local", "Runtime": "provided.al2023" }
            },
            "LocalUrl": {
              "Type": "AWS::Lambda::Url",
              "Properties": { "AuthType": "NONE", "TargetFunctionArn": { "Ref": "Local" } }
            },
            "Lost": {
              "Type": "AWS::Lambda::Url",
              "Properties": { "AuthType": "NONE", "TargetFunctionArn": "another" }
            },
            "Node": {
              "Type": "AWS::Lambda::Function",
              "Properties": { "Code": { "ZipFile": "" }, "Handler": "index.handler", "Runtime": "nodejs22.x" }
            }
          },
          "Globals": { "Function": { "MemorySize": 1024 } }
        }"#,
    )
    .unwrap();
    let [hello, local] = &template.functions[..] else {
        panic!("{:?}", template.functions)
    };
    assert_eq!((&*hello.name, &*hello.handler), ("HelloF1", "hello"));
    assert_eq!(hello.code.as_deref(), Some(Path::new("asset.1")));
    assert_eq!(hello.timeout, Duration::from_secs(7));
    assert_eq!(hello.architecture, Architecture::Arm64);
    assert_eq!(hello.url, Some(InvokeMode::ResponseStream));
    assert_eq!((&*local.name, local.memory_mb), ("named", 128));
    assert_eq!(local.code.as_deref(), Some(Path::new("dist/")));
    assert_eq!(local.url, Some(InvokeMode::Buffered));
    let notes = [
        "Node: its runtime is nodejs22.x, not a custom runtime (provided.al2023); it is not started",
        "Lost: its function is not started here; there is no such URL",
    ];
    assert_eq!(template.notes, notes);
}

#[test]
fn a_parameter_of_the_parameter_store_is_known_only_if_it_is_given() {
    let text = r#"
Parameters:
  Table: { Type: AWS::SSM::Parameter::Value<String>, Default: /orders/table }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: { Handler: f, Environment: { Variables: { TABLE: !Ref Table } } }
"#;
    let template = Template::parse(text).unwrap();
    assert_eq!(template.functions[0].variables.get("TABLE"), None);
    assert_eq!(template.notes.len(), 1, "{:?}", template.notes);
    let given = BTreeMap::from([("Table".to_owned(), "orders".to_owned())]);
    let template = Template::parse_in(text, "eu-west-1", &given).unwrap();
    assert_eq!(template.functions[0].variables["TABLE"], "orders");
}

#[test]
fn a_route_has_the_stage_of_its_api() {
    let template = Template::parse(
        r#"
Globals:
  Api: { Variables: { LEVEL: info, SHARED: "1" } }
  HttpApi: { StageName: live }
Resources:
  Own: { Type: AWS::Serverless::Api, Properties: { StageName: test, Variables: { LEVEL: debug } } }
  Http: { Type: AWS::Serverless::HttpApi, Properties: { StageVariables: { A: b } } }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Added: { Type: Api, Properties: { Path: /added, Method: get } }
        Own: { Type: Api, Properties: { Path: /own, Method: get, RestApiId: !Ref Own } }
        AddedHttp: { Type: HttpApi, Properties: { Path: /added-http, Method: get } }
        Http: { Type: HttpApi, Properties: { Path: /http, Method: get, ApiId: { Ref: Http } } }
"#,
    )
    .unwrap();
    let settings = template.functions[0].routes.iter().map(|route| {
        let variables = route.settings.variables.iter();
        let variables: Vec<_> = variables
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!(
            "{} {} {}",
            route.path,
            route.settings.stage,
            variables.join(" ")
        )
    });
    let expected = [
        "/added Prod LEVEL=info SHARED=1",
        "/own test LEVEL=debug SHARED=1",
        "/added-http $default ",
        "/http live A=b",
    ];
    assert_eq!(settings.collect::<Vec<_>>(), expected);
    assert_eq!(template.notes, [""; 0]);
}

#[test]
fn targets_of_a_load_balancer_are_known() {
    let template = Template::parse(
        r#"
Resources:
  One: { Type: AWS::Serverless::Function, Properties: { Handler: one } }
  Two: { Type: AWS::Serverless::Function, Properties: { Handler: two } }
  Three: { Type: AWS::Serverless::Function, Properties: { Handler: three } }
  Group:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: { TargetType: lambda, Targets: [{ Id: !GetAtt One.Arn }] }
  Multi:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      TargetType: lambda
      Targets: [{ Id: !GetAtt Two.Arn }]
      TargetGroupAttributes: [{ Key: lambda.multi_value_headers.enabled, Value: "true" }]
"#,
    );
    let functions = template.unwrap().functions;
    let targets = functions
        .iter()
        .map(|f| (f.is_target, f.has_multi_value_target));
    let expected = [(true, false), (true, true), (false, false)];
    assert_eq!(targets.collect::<Vec<_>>(), expected);
}

#[test]
fn what_follows_an_asynchronous_invocation_is_read() {
    let template = Template::parse(
        r#"
Resources:
  Queue: { Type: AWS::SQS::Queue }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      DeadLetterQueue: { Type: SQS, TargetArn: "arn:aws:sqs:us-east-1:123456789012:dead" }
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        DestinationConfig:
          OnSuccess: { Type: Lambda, Destination: !GetAtt G.Arn }
          OnFailure: { Type: SQS, Destination: !GetAtt Queue.Arn }
  G: { Type: AWS::Serverless::Function, Properties: { Handler: g } }
"#,
    )
    .unwrap();
    let [f, g] = &template.functions[..] else {
        panic!("{:?}", template.functions)
    };
    let expected = Asynchronous {
        retries: 0,
        on_success: Some(g.arn()),
        on_failure: Some("!GetAtt, which only a deployment can tell".to_owned()),
        dead_letter: Some("arn:aws:sqs:us-east-1:123456789012:dead".to_owned()),
    };
    assert_eq!(f.asynchronous, expected);
    assert_eq!(g.asynchronous, Asynchronous::default());
}

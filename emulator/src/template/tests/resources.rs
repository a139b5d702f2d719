//! Functions of other types, and the resources that say more about them.

use std::time::Duration;

use super::*;

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
        "line 33: Node: its runtime is nodejs22.x, not a custom runtime (provided.al2023); it is not started",
        "line 27: Lost: its function is not started here; there is no such URL",
    ];
    assert_eq!(template.notes, notes);
}

#[test]
fn functions_that_are_not_run_are_listed() {
    let template = Template::parse(
        r#"
Resources:
  Run: { Type: AWS::Serverless::Function, Properties: { Handler: run, Runtime: provided.al2023 } }
  Python: { Type: AWS::Serverless::Function, Properties: { Handler: a.b, Runtime: python3.13 } }
  Image: { Type: AWS::Serverless::Function, Properties: { PackageType: Image, FunctionName: img } }
  Inline: { Type: AWS::Serverless::Function, Properties: { Handler: x, InlineCode: "..." } }
  Zip: { Type: AWS::Lambda::Function, Properties: { Handler: x, Code: { ZipFile: "" } } }
  Not: { Type: AWS::Serverless::Function, Properties: { CodeUri: dist/ } }
"#,
    )
    .unwrap();
    assert_eq!(template.functions.len(), 1);
    let others = template.others.iter();
    let others: Vec<_> = others.map(|other| (&*other.name, other.why)).collect();
    let expected = [
        ("Python", Why::Runtime),
        ("img", Why::Image),
        ("Inline", Why::Inline),
        ("Zip", Why::Inline),
        ("Not", Why::NoHandler),
    ];
    assert_eq!(others, expected);
    assert_eq!(template.others[0].runtime.as_deref(), Some("python3.13"));
    assert_eq!(
        template.notes[1],
        "line 5: Image: it is a container image (PackageType: Image); it is not started"
    );
}

#[test]
fn properties_without_an_effect_are_noted_once() {
    let template = Template::parse(
        r#"
Globals: { Function: { Tracing: Active, Tags: { a: b } } }
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      Handler: one
      Policies: [AWSLambdaExecute]
      Layers: [!Ref Layer]
      VpcConfig: { SubnetIds: [subnet-1] }
      EphemeralStorage: { Size: 512 }
      ReservedConcurrentExecutions: 5
  Two:
    Type: AWS::Serverless::Function
    Properties:
      Handler: two
      Layers: []
      EphemeralStorage: { Size: 1024 }
      SnapStart: { ApplyOn: None }
  Three:
    Type: AWS::Lambda::Function
    Properties: { Handler: three, TracingConfig: { Mode: Active } }
"#,
    )
    .unwrap();
    let expected = [
        "line 9: One: Layers has no effect here",
        "line 12: One: ReservedConcurrentExecutions has no effect here",
        "line 2: Globals.Function: Tracing has no effect here",
        "line 10: One: VpcConfig has no effect here",
        "line 18: Two: EphemeralStorage has no effect here",
        "line 22: Three: TracingConfig has no effect here",
    ];
    assert_eq!(template.notes, expected);
}

#[test]
fn snap_start_is_on_for_published_versions() {
    let template = Template::parse(
        r#"
Globals: { Function: { SnapStart: { ApplyOn: PublishedVersions } } }
Resources:
  One: { Type: AWS::Serverless::Function, Properties: { Handler: f } }
  Two: { Type: AWS::Serverless::Function, Properties: { Handler: f, SnapStart: { ApplyOn: None } } }
  Three: { Type: AWS::Lambda::Function, Properties: { Handler: f } }
  Four:
    Type: AWS::Lambda::Function
    Properties:
      Handler: f
      SnapStart: { ApplyOn: PublishedVersions }
  Five:
    Type: AWS::Lambda::Function
    Properties: { Handler: f, SnapStart: { ApplyOn: !ImportValue apply } }
"#,
    )
    .unwrap();
    let functions = template.functions.iter();
    let on: Vec<_> = functions.map(|function| function.has_snap_start).collect();
    assert_eq!(on, [true, false, false, true, false]);
    let played = "SnapStart is played here without a snapshot; on AWS, a custom runtime has it only in a container image, and not in a zip (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html)";
    let expected = [
        format!("line 2: One: {played}"),
        format!("line 11: Four: {played}"),
        "line 14: Five: SnapStart has no effect here, since its ApplyOn is not PublishedVersions"
            .to_owned(),
    ];
    assert_eq!(template.notes, expected);
}

#[test]
fn a_merged_property_has_the_line_of_its_anchor() {
    let template = Template::parse(
        r#"
Props: &props
  Handler: f
  Timeout: !ImportValue seconds
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { <<: *props } }
  G: { Type: AWS::Serverless::Function, Properties: *props }
"#,
    );
    let rest = "Timeout is !ImportValue, which only a deployment can tell; it is ignored here";
    let expected = ["F", "G"].map(|name| format!("line 4: {name}: {rest}"));
    assert_eq!(template.unwrap().notes, expected);
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
    let note = "line 7: F: the variable TABLE is the parameter Table, which has no value here; set it with --parameter-overrides Table=VALUE";
    assert_eq!(template.notes, [note]);
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
        on_failure: Some("arn:aws:sqs:us-east-1:123456789012:Queue".to_owned()),
        dead_letter: Some("arn:aws:sqs:us-east-1:123456789012:dead".to_owned()),
    };
    assert_eq!(f.asynchronous, expected);
    assert_eq!(g.asynchronous, Asynchronous::default());
}

#[test]
fn cloudformation_configures_asynchronous_invocations_too() {
    let template = Template::parse(
        r#"
Resources:
  Queue: { Type: AWS::SQS::Queue }
  F:
    Type: AWS::Lambda::Function
    Properties:
      Handler: f
      DeadLetterConfig: { TargetArn: !GetAtt Queue.Arn }
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref F
      Qualifier: $LATEST
      MaximumRetryAttempts: 1
      DestinationConfig: { OnFailure: { Destination: !GetAtt Queue.Arn } }
"#,
    );
    let queue = Some("arn:aws:sqs:us-east-1:123456789012:Queue".to_owned());
    let expected = Asynchronous {
        retries: 1,
        on_success: None,
        on_failure: queue.clone(),
        dead_letter: queue,
    };
    assert_eq!(template.unwrap().functions[0].asynchronous, expected);
}

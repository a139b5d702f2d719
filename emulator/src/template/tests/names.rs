//! `Ref` and `Fn::GetAtt` of resources that are not functions.

use super::*;

/// The values of variables, each written as an intrinsic, in a template with these resources.
fn values<const N: usize>(resources: &str, written: [(&str, &str); N]) -> Template {
    let lines = written.map(|(name, value)| format!("          {name}: {value}\n"));
    let text = format!(
        "Resources:\n{resources}\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: f\n      Environment:\n        Variables:\n{}",
        lines.concat()
    );
    Template::parse_in(&text, "eu-west-1", &BTreeMap::new()).unwrap()
}

#[test]
fn resources_have_names_as_on_aws() {
    let rows = [
        ("AWS::DynamoDB::Table", "!Ref R", "R"),
        (
            "AWS::DynamoDB::Table",
            "!GetAtt R.Arn",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/R",
        ),
        (
            "AWS::Serverless::SimpleTable",
            "!GetAtt R.StreamArn",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/R/stream/2024-08-06T00:00:00.000",
        ),
        (
            "AWS::SQS::Queue",
            "!Ref R",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/R",
        ),
        (
            "AWS::SQS::Queue",
            "!GetAtt R.Arn",
            "arn:aws:sqs:eu-west-1:123456789012:R",
        ),
        ("AWS::SQS::Queue", "!GetAtt [R, QueueName]", "R"),
        (
            "AWS::SNS::Topic",
            "!Ref R",
            "arn:aws:sns:eu-west-1:123456789012:R",
        ),
        ("AWS::SNS::Topic", "!GetAtt R.TopicName", "R"),
        ("AWS::S3::Bucket", "!Ref R", "r"),
        ("AWS::S3::Bucket", "!GetAtt R.Arn", "arn:aws:s3:::r"),
        (
            "AWS::S3::Bucket",
            "!Sub \"https://${R.DomainName}\"",
            "https://r.s3.amazonaws.com",
        ),
        ("AWS::Events::EventBus", "!Ref R", "R"),
        (
            "AWS::Events::EventBus",
            "!GetAtt R.Arn",
            "arn:aws:events:eu-west-1:123456789012:event-bus/R",
        ),
        (
            "AWS::Serverless::StateMachine",
            "!Ref R",
            "arn:aws:states:eu-west-1:123456789012:stateMachine:R",
        ),
        ("AWS::StepFunctions::StateMachine", "!GetAtt R.Name", "R"),
        (
            "AWS::Kinesis::Stream",
            "!GetAtt R.Arn",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/R",
        ),
        ("AWS::SSM::Parameter", "!Ref R", "R"),
        (
            "AWS::SecretsManager::Secret",
            "!Ref R",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:R-a1b2c3",
        ),
        (
            "AWS::Logs::LogGroup",
            "!GetAtt R.Arn",
            "arn:aws:logs:eu-west-1:123456789012:log-group:R:*",
        ),
        ("AWS::Cognito::UserPool", "!Ref R", "eu-west-1_R"),
        (
            "AWS::Cognito::UserPool",
            "!GetAtt R.ProviderURL",
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_R",
        ),
        ("AWS::Serverless::Api", "!Ref R", "R"),
        (
            "AWS::Serverless::HttpApi",
            "!GetAtt R.ApiEndpoint",
            "https://R.execute-api.eu-west-1.amazonaws.com",
        ),
        (
            "AWS::IAM::Role",
            "!GetAtt R.Arn",
            "arn:aws:iam::123456789012:role/R",
        ),
        ("AWS::Elsewhere::Thing", "!Ref R", "R"),
    ];
    for (kind, written, value) in rows {
        let template = values(&format!("  R: {{ Type: {kind} }}"), [("V", written)]);
        let variables = &template.functions[0].variables;
        let known = variables.get("V").map(String::as_str);
        assert_eq!(known, Some(value), "{kind} {written}");
    }
}

#[test]
fn explicit_names_win() {
    let resources = r#"
  Table: { Type: AWS::DynamoDB::Table, Properties: { TableName: !Sub "${AWS::StackName}-orders" } }
  Queue: { Type: AWS::SQS::Queue, Properties: { QueueName: !Sub "${Table}-queue" } }
  Fifo: { Type: AWS::SQS::Queue, Properties: { FifoQueue: true } }
  Bucket: { Type: AWS::S3::Bucket, Properties: { BucketName: !Join ["-", [uploads, !Ref F]] } }
  Level: { Type: AWS::SSM::Parameter, Properties: { Name: /app/level, Type: String, Value: info } }
  Alias: { Type: AWS::Lambda::Alias, Properties: { Name: live, FunctionName: !Ref F } }
  Loop: { Type: AWS::SQS::Queue, Properties: { QueueName: !Sub "${Back}${Back}" } }
  Back: { Type: AWS::SQS::Queue, Properties: { QueueName: !Sub "${Loop}${Loop}" } }
  Own: { Type: AWS::Events::Rule, Properties: { Name: own, EventBusName: bus } }
  Api: { Type: AWS::Serverless::Api, Properties: { StageName: live } }
  G: { Type: AWS::Serverless::Function, Properties: { Handler: g, AutoPublishAlias: v2 } }
  Far: { Type: AWS::DynamoDB::Table, Properties: { TableName: !ImportValue Name } }"#;
    let written = [
        ("TABLE", "!Ref Table"),
        ("QUEUE", "!GetAtt Queue.QueueName"),
        ("FIFO", "!GetAtt Fifo.QueueName"),
        ("BUCKET", "!Ref Bucket"),
        ("LEVEL", "!Ref Level"),
        ("VALUE", "!GetAtt Level.Value"),
        ("ALIAS", "!Ref Alias"),
        ("FAR", "!Ref Far"),
        ("RULE", "!GetAtt Own.Arn"),
        ("STAGE", "!Ref Api.Stage"),
        ("G_ALIAS", "!Ref G.Alias"),
        ("URL", "!GetAtt FUrl.FunctionUrl"),
    ];
    let template = values(resources, written);
    let variables = &template.function("F").unwrap().variables;
    let expected = [
        (
            "ALIAS",
            "arn:aws:lambda:eu-west-1:123456789012:function:F:live",
        ),
        ("BUCKET", "uploads-F"),
        ("FAR", "Far"),
        ("FIFO", "Fifo.fifo"),
        (
            "G_ALIAS",
            "arn:aws:lambda:eu-west-1:123456789012:function:G:v2",
        ),
        ("LEVEL", "/app/level"),
        ("RULE", "arn:aws:events:eu-west-1:123456789012:rule/bus/own"),
        ("STAGE", "live"),
        ("URL", "https://furl.lambda-url.eu-west-1.on.aws/"),
        ("QUEUE", "local-orders-queue"),
        ("TABLE", "local-orders"),
        ("VALUE", "info"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(*variables, BTreeMap::from(expected));
    let template = values(resources, [("LOOP", "!Ref Loop")]);
    let function = template.function("F").unwrap();
    assert!(function.variables.contains_key("LOOP"));
}

#[test]
fn a_made_up_name_is_said_once_for_each_resource() {
    let template = values(
        "  Table: { Type: AWS::DynamoDB::Table }\n  Unused: { Type: AWS::SQS::Queue }",
        [
            ("NAME", "!Ref Table"),
            ("ARN", "!GetAtt Table.Arn"),
            ("ROLE", "!GetAtt FRole.Arn"),
            ("ME", "!Ref F"),
            ("ODD", "!GetAtt Table.Colour"),
            ("SECRET", "\"x-{{resolve:secretsmanager:mine}}\""),
            ("API", "!Sub \"${ServerlessHttpApi}\""),
        ],
    );
    let variables = &template.functions[0].variables;
    assert_eq!(variables["ROLE"], "arn:aws:iam::123456789012:role/FRole");
    assert_eq!(variables["API"], "ServerlessHttpApi");
    let rest = "create it locally, or set the variable with --env";
    let expected = [
        "line 14: F: the variable ODD is !GetAtt, which only a deployment can tell; it is not set here".to_owned(),
        "line 15: F: the variable SECRET is a dynamic reference, which only a deployment can tell; it is not set here".to_owned(),
        "line 2: Table: AWS::DynamoDB::Table is not created here, and the variables ARN, NAME have made-up values; create it locally, or set the variables with --env".to_owned(),
        format!("line 12: FRole: AWS::IAM::Role is not created here, and the variable ROLE has a made-up value; {rest}"),
        format!("line 16: ServerlessHttpApi: AWS::Serverless::HttpApi is not created here, and the variable API has a made-up value; {rest}"),
    ];
    assert_eq!(template.notes, expected);
}

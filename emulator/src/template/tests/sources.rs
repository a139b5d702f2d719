//! Event sources that are not HTTP, and their events.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::*;

/// The sources of the first function.
fn sources(text: &str) -> Vec<EventSource> {
    let template = Template::parse_in(text, "eu-west-1", &BTreeMap::new()).unwrap();
    assert_eq!(template.notes, [""; 0]);
    template.functions[0].sources.clone()
}

/// The event of a source, from the sample of its kind.
fn event(source: &EventSource) -> Json {
    let sample = source.sample().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/samples");
    let text = std::fs::read_to_string(folder.join(sample).with_extension("json")).unwrap();
    source.event(serde_json::from_str(&text).unwrap())
}

const SAM: &str = r#"
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Queue:
          Type: SQS
          Properties:
            Queue: !GetAtt Orders.Arn
            BatchSize: 5
            MaximumBatchingWindowInSeconds: 20
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria: { Filters: [{ Pattern: '{"body": {"order": [1]}}' }] }
        Table:
          Type: DynamoDB
          Properties: { Stream: !GetAtt Table.StreamArn, StartingPosition: LATEST, Enabled: false }
        Stream:
          Type: Kinesis
          Properties: { Stream: !GetAtt Stream.Arn, StartingPosition: LATEST }
        Topic:
          Type: SNS
          Properties: { Topic: !Ref Topic, FilterPolicy: { kind: [order] } }
        Batched:
          Type: SNS
          Properties: { Topic: !Ref Topic, SqsSubscription: true }
        Upload:
          Type: S3
          Properties:
            Bucket: !Ref Uploads
            Events: s3:ObjectRemoved:*
            Filter: { S3Key: { Rules: [{ Name: prefix, Value: in/ }, { Name: suffix, Value: .png }] } }
        Placed:
          Type: EventBridgeRule
          Properties:
            EventBusName: !Ref Bus
            Pattern:
              source: [com.example.shop]
              detail-type: [{ prefix: Order }]
              detail: { order: [2, 3], customer: { vip: [true] }, note: [{ exists: false }] }
        Part:
          Type: CloudWatchEvent
          Properties: { Pattern: { source: [aws.ec2] }, InputPath: $.detail }
        Hourly:
          Type: Schedule
          Properties: { Schedule: rate(1 hour), Name: hourly }
        Fixed:
          Type: ScheduleV2
          Properties: { ScheduleExpression: rate(1 day), Input: '{"job": "clean"}', State: DISABLED }
        Daily:
          Type: ScheduleV2
          Properties: { ScheduleExpression: rate(1 day) }
  Orders: { Type: AWS::SQS::Queue }
  Table: { Type: AWS::DynamoDB::Table }
  Stream: { Type: AWS::Kinesis::Stream }
  Topic: { Type: AWS::SNS::Topic }
  Uploads: { Type: AWS::S3::Bucket }
  Bus: { Type: AWS::Events::EventBus }
"#;

#[test]
fn events_of_functions_are_sources() {
    let sources = sources(SAM);
    let names: Vec<_> = sources
        .iter()
        .map(|source| {
            format!(
                "{} {:?} {}",
                source.name,
                source.sample(),
                source.is_enabled
            )
        })
        .collect();
    let expected = [
        r#"Queue Some("sqs") true"#,
        r#"Table Some("dynamodb") false"#,
        r#"Stream Some("kinesis") true"#,
        r#"Topic Some("sns") true"#,
        r#"Batched Some("sqs") true"#,
        r#"Upload Some("s3") true"#,
        r#"Placed Some("eventbridge") true"#,
        r#"Part Some("eventbridge") true"#,
        r#"Hourly Some("schedule") true"#,
        r#"Fixed Some("schedule") false"#,
        r#"Daily Some("schedule") true"#,
    ];
    assert_eq!(names, expected);
    let queue = Polled {
        arn: Some("arn:aws:sqs:eu-west-1:123456789012:Orders".to_owned()),
        batch_size: Some(5),
        window: Some(Duration::from_secs(20)),
        reports_item_failures: true,
        filters: vec![json!({ "body": { "order": [1] } })],
    };
    assert_eq!(sources[0].kind, SourceKind::Sqs(queue));
    assert_eq!(
        sources[0].queue_url().as_deref(),
        Some("https://sqs.eu-west-1.amazonaws.com/123456789012/Orders")
    );
    let topic = SourceKind::Sns {
        topic: Some("arn:aws:sns:eu-west-1:123456789012:Topic".to_owned()),
        filter: Some(json!({ "kind": ["order"] })),
    };
    assert_eq!(sources[3].kind, topic);
    assert_eq!(
        sources[4].arn().as_deref(),
        Some("arn:aws:sqs:eu-west-1:123456789012:FBatchedQueue")
    );
    assert_eq!(
        sources[6].arn().as_deref(),
        Some("arn:aws:events:eu-west-1:123456789012:rule/Bus/FPlaced")
    );
}

#[test]
fn a_sample_gets_the_values_of_its_source() {
    let sources = sources(SAM);
    let events: Vec<_> = sources.iter().map(event).collect();
    let at = |index: usize, pointer: &str| {
        let event: &Json = &events[index];
        event.pointer(pointer).cloned().unwrap_or_default()
    };
    for (index, pointer, value) in [
        (
            0,
            "/Records/1/eventSourceARN",
            "arn:aws:sqs:eu-west-1:123456789012:Orders",
        ),
        (0, "/Records/0/awsRegion", "eu-west-1"),
        (
            1,
            "/Records/0/eventSourceARN",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/Table/stream/2024-08-06T00:00:00.000",
        ),
        (
            2,
            "/Records/0/eventSourceARN",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/Stream",
        ),
        (
            3,
            "/Records/0/Sns/TopicArn",
            "arn:aws:sns:eu-west-1:123456789012:Topic",
        ),
        (
            3,
            "/Records/0/EventSubscriptionArn",
            "arn:aws:sns:eu-west-1:123456789012:Topic:0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9",
        ),
        (5, "/Records/0/s3/bucket/name", "uploads"),
        (5, "/Records/0/s3/bucket/arn", "arn:aws:s3:::uploads"),
        (5, "/Records/0/s3/object/key", "in/cat.png"),
        (5, "/Records/0/eventName", "ObjectRemoved:Delete"),
        (6, "/source", "com.example.shop"),
        (6, "/detail-type", "Order"),
        (6, "/region", "eu-west-1"),
        (
            8,
            "/resources/0",
            "arn:aws:events:eu-west-1:123456789012:rule/hourly",
        ),
        (8, "/source", "aws.events"),
        (10, "/source", "aws.scheduler"),
        (
            10,
            "/resources/0",
            "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/FDaily",
        ),
    ] {
        assert_eq!(at(index, pointer), json!(value), "{index} {pointer}");
    }
    let detail = json!({ "order": 2, "customer": { "vip": true } });
    assert_eq!(at(6, "/detail"), detail);
    assert_eq!(events[7], json!({ "order": 1 }));
    assert_eq!(events[9], json!({ "job": "clean" }));
}

#[test]
fn resources_that_lead_to_a_function_are_sources() {
    let sources = sources(
        r#"
Resources:
  F: { Type: AWS::Lambda::Function, Properties: { Handler: f, Runtime: provided.al2023 } }
  Live: { Type: AWS::Lambda::Alias, Properties: { FunctionName: !Ref F, Name: live } }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: { FunctionName: !Ref F, EventSourceArn: !GetAtt Queue.Arn, BatchSize: 1 }
  Cluster:
    Type: AWS::Lambda::EventSourceMapping
    Properties: { FunctionName: !Ref Live, EventSourceArn: "arn:aws:kafka:eu-west-1:1:cluster/a" }
  Elsewhere:
    Type: AWS::Lambda::EventSourceMapping
    Properties: { FunctionName: other, EventSourceArn: !GetAtt Queue.Arn }
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: { source: [aws.s3] }
      Targets: [{ Id: "1", Arn: !GetAtt F.Arn }, { Id: "2", Arn: !GetAtt Queue.Arn }]
  Cron:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 minute)
      State: DISABLED
      Targets: [{ Id: "1", Arn: !GetAtt F.Arn, Input: "{\"a\": 1}" }]
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties: { ScheduleExpression: rate(1 hour), Target: { Arn: !GetAtt F.Arn } }
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: { Protocol: lambda, Endpoint: !GetAtt F.Arn, TopicArn: !Ref Topic }
  Topic: { Type: AWS::SNS::Topic }
  Queue: { Type: AWS::SQS::Queue }
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      NotificationConfiguration:
        LambdaConfigurations: [{ Event: "s3:ObjectCreated:Put", Function: !GetAtt F.Arn }]
  Cdk:
    Type: Custom::S3BucketNotifications
    Properties:
      BucketName: !Ref Bucket
      NotificationConfiguration:
        LambdaFunctionConfigurations:
          - { Events: ["s3:ObjectCreated:*"], LambdaFunctionArn: !GetAtt F.Arn }
"#,
    );
    let found: Vec<_> = sources
        .iter()
        .map(|source| format!("{} {}", source.name, source.arn().unwrap_or_default()))
        .collect();
    let expected = [
        "Mapping arn:aws:sqs:eu-west-1:123456789012:Queue",
        "Cluster ",
        "Rule arn:aws:events:eu-west-1:123456789012:rule/Rule",
        "Cron arn:aws:events:eu-west-1:123456789012:rule/Cron",
        "Schedule arn:aws:scheduler:eu-west-1:123456789012:schedule/default/Schedule",
        "Subscription arn:aws:sns:eu-west-1:123456789012:Topic",
        "Bucket arn:aws:s3:::bucket",
        "Cdk arn:aws:s3:::bucket",
    ];
    assert_eq!(found, expected);
    assert_eq!(sources[1].kind, SourceKind::Other("MSK".to_owned()));
    assert!(!sources[3].is_enabled);
    assert_eq!(event(&sources[3]), json!({ "a": 1 }));
    assert_eq!(event(&sources[2])["source"], "aws.s3");
}

#[test]
fn an_unusual_sample_stays_as_it_is() {
    for source in sources(SAM) {
        for odd in [json!(null), json!([1]), json!({ "Records": [1, {}] })] {
            source.event(odd);
        }
    }
}

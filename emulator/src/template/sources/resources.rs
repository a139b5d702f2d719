//! Reads the resources of CloudFormation and the CDK that lead events to a function.

use super::super::Function;
use super::super::value::{Node, Value};
use super::read::{bucket, is_enabled, of_pattern, polled, scheduled};
use super::{EventSource, Input, SourceKind, arn};

/// Adds the event sources of a template's resources to its functions. A source that leads elsewhere
/// is not of interest.
pub(in super::super) fn add(resources: &Value, region: &str, functions: &mut [Function]) {
    for (name, resource) in Node(Some(resources)).entries() {
        let own = resource.get("Properties");
        let kind = resource.get("Type").text().unwrap_or_default();
        for (target, kind, is_enabled) in sources(name, &kind, own, region) {
            let Some(target) = target else { continue };
            let mut functions = functions.iter_mut();
            if let Some(function) = functions.find(|function| function.is_named(&target)) {
                function.sources.push(EventSource {
                    name: name.to_owned(),
                    kind,
                    region: region.to_owned(),
                    is_enabled,
                });
            }
        }
    }
}

/// A target of a source, the source, and whether it is enabled.
type Lead = (Option<String>, SourceKind, bool);

/// Returns the sources of a resource.
fn sources(name: &str, kind: &str, own: Node<'_>, region: &str) -> Vec<Lead> {
    let text = |node: Node<'_>, key: &str| node.get(key).text();
    match kind {
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
        "AWS::Lambda::EventSourceMapping" => {
            let arn = text(own, "EventSourceArn").unwrap_or_default();
            let kind = match arn.split(':').nth(2).unwrap_or_default() {
                "sqs" => SourceKind::Sqs(polled(own, "EventSourceArn")),
                "dynamodb" => SourceKind::DynamoDb(polled(own, "EventSourceArn")),
                "kinesis" => SourceKind::Kinesis(polled(own, "EventSourceArn")),
                // By the names that SAM gives them.
                "kafka" => SourceKind::Other("MSK".to_owned()),
                "mq" => SourceKind::Other("MQ".to_owned()),
                "rds" => SourceKind::Other("DocumentDB".to_owned()),
                "" => SourceKind::Other("EventSourceMapping".to_owned()),
                service => SourceKind::Other(service.to_owned()),
            };
            vec![(text(own, "FunctionName"), kind, is_enabled(own))]
        }
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
        "AWS::Events::Rule" => {
            let targets = own.get("Targets").items().iter();
            let name = text(own, "Name").unwrap_or_else(|| name.to_owned());
            let targets = targets.map(|target| {
                let target = Node(Some(target));
                let pattern = own.get("EventPattern");
                let kind = match pattern.is_absent() {
                    true => SourceKind::Schedule {
                        rule: arn("events", region, &format!("rule/{name}")),
                        expression: text(own, "ScheduleExpression"),
                        input: Input::read(target),
                    },
                    false => of_pattern(pattern, &name, own, target, region),
                };
                (text(target, "Arn"), kind, is_enabled(own))
            });
            targets.collect()
        }
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
        "AWS::Scheduler::Schedule" => {
            let target = own.get("Target");
            let name = text(own, "Name").unwrap_or_else(|| name.to_owned());
            let kind = scheduled(own, target, &name, region);
            vec![(text(target, "Arn"), kind, is_enabled(own))]
        }
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html
        "AWS::SNS::Subscription" if text(own, "Protocol").as_deref() == Some("lambda") => {
            let kind = SourceKind::Sns {
                topic: text(own, "TopicArn"),
                filter: own.get("FilterPolicy").0.map(Value::json_text),
            };
            vec![(text(own, "Endpoint"), kind, true)]
        }
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
        "AWS::SNS::Topic" => {
            let topic = text(own, "TopicName").unwrap_or_else(|| name.to_owned());
            let topic = arn("sns", region, &topic);
            let all = own.get("Subscription").items().iter();
            let all = all.map(|each| Node(Some(each)));
            let all = all.filter(|each| text(*each, "Protocol").as_deref() == Some("lambda"));
            let all = all.map(|each| {
                let kind = SourceKind::Sns {
                    topic: Some(topic.clone()),
                    filter: None,
                };
                (text(each, "Endpoint"), kind, true)
            });
            all.collect()
        }
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-lambdaconfiguration.html
        "AWS::S3::Bucket" => {
            let name = text(own, "BucketName").unwrap_or_else(|| name.to_lowercase());
            let all = own
                .get("NotificationConfiguration")
                .get("LambdaConfigurations");
            let all = all.items().iter().map(|each| {
                let each = Node(Some(each));
                let rules = each.get("Filter").get("S3Key").get("Rules");
                let kind = bucket(Some(name.clone()), each.get("Event"), rules);
                (text(each, "Function"), kind, true)
            });
            all.collect()
        }
        // The CDK's own resource, whose configuration is the one of S3's API:
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_LambdaFunctionConfiguration.html
        "Custom::S3BucketNotifications" => {
            let all = own
                .get("NotificationConfiguration")
                .get("LambdaFunctionConfigurations");
            let all = all.items().iter().map(|each| {
                let each = Node(Some(each));
                let rules = each.get("Filter").get("Key").get("FilterRules");
                let kind = bucket(text(own, "BucketName"), each.get("Events"), rules);
                (text(each, "LambdaFunctionArn"), kind, true)
            });
            all.collect()
        }
        _ => Vec::new(),
    }
}

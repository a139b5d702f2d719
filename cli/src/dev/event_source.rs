//! The event source that has made an event, as its fields show: "Event source" pages of
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html>.

use serde_json::Value;

/// The source of an event, and the request or the records that the event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// The event source, such as `HTTP API` or `SQS`.
    pub source: &'static str,
    /// The method and path of a request, or the number of records; otherwise empty.
    pub what: String,
}

/// Describes an event. One that no known source makes is from `Invoke`.
pub(super) fn describe(event: &[u8]) -> Described {
    let event: Value = serde_json::from_slice(event).unwrap_or_default();
    let (source, what) = http(&event)
        .or_else(|| records(&event))
        .or_else(|| other(&event))
        .unwrap_or_default();
    Described {
        source: if source.is_empty() { "Invoke" } else { source },
        what,
    }
}

type Found = Option<(&'static str, String)>;

fn http(event: &Value) -> Found {
    let context = event.get("requestContext")?;
    if event.get("methodArn").or(event.get("routeArn")).is_some() {
        return None;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let request = |method: &Value, path: &Value| format!("{} {}", text(method), text(path));
    if let Some(http) = context.get("http") {
        let domain = context["domainName"].as_str().unwrap_or_default();
        let source = match domain.contains(".lambda-url.") {
            true => "Function URL",
            false => "HTTP API",
        };
        return Some((source, request(&http["method"], &event["rawPath"])));
    }
    if context.get("serviceArn").is_some() {
        let (method, path) = (&event["method"], &event["path"]);
        return Some(("VPC Lattice", request(method, path)));
    }
    if context.get("connectionId").is_some() {
        return Some(("WebSocket", text(&context["routeKey"])));
    }
    event.get("httpMethod")?;
    let source = match (context.get("elb"), event["version"].as_str()) {
        (Some(_), _) => "ALB",
        (None, Some("1.0")) => "HTTP API",
        (None, _) => "REST API",
    };
    Some((source, request(&event["httpMethod"], &event["path"])))
}

/// Lists of records: a list of all, or a list for each partition of a topic.
fn records(event: &Value) -> Found {
    let count = |count: usize| match count {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    };
    if let Some(records) = event["Records"].as_array() {
        let first = records.first()?;
        let source = first.get("eventSource").or(first.get("EventSource"));
        let source = match source.and_then(Value::as_str) {
            Some("aws:sqs") => "SQS",
            Some("aws:sns") => "SNS",
            Some("aws:s3") => "S3",
            Some("aws:dynamodb") => "DynamoDB",
            Some("aws:kinesis") => "Kinesis",
            Some("aws:ses") => "SES",
            Some("aws:codecommit") => "CodeCommit",
            _ if first.get("cf").is_some() => "CloudFront",
            _ => return None,
        };
        return Some((source, count(records.len())));
    }
    let lists = |key: &str| {
        let lists = event[key].as_object()?.values();
        Some(lists.filter_map(Value::as_array).map(Vec::len).sum())
    };
    if let Some(records) = lists("records") {
        return Some(("Kafka", count(records)));
    }
    if let Some(messages) = lists("rmqMessagesByQueue") {
        return Some(("RabbitMQ", count(messages)));
    }
    if let Some(messages) = event["messages"].as_array()
        && event["eventSource"] == "aws:mq"
    {
        return Some(("ActiveMQ", count(messages.len())));
    }
    let records = event["records"].as_array()?;
    event.get("deliveryStreamArn")?;
    Some(("Firehose", count(records.len())))
}

fn other(event: &Value) -> Found {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    if let (Some(source), Some(detail)) = (text("source"), text("detail-type")) {
        let source = match (source, detail) {
            ("aws.events", "Scheduled Event") => "Schedule",
            _ => "EventBridge",
        };
        return Some((source, detail.to_owned()));
    }
    if let Some(arn) = text("methodArn").or(text("routeArn")) {
        // The last parts are the method and the path.
        let request = arn.splitn(4, '/').skip(2).collect::<Vec<_>>().join(" /");
        return Some(("Authorizer", request));
    }
    if let (Some(trigger), Some(_)) = (text("triggerSource"), text("userPoolId")) {
        return Some(("Cognito", trigger.to_owned()));
    }
    if let (Some(kind), Some(_)) = (text("RequestType"), text("ResponseURL")) {
        return Some(("CloudFormation", kind.to_owned()));
    }
    if event.get("awslogs").is_some() {
        return Some(("CloudWatch Logs", String::new()));
    }
    text("invocationSchemaVersion")?;
    Some(("S3 Batch", String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoke::sample;

    #[test]
    fn every_sample_has_its_event_source() {
        let described = |name: &str| {
            let event = sample::find(name).unwrap().to_string();
            let Described { source, what } = describe(event.as_bytes());
            format!("{name}: {source}: {what}")
        };
        let all: Vec<_> = sample::names().into_iter().map(described).collect();
        assert_eq!(
            all,
            [
                "activemq: ActiveMQ: 1 record",
                "alb: ALB: GET /hello/developer",
                "authorizer-http-api: Authorizer: GET /orders/1",
                "authorizer-request: Authorizer: GET /orders/1",
                "authorizer-token: Authorizer: GET /orders/1",
                "cloudformation: CloudFormation: Create",
                "cloudwatch-logs: CloudWatch Logs: ",
                "codecommit: CodeCommit: 1 record",
                "cognito: Cognito: PreSignUp_SignUp",
                "dynamodb: DynamoDB: 1 record",
                "eventbridge: EventBridge: Order Placed",
                "firehose: Firehose: 1 record",
                "function-url: Function URL: GET /hello/developer",
                "http-api: HTTP API: GET /hello/developer",
                "kafka: Kafka: 1 record",
                "kinesis: Kinesis: 1 record",
                "lattice: VPC Lattice: GET /hello/developer",
                "rabbitmq: RabbitMQ: 1 record",
                "rest: REST API: GET /hello/developer",
                "s3: S3: 1 record",
                "s3-batch: S3 Batch: ",
                "schedule: Schedule: Scheduled Event",
                "ses: SES: 1 record",
                "sns: SNS: 1 record",
                "sqs: SQS: 2 records",
                "websocket: WebSocket: $default"
            ]
        );
    }

    #[test]
    fn any_other_event_is_an_invoke() {
        for event in [
            "",
            "{}",
            "null",
            "[]",
            "\"x\"",
            "{",
            r#"{"Records":[]}"#,
            r#"{"source":1}"#,
        ] {
            let described = describe(event.as_bytes());
            assert_eq!(
                (described.source, &*described.what),
                ("Invoke", ""),
                "{event}"
            );
        }
    }
}

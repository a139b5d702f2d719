//! Reads the `Events` of SAM's functions:
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html>.

use std::time::Duration;

use super::super::value::{Node, Value};
use super::{EventSource, Input, Polled, SourceKind, arn};

/// Reads an event of a function that is not of an API. The second value names a property that only a
/// deployment knows.
pub(in super::super) fn of_event(
    function: &str,
    name: &str,
    event: Node<'_>,
    region: &str,
) -> (EventSource, Option<&'static str>) {
    let kind = event.get("Type").text().unwrap_or_default();
    let own = event.get("Properties");
    let text = |key: &str| own.get(key).text();
    // SAM names the rule or schedule of an event after its function and its event.
    let resource = format!("{function}{name}");
    let (place, kind) = match kind.as_str() {
        "SQS" => ("Queue", SourceKind::Sqs(polled(own, "Queue"))),
        "DynamoDB" => ("Stream", SourceKind::DynamoDb(polled(own, "Stream"))),
        "Kinesis" => ("Stream", SourceKind::Kinesis(polled(own, "Stream"))),
        "SNS" => ("Topic", of_topic(own, &resource, region)),
        "S3" => {
            let rules = own.get("Filter").get("S3Key").get("Rules");
            let kind = bucket(text("Bucket"), own.get("Events"), rules);
            ("Bucket", kind)
        }
        "EventBridgeRule" | "CloudWatchEvent" => {
            let rule = text("RuleName").unwrap_or(resource);
            (
                "Pattern",
                of_pattern(own.get("Pattern"), &rule, own, own, region),
            )
        }
        "Schedule" => {
            let rule = text("Name").unwrap_or(resource);
            let kind = SourceKind::Schedule {
                rule: arn("events", region, &format!("rule/{rule}")),
                expression: text("Schedule"),
                input: Input::read(own),
            };
            ("Schedule", kind)
        }
        "ScheduleV2" => {
            let name = text("Name").unwrap_or(resource);
            ("ScheduleExpression", scheduled(own, own, &name, region))
        }
        other => ("Type", SourceKind::Other(other.to_owned())),
    };
    let source = EventSource {
        name: name.to_owned(),
        kind,
        region: region.to_owned(),
        is_enabled: is_enabled(own),
    };
    (source, own.get(place).intrinsic().map(|_| place))
}

/// Returns whether a source sends events: `Enabled` or `State`.
pub(super) fn is_enabled(own: Node<'_>) -> bool {
    own.get("Enabled").text().as_deref() != Some("false")
        && own.get("State").text().as_deref() != Some("DISABLED")
}

/// Reads the settings of a source that Lambda polls.
pub(super) fn polled(own: Node<'_>, place: &str) -> Polled {
    let number = |key: &str| own.get(key).text()?.parse().ok();
    let window: Option<u32> = number("MaximumBatchingWindowInSeconds");
    let mut responses = own.get("FunctionResponseTypes").texts();
    let filters = own.get("FilterCriteria").get("Filters").items().iter();
    let patterns = filters.filter_map(|filter| filter.get("Pattern"));
    Polled {
        arn: own.get(place).text(),
        batch_size: number("BatchSize"),
        window: window.map(|seconds| Duration::from_secs(seconds.into())),
        reports_item_failures: responses.any(|kind| kind == "ReportBatchItemFailures"),
        filters: patterns.map(Value::json_text).collect(),
    }
}

/// Reads a topic. With `SqsSubscription` the function gets the events of a queue:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-sns.html>.
fn of_topic(own: Node<'_>, resource: &str, region: &str) -> SourceKind {
    let queue = own.get("SqsSubscription");
    let is_queued = match queue.0 {
        Some(Value::Map(_)) => true,
        _ => queue.text().as_deref() == Some("true"),
    };
    if is_queued {
        let mut polled = polled(queue, "QueueArn");
        // SAM adds the queue, with a batch size of 10 for either.
        let topic = own.get("Topic").text().unwrap_or_default();
        let fifo = if topic.ends_with(".fifo") {
            ".fifo"
        } else {
            ""
        };
        let added = || arn("sqs", region, &format!("{resource}Queue{fifo}"));
        polled.arn = polled.arn.or_else(|| Some(added()));
        polled.batch_size = polled.batch_size.or(Some(10));
        return SourceKind::Sqs(polled);
    }
    SourceKind::Sns {
        topic: own.get("Topic").text(),
        filter: own.get("FilterPolicy").0.map(Value::json_text),
    }
}

/// Reads the events of a bucket, and the rules for the keys of its objects.
pub(super) fn bucket(bucket: Option<String>, events: Node<'_>, rules: Node<'_>) -> SourceKind {
    let rule = |name: &str| {
        let mut rules = rules.items().iter().map(|rule| Node(Some(rule)));
        // S3 takes the names in any case.
        let is_named = |rule: &Node<'_>| {
            let text = rule.get("Name").text();
            text.is_some_and(|text| text.eq_ignore_ascii_case(name))
        };
        let rule = rules.find(is_named).unwrap_or(Node(None));
        rule.get("Value").text().unwrap_or_default()
    };
    let one = events.text().into_iter();
    SourceKind::S3 {
        bucket,
        events: one.chain(events.texts().map(str::to_owned)).collect(),
        prefix: rule("prefix"),
        suffix: rule("suffix"),
    }
}

/// Reads a rule with a pattern.
pub(super) fn of_pattern(
    pattern: Node<'_>,
    name: &str,
    rule: Node<'_>,
    target: Node<'_>,
    region: &str,
) -> SourceKind {
    let bus = rule.get("EventBusName").text();
    let bus = bus.filter(|bus| bus != "default");
    let path = match &bus {
        Some(bus) => format!("rule/{}/{name}", bus.rsplit('/').next().unwrap_or_default()),
        None => format!("rule/{name}"),
    };
    SourceKind::EventBridge {
        rule: arn("events", region, &path),
        bus,
        pattern: pattern.0.map(Value::json_text),
        input: Input::read(target),
    }
}

/// Reads a schedule of EventBridge Scheduler.
pub(super) fn scheduled(own: Node<'_>, target: Node<'_>, name: &str, region: &str) -> SourceKind {
    let group = own.get("GroupName").text();
    let group = group.unwrap_or_else(|| "default".to_owned());
    SourceKind::Schedule {
        rule: arn("scheduler", region, &format!("schedule/{group}/{name}")),
        expression: own.get("ScheduleExpression").text(),
        input: Input::read(target),
    }
}

//! The event sources of functions that are not HTTP: queues, topics, buckets, buses, schedules and
//! streams, and the events that they send.

mod bridge;
mod event;
mod input;
mod read;
mod resources;

use std::time::Duration;

use serde_json::Value as Json;

use crate::account::ACCOUNT;

use super::intrinsics::url_suffix;
pub use input::Input;
pub(super) use read::of_event;
pub(super) use resources::add;

/// An event source of a function, other than an API or a function URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSource {
    /// The name of the event in the function's `Events`, or of the resource that leads to the
    /// function.
    pub name: String,
    /// The service with its settings.
    pub kind: SourceKind,
    /// The region of the source.
    pub region: String,
    /// Whether the source sends events after a deployment.
    pub is_enabled: bool,
}

/// The service of an event source. A value that only a deployment knows is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A queue of SQS.
    Sqs(Polled),
    /// A stream of a DynamoDB table.
    DynamoDb(Polled),
    /// A stream of Kinesis.
    Kinesis(Polled),
    /// A topic of SNS.
    Sns {
        /// The ARN of the topic.
        topic: Option<String>,
        /// `FilterPolicy`.
        filter: Option<Json>,
    },
    /// A bucket of S3.
    S3 {
        /// The name of the bucket.
        bucket: Option<String>,
        /// The kinds of events, such as `s3:ObjectCreated:*`.
        events: Vec<String>,
        /// The start of the keys of its objects.
        prefix: String,
        /// The end of the keys of its objects.
        suffix: String,
    },
    /// A rule of EventBridge with a pattern.
    EventBridge {
        /// The ARN of the rule.
        rule: String,
        /// `EventBusName`, if it is not the default bus.
        bus: Option<String>,
        /// The pattern of its events.
        pattern: Option<Json>,
        /// The part of the event that the function gets.
        input: Input,
    },
    /// A rule of EventBridge with a schedule, or a schedule of EventBridge Scheduler.
    Schedule {
        /// The ARN of the rule or schedule.
        rule: String,
        /// When it sends events, such as `rate(1 hour)`.
        expression: Option<String>,
        /// The part of the event that the function gets.
        input: Input,
    },
    /// Another type of event, by its name in the template or its service.
    Other(String),
}

/// The settings of a source that Lambda polls:
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// The ARN of the queue or stream.
    pub arn: Option<String>,
    /// `BatchSize`: the most records of an event.
    pub batch_size: Option<u32>,
    /// `MaximumBatchingWindowInSeconds`.
    pub window: Option<Duration>,
    /// Whether `FunctionResponseTypes` has `ReportBatchItemFailures`.
    pub reports_item_failures: bool,
    /// The patterns of `FilterCriteria`. A record that matches one of them is sent.
    pub filters: Vec<Json>,
}

impl SourceKind {
    /// Returns the name of the service or of the type.
    pub fn name(&self) -> &str {
        match self {
            Self::Sqs(_) => "SQS",
            Self::DynamoDb(_) => "DynamoDB",
            Self::Kinesis(_) => "Kinesis",
            Self::Sns { .. } => "SNS",
            Self::S3 { .. } => "S3",
            Self::EventBridge { .. } => "EventBridge",
            Self::Schedule { .. } => "Schedule",
            Self::Other(name) => name,
        }
    }
}

impl EventSource {
    /// Returns the name of the sample event of this kind, such as `sqs`.
    pub fn sample(&self) -> Option<&'static str> {
        Some(match &self.kind {
            SourceKind::Sqs(_) => "sqs",
            SourceKind::DynamoDb(_) => "dynamodb",
            SourceKind::Kinesis(_) => "kinesis",
            SourceKind::Sns { .. } => "sns",
            SourceKind::S3 { .. } => "s3",
            SourceKind::EventBridge { .. } => "eventbridge",
            SourceKind::Schedule { .. } => "schedule",
            SourceKind::Other(name) if name == "Cognito" => "cognito",
            SourceKind::Other(_) => return None,
        })
    }

    /// Returns the ARN of the queue, stream, topic, bucket, rule or schedule.
    pub fn arn(&self) -> Option<String> {
        match &self.kind {
            SourceKind::Sqs(polled)
            | SourceKind::DynamoDb(polled)
            | SourceKind::Kinesis(polled) => polled.arn.clone(),
            SourceKind::Sns { topic, .. } => topic.clone(),
            SourceKind::S3 { bucket, .. } => {
                let partition = super::intrinsics::partition(&self.region);
                Some(format!("arn:{partition}:s3:::{}", bucket.as_ref()?))
            }
            SourceKind::EventBridge { rule, .. } | SourceKind::Schedule { rule, .. } => {
                Some(rule.clone())
            }
            SourceKind::Other(_) => None,
        }
    }

    /// Returns the URL of a queue.
    pub fn queue_url(&self) -> Option<String> {
        let SourceKind::Sqs(polled) = &self.kind else {
            return None;
        };
        // arn:aws:sqs:us-east-1:123456789012:name
        let mut parts = polled.arn.as_ref()?.split(':').skip(3);
        let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
        let suffix = url_suffix(region);
        Some(format!("https://sqs.{region}.{suffix}/{account}/{name}"))
    }
}

/// Returns the ARN of a rule of EventBridge or a schedule, which has the name `name` in its service.
fn arn(service: &str, region: &str, resource: &str) -> String {
    let partition = super::intrinsics::partition(region);
    format!("arn:{partition}:{service}:{region}:{ACCOUNT}:{resource}")
}

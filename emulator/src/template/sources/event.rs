//! The events of a source: a sample event with the source's own values.

use serde_json::{Map, Value as Json, json};

use super::bridge;
use super::{EventSource, SourceKind};

impl EventSource {
    /// Returns an event of this source, from a sample event of its kind: with the source's ARN, bucket
    /// or pattern, or with the `Input` of a rule or schedule in its place.
    pub fn event(&self, mut sample: Json) -> Json {
        match &self.kind {
            SourceKind::Sqs(polled)
            | SourceKind::DynamoDb(polled)
            | SourceKind::Kinesis(polled) => {
                for record in records(&mut sample) {
                    if let Some(arn) = &polled.arn {
                        set(record, "eventSourceARN", arn);
                        set(record, "awsRegion", region_of(arn).unwrap_or(&self.region));
                    }
                }
                sample
            }
            SourceKind::Sns { topic, .. } => {
                let topic = topic.as_deref();
                for record in records(&mut sample) {
                    let Some(topic) = topic else { continue };
                    let known = record.get("EventSubscriptionArn").and_then(Json::as_str);
                    let id = known.and_then(|arn| arn.rsplit(':').next());
                    let id = id.unwrap_or("subscription").to_owned();
                    set(record, "EventSubscriptionArn", &format!("{topic}:{id}"));
                    if let Some(message) = object(record, "Sns") {
                        set(message, "TopicArn", topic);
                    }
                }
                sample
            }
            SourceKind::S3 {
                bucket,
                events,
                prefix,
                suffix,
            } => {
                let bucket = bucket.as_deref();
                for record in records(&mut sample) {
                    set(record, "awsRegion", &self.region);
                    let known = record.get("eventName").and_then(Json::as_str);
                    if let Some(name) = event_name(known.unwrap_or_default(), events) {
                        set(record, "eventName", &name);
                    }
                    let Some(s3) = object(record, "s3") else {
                        continue;
                    };
                    if let (Some(name), Some(known)) = (bucket, object(s3, "bucket")) {
                        set(known, "name", name);
                        let arn = self.arn().unwrap_or_default();
                        set(known, "arn", &arn);
                    }
                    if let Some(object) = object(s3, "object") {
                        let key = object.get("key").and_then(Json::as_str);
                        let key = key_between(key.unwrap_or_default(), prefix, suffix);
                        set(object, "key", &key);
                    }
                }
                sample
            }
            SourceKind::EventBridge {
                rule,
                pattern,
                input,
                ..
            } => {
                if let Some(event) = sample.as_object_mut() {
                    set(event, "region", &self.region);
                    if let Some(pattern) = pattern {
                        bridge::fulfil(pattern, event);
                    }
                }
                input.of(sample, rule)
            }
            SourceKind::Schedule { rule, input, .. } => {
                if let Some(event) = sample.as_object_mut() {
                    set(event, "region", &self.region);
                    event.insert("resources".to_owned(), json!([rule]));
                    // Scheduler's own event differs from the one of a rule, also in its detail.
                    if rule.contains(":scheduler:") {
                        set(event, "source", "aws.scheduler");
                        set(event, "detail", "{}");
                    }
                }
                input.of(sample, rule)
            }
            SourceKind::Other(_) => sample,
        }
    }
}

fn records(sample: &mut Json) -> impl Iterator<Item = &mut Map<String, Json>> {
    let records = sample.get_mut("Records").and_then(Json::as_array_mut);
    let records = records.into_iter().flatten();
    records.filter_map(Json::as_object_mut)
}

fn object<'a>(of: &'a mut Map<String, Json>, key: &str) -> Option<&'a mut Map<String, Json>> {
    of.get_mut(key)?.as_object_mut()
}

fn set(object: &mut Map<String, Json>, key: &str, value: &str) {
    object.insert(key.to_owned(), Json::String(value.to_owned()));
}

/// Returns the region of an ARN.
fn region_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|region| !region.is_empty())
}

/// Returns a name of an event that a bucket sends, unless it sends the one of the sample:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html>.
fn event_name(sample: &str, events: &[String]) -> Option<String> {
    let mut names = events.iter().map(|event| {
        let name = event.strip_prefix("s3:").unwrap_or(event);
        name.strip_suffix('*')
            .map_or((name, false), |name| (name, true))
    });
    let is_sent = |(name, any): (&str, bool)| match any {
        true => sample.starts_with(name),
        false => sample == name,
    };
    if names.clone().any(is_sent) {
        return None;
    }
    let (name, any) = names.next()?;
    let last = match name {
        _ if !any => "",
        "ObjectRemoved:" | "LifecycleExpiration:" => "Delete",
        "ObjectRestore:" => "Completed",
        "Replication:" => "OperationFailedReplication",
        _ => "Put",
    };
    Some(format!("{name}{last}"))
}

/// Returns a key with this prefix and suffix.
fn key_between(sample: &str, prefix: &str, suffix: &str) -> String {
    let key = match sample.starts_with(prefix) {
        true => sample.to_owned(),
        false => format!("{prefix}{}", sample.rsplit('/').next().unwrap_or_default()),
    };
    if key.ends_with(suffix) {
        return key;
    }
    let stem = match key.rsplit_once('.') {
        Some((stem, _)) if suffix.starts_with('.') && stem.len() >= prefix.len() => stem,
        _ => &key,
    };
    format!("{stem}{suffix}")
}

//! The queues of SQS whose messages functions get, as Lambda polls them:
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_emulator::{Function, Functions, Invocation, Outcome, Polled, SourceKind};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::filter;
use super::functions::LocalFunctions;
use crate::deploy::connection::Connection;
use crate::deploy::failure::causes;

/// The most messages that a request for messages returns, and the longest wait for them:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.
const MOST_RECEIVED: u32 = 10;
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The batch size of a queue without one.
const BATCH_SIZE: u32 = 10;

/// The pause after SQS refuses a request.
const PAUSE: Duration = Duration::from_secs(5);

/// A queue with the function that gets its messages.
struct Queue {
    client: Client,
    url: String,
    function: Function,
    settings: Polled,
}

/// Polls the queues of functions, as long as the future is polled. Returns if no function has a queue.
///
/// # Errors
///
/// Returns an error if a queue cannot be found.
pub(super) async fn poll(known: &[Function], functions: &Arc<LocalFunctions>) -> Result<()> {
    let mut queues = Vec::new();
    for function in known {
        for source in &function.sources {
            if let SourceKind::Sqs(settings) = &source.kind
                && let Some(arn) = &settings.arn
            {
                queues.push((arn.clone(), function.clone(), settings.clone()));
            }
        }
    }
    if queues.is_empty() {
        super::log("--poll: no function of the template has a queue");
        return Ok(());
    }
    let config = Connection::default().load().await?;
    let client = Client::new(&config);
    let mut polls = JoinSet::new();
    for (arn, function, settings) in queues {
        let name = arn.rsplit(':').next().unwrap_or_default();
        let found = client.get_queue_url().queue_name(name).send().await;
        let found = found.map_err(|error| anyhow::anyhow!("{}", causes(&error)));
        let found = found
            .with_context(|| format!("the queue {name} of {} cannot be found", function.name))?;
        let url = found.queue_url.unwrap_or_default();
        super::log(&format!(
            "{}: messages of {url} are received",
            function.name
        ));
        let queue = Queue {
            client: client.clone(),
            url,
            function,
            settings,
        };
        polls.spawn(queue.poll(functions.clone()));
    }
    polls.join_all().await;
    Ok(())
}

impl Queue {
    async fn poll(self, functions: Arc<LocalFunctions>) {
        loop {
            match self.receive().await {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => {
                    let done = self.invoke(&functions, &messages).await;
                    self.delete(&messages, &done).await;
                }
                Err(why) => {
                    self.log(&format!("messages cannot be received: {why}"));
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Returns the messages of a batch: as many as there are, or, with a window, those that come within it.
    async fn receive(&self) -> Result<Vec<Message>, String> {
        let most = self.settings.batch_size.unwrap_or(BATCH_SIZE).max(1);
        let mut messages = self.receive_some(most, LONGEST_WAIT).await?;
        let window = self.settings.window.unwrap_or_default();
        let until = Instant::now() + window;
        while !messages.is_empty() && messages.len() < most as usize {
            let left = until.saturating_duration_since(Instant::now());
            let more = most - messages.len() as u32;
            let received = match self.receive_some(more, left).await {
                Ok(received) => received,
                Err(why) => {
                    // Those that have come are the batch.
                    self.log(&format!("messages cannot be received: {why}"));
                    break;
                }
            };
            if received.is_empty() && Instant::now() + Duration::from_secs(1) >= until {
                break;
            }
            messages.extend(received);
        }
        Ok(messages)
    }

    async fn receive_some(&self, most: u32, wait: Duration) -> Result<Vec<Message>, String> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .max_number_of_messages(most.min(MOST_RECEIVED) as i32)
            .wait_time_seconds(wait.min(LONGEST_WAIT).as_secs() as i32);
        match request.send().await {
            Ok(received) => Ok(received.messages.unwrap_or_default()),
            Err(error) => Err(causes(&error)),
        }
    }

    /// Invokes the function with the messages that its filters let through. Returns the ids of the messages that are done with.
    async fn invoke(&self, functions: &LocalFunctions, messages: &[Message]) -> BTreeSet<String> {
        let region = &self.function.region;
        let arn = self.settings.arn.as_deref().unwrap_or_default();
        let filters = &self.settings.filters;
        let records = messages.iter().map(|message| record(message, arn, region));
        let records = records.filter(|record| filter::lets_through(filters, record, "body"));
        let records: Vec<_> = records.collect();
        let ids = |record: &Value| record["messageId"].as_str().map(str::to_owned);
        let sent: BTreeSet<_> = records.iter().filter_map(ids).collect();
        let failed = match sent.is_empty() {
            true => BTreeSet::new(),
            false => self.send(functions, records, &sent).await,
        };
        if !failed.is_empty() {
            self.log(&format!(
                "{} of {} messages have failed: they come again after the visibility timeout of the queue",
                failed.len(),
                sent.len()
            ));
        }
        let all = messages.iter();
        let all = all.filter_map(|message| message.message_id.clone());
        all.filter(|id| !failed.contains(id)).collect()
    }

    /// Sends records to the function, and returns the ids of those that have failed.
    async fn send(
        &self,
        functions: &LocalFunctions,
        records: Vec<Value>,
        sent: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        let event = json!({ "Records": records });
        let invocation = Invocation::new(event.to_string())
            .timeout(self.function.timeout)
            .function_arn(&self.function.arn());
        let name = &self.function.name;
        let outcome = functions.invoke(name, invocation, None).await;
        match outcome.collect().await {
            Outcome::Response(post) if self.settings.reports_item_failures => {
                failures(&post.body, sent)
            }
            Outcome::Response(_) => BTreeSet::new(),
            _ => sent.clone(),
        }
    }

    async fn delete(&self, messages: &[Message], done: &BTreeSet<String>) {
        let entries: Vec<_> = messages
            .iter()
            .filter_map(|message| {
                let id = message
                    .message_id
                    .as_ref()
                    .filter(|id| done.contains(*id))?;
                let entry = DeleteMessageBatchRequestEntry::builder().id(id);
                entry
                    .receipt_handle(message.receipt_handle.as_ref()?)
                    .build()
                    .ok()
            })
            .collect();
        for entries in entries.chunks(MOST_RECEIVED as usize) {
            let request = self.client.delete_message_batch().queue_url(&self.url);
            let deleted = request.set_entries(Some(entries.to_vec())).send().await;
            let why = match deleted {
                Ok(deleted) => {
                    let failed = deleted.failed.iter().map(|entry| entry.code.as_str());
                    failed.collect::<Vec<_>>().join(", ")
                }
                Err(error) => causes(&error),
            };
            if !why.is_empty() {
                self.log(&format!(
                    "messages cannot be deleted, and come again: {why}"
                ));
            }
        }
    }

    fn log(&self, what: &str) {
        super::log(&format!("{}: {what}", self.function.name));
    }
}

/// Returns the record of a message: "Example standard queue message event" on the page above.
fn record(message: &Message, arn: &str, region: &str) -> Value {
    let system = message.attributes.iter().flatten();
    let system: BTreeMap<_, _> = system.map(|(name, value)| (name.as_str(), value)).collect();
    let own = message.message_attributes.iter().flatten();
    let own: Map<_, _> = own
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect();
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": system,
        "messageAttributes": own,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    })
}

fn attribute(value: &MessageAttributeValue) -> Value {
    let binary = value.binary_value.as_ref();
    let mut attribute = json!({
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.data_type,
    });
    if let Some(text) = &value.string_value {
        attribute["stringValue"] = text.as_str().into();
    }
    if let Some(bytes) = binary {
        attribute["binaryValue"] = STANDARD.encode(bytes).into();
    }
    attribute
}

/// Returns the ids of the messages that a response reports as failed. A response that is malformed, or that has an id that was
/// not sent, stands for all: "Implementing partial batch responses" of
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.
fn failures(response: &[u8], all: &BTreeSet<String>) -> BTreeSet<String> {
    let response = match response {
        b"" => Ok(Value::Null),
        response => serde_json::from_slice(response),
    };
    let failures = match &response {
        Ok(Value::Null) => return BTreeSet::new(),
        Ok(Value::Object(response)) => match response.get("batchItemFailures") {
            None | Some(Value::Null) => return BTreeSet::new(),
            Some(failures) => failures.as_array(),
        },
        _ => None,
    };
    let Some(failures) = failures else {
        return all.clone();
    };
    let ids = failures
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().map(str::to_owned));
    match ids.collect::<Option<BTreeSet<_>>>() {
        Some(ids) if ids.is_subset(all) => ids,
        _ => all.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_names_the_messages_that_have_failed() {
        let all = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let failed = |response: &str| {
            let failed = failures(response.as_bytes(), &all);
            failed.into_iter().collect::<Vec<_>>()
        };
        for response in [
            "",
            "null",
            "{}",
            r#"{"batchItemFailures": null}"#,
            r#"{"batchItemFailures": []}"#,
        ] {
            assert!(failed(response).is_empty(), "{response}");
        }
        let one = r#"{"batchItemFailures": [{"itemIdentifier": "b"}]}"#;
        assert_eq!(failed(one), ["b"]);
        for response in [
            "{",
            "\"text\"",
            r#"{"batchItemFailures": "b"}"#,
            r#"{"batchItemFailures": [{"itemIdentifier": "c"}]}"#,
            r#"{"batchItemFailures": [{"itemIdentifier": ""}]}"#,
            r#"{"batchItemFailures": [{"itemIdentifier": null}]}"#,
            r#"{"batchItemFailures": [{"id": "b"}]}"#,
        ] {
            assert_eq!(failed(response), ["a", "b"], "{response}");
        }
    }
}

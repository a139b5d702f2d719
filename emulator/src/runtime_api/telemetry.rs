//! Lambda's side of the Telemetry API, on the same port as the Runtime API:
//! <https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html>.
//!
//! Subscribers get the logs and the events `platform.start`, `platform.runtimeDone`,
//! `platform.report` and `platform.logsDropped`, over HTTP.

mod delivery;
pub(super) mod events;
pub(super) mod routes;
mod subscription;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::RuntimeApi;
use delivery::Message;
use events::Finished;

/// A stream of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stream {
    Platform,
    Function,
    Extension,
}

/// The writer of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// The runtime's process.
    Function,
    /// An extension.
    Extension,
}

/// The subscribers, and the telemetry that they get later.
#[derive(Default)]
pub(super) struct Telemetry {
    subscribers: Vec<Subscriber>,
    /// The telemetry of the init phase, which later subscribers get too.
    early: Vec<(Stream, String)>,
    /// Whether the init phase is over.
    is_closed: bool,
    /// The invocations that are not reported yet.
    finished: Vec<Finished>,
    /// Returns the most memory that the environment has used, in MB.
    meter: Option<Box<dyn Fn() -> Option<u64> + Send + Sync>>,
}

struct Subscriber {
    extension: String,
    streams: Vec<Stream>,
    sender: mpsc::Sender<Message>,
    lost_records: usize,
    lost_bytes: usize,
}

impl RuntimeApi {
    /// Returns a function that takes the lines of a log, for the extensions that have subscribed to it.
    pub fn log_sink(&self, source: LogSource) -> impl Fn(&[u8]) + Send + Sync + use<> {
        let shared = self.shared.clone();
        let (stream, kind) = match source {
            LogSource::Function => (Stream::Function, "function"),
            LogSource::Extension => (Stream::Extension, "extension"),
        };
        move |lines| {
            if lines.is_empty() || !shared.borrow().telemetry.is_wanted() {
                return;
            }
            let lines = String::from_utf8_lossy(lines);
            shared.send_modify(|state| {
                for line in lines.lines() {
                    state.telemetry.publish(stream, kind, line.into());
                }
            });
        }
    }

    /// Sets the function that returns the most memory that the environment has used, in MB, for
    /// `platform.report`. It must not call this Runtime API.
    pub fn measure_memory(&self, meter: impl Fn() -> Option<u64> + Send + Sync + 'static) {
        self.shared
            .send_modify(|state| state.telemetry.meter = Some(Box::new(meter)));
    }
}

impl Telemetry {
    /// Returns whether there is a subscriber, or may be one.
    fn is_wanted(&self) -> bool {
        !self.is_closed || !self.subscribers.is_empty()
    }

    /// Adds an extension's subscription, in the place of its last one.
    fn subscribe(
        &mut self,
        extension: String,
        streams: Vec<Stream>,
        sender: mpsc::Sender<Message>,
    ) {
        self.subscribers
            .retain(|other| other.extension != extension);
        let mut subscriber = Subscriber {
            extension,
            streams,
            sender,
            lost_records: 0,
            lost_bytes: 0,
        };
        for (stream, record) in &self.early {
            subscriber.send(*stream, record);
        }
        self.subscribers.push(subscriber);
    }

    /// Gives an event to its subscribers.
    fn publish(&mut self, stream: Stream, kind: &str, record: Value) {
        if !self.is_wanted() {
            return;
        }
        let event = event(kind, record);
        for subscriber in &mut self.subscribers {
            subscriber.send(stream, &event);
        }
        if !self.is_closed {
            self.early.push((stream, event));
        }
    }

    /// Notes the end of the init phase, after which there are no new subscribers.
    fn close(&mut self) {
        self.is_closed = true;
        self.early = Vec::new();
    }

    /// Delivers all telemetry without waiting for more.
    pub fn flush(&self) {
        for subscriber in &self.subscribers {
            // If its queue is full, a batch is under way.
            drop(subscriber.sender.try_send(Message::Flush));
        }
    }
}

impl Subscriber {
    fn send(&mut self, stream: Stream, event: &str) {
        if !self.streams.contains(&stream) {
            return;
        }
        if self.lost_records > 0 {
            let dropped = json!({
                "droppedRecords": self.lost_records,
                "droppedBytes": self.lost_bytes,
                "reason": "The extension takes telemetry more slowly than it is produced.",
            });
            let dropped = self::event("platform.logsDropped", dropped);
            if self.sender.try_send(Message::Event(dropped)).is_ok() {
                (self.lost_records, self.lost_bytes) = (0, 0);
            }
        }
        let sent = self.sender.try_send(Message::Event(event.to_owned()));
        if let Err(TrySendError::Full(_)) = sent {
            self.lost_records += 1;
            self.lost_bytes += event.len();
        }
    }
}

/// Returns an event as JSON: "Lambda Telemetry API Event schema reference" in AWS's guide,
/// <https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html>.
fn event(kind: &str, record: Value) -> String {
    let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    json!({ "time": time.to_string(), "type": kind, "record": record }).to_string()
}

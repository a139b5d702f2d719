//! The events of invocations.

use std::time::Instant;

use serde_json::{Value, json};

use super::Stream;
use crate::runtime_api::state::{OpenEvent, State};
use crate::runtime_api::{End, Outcome};

/// The header with the type of a function's error.
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// An invocation that the runtime has finished.
pub(super) struct Finished {
    /// The members that all its events have.
    record: Value,
    begun: Instant,
}

/// The result of an invocation, for telemetry.
pub(in crate::runtime_api) struct Status {
    name: &'static str,
    error_type: Option<String>,
    produced_bytes: Option<usize>,
}

impl Status {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            error_type: None,
            produced_bytes: None,
        }
    }

    /// Returns the status of an invocation with this outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Response(post) => Self {
                produced_bytes: Some(post.body.len()),
                ..Self::new("success")
            },
            Outcome::Error(post) => Self {
                error_type: post.header(ERROR_TYPE).map(str::to_owned),
                ..Self::new("error")
            },
            Outcome::TimedOut => Self::new("timeout"),
            Outcome::ExtensionFailed(failure) => Self {
                error_type: Some(failure.kind.clone()),
                ..Self::new("failure")
            },
            _ => Self::new("failure"),
        }
    }

    /// Returns the status of an invocation whose streamed response has ended.
    pub fn of_stream(end: &End) -> Self {
        match end {
            End::Complete => Self::new("success"),
            End::Failed(post) => Self::of(&Outcome::Error(post.clone())),
            End::TimedOut => Self::new("timeout"),
            End::Cut | End::Lost(_) => Self::new("failure"),
        }
    }
}

impl State {
    /// Publishes that a runtime has got an event.
    pub fn publish_start(&mut self, request_id: &str, open: &OpenEvent) {
        if !self.telemetry.is_wanted() {
            return;
        }
        let mut record = json!({ "requestId": request_id, "version": "$LATEST" });
        add_trace(&mut record, open);
        let telemetry = &mut self.telemetry;
        telemetry.publish(Stream::Platform, "platform.start", record);
    }

    /// Publishes that a runtime has finished an event.
    pub fn publish_done(&mut self, request_id: &str, open: &OpenEvent, status: Status) {
        if !self.telemetry.is_wanted() {
            return;
        }
        let mut record = json!({ "requestId": request_id, "status": status.name });
        if let Some(error_type) = status.error_type {
            record["errorType"] = error_type.into();
        }
        add_trace(&mut record, open);
        self.telemetry.finished.push(Finished {
            record: record.clone(),
            begun: open.begun,
        });
        record["metrics"] = json!({ "durationMs": milliseconds(open.begun) });
        if let Some(bytes) = status.produced_bytes {
            record["metrics"]["producedBytes"] = bytes.into();
        }
        let telemetry = &mut self.telemetry;
        telemetry.publish(Stream::Platform, "platform.runtimeDone", record);
    }

    /// Publishes the reports of finished events if the environment is ready for the next one.
    pub fn publish_reports_if_ready(&mut self) {
        if self.waiting > 0 && self.extensions.are_ready() {
            self.publish_reports();
            self.telemetry.close();
        }
    }

    /// Publishes the reports of finished events.
    pub fn publish_reports(&mut self) {
        for Finished { mut record, begun } in std::mem::take(&mut self.telemetry.finished) {
            let duration = milliseconds(begun);
            record["metrics"] = json!({
                "durationMs": duration,
                "billedDurationMs": duration.ceil() as u64,
                "memorySizeMB": self.function.memory_mb,
            });
            let used = self.telemetry.meter.as_ref().and_then(|meter| meter());
            if let Some(used) = used {
                record["metrics"]["maxMemoryUsedMB"] = used.into();
            }
            let telemetry = &mut self.telemetry;
            telemetry.publish(Stream::Platform, "platform.report", record);
        }
    }
}

fn add_trace(record: &mut Value, open: &OpenEvent) {
    if let Some(Ok(trace)) = open.trace.as_ref().map(|trace| trace.to_str()) {
        record["tracing"] = json!({ "type": "X-Amzn-Trace-Id", "value": trace });
    }
}

fn milliseconds(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 100_000.0).round() / 100.0
}

//! The log as an observer: the lines about invocations and their requests.

use std::time::Duration;

use serde_json::Value;

use super::{
    InvocationBegun, InvocationFailed, NextInstanceFailed, Observer, RequestBegun, RequestDenied,
    RequestEnded, RequestId, RequestOutcome,
};
use crate::log::{Field, Level, Log};
use crate::timeline::MAX_LOG_WAIT;

impl Observer for Log {
    fn times_requests(&self) -> bool {
        self.writes(Level::Warn)
    }

    fn invocation_begun(&self, event: &InvocationBegun<'_>) {
        if !event.invocation.deadline.is_known {
            self.host(
                Level::Warn,
                Some(&event.invocation.id),
                "the deadline (Lambda-Runtime-Deadline-Ms) is invalid: assuming 15 minutes",
            );
        }
    }

    fn next_instance_failed(&self, event: &NextInstanceFailed<'_>) {
        let level = match event.is_late {
            true => Level::Debug,
            false => Level::Warn,
        };
        let fields = [duration(event.since.elapsed())];
        self.failure(level, None, event.failure, &fields);
    }

    fn request_begun(&self, event: &RequestBegun<'_>) {
        if let Some(why) = event.unsigned {
            let origin = event.request.origin;
            let line = format!("a request to {origin} is not signed: {why}");
            write_once(&event.request, &line);
        }
    }

    fn request_denied(&self, event: &RequestDenied<'_>) {
        let (origin, why) = (event.request.origin, event.why);
        let line = format!("a request to {origin} was denied: {why}");
        write_once(&event.request, &line);
    }

    fn request_ended(&self, event: &RequestEnded<'_>) {
        let RequestOutcome::Failed {
            cause: Some(cause), ..
        } = event.outcome
        else {
            return;
        };
        let request = &event.request;
        let line = format!("a request to {} could not be sent: {cause}", request.origin);
        let took = event.since.map(|since| duration(since.elapsed()));
        let fields: Vec<Field> = [origin(request)].into_iter().chain(took).collect();
        request.output.host(Level::Warn, &line, &fields);
    }

    fn invocation_failed(&self, event: &InvocationFailed<'_>) {
        let (invocation, failure) = (event.invocation, event.failure);
        let fields = [duration(invocation.began.elapsed())];
        match event.output {
            Some(output) => output.failure(Level::Error, failure, &fields),
            None => {
                let log = match event.is_stuck {
                    true => self.waiting_at_most(MAX_LOG_WAIT),
                    false => *self,
                };
                log.failure(Level::Error, Some(&invocation.id), failure, &fields);
            }
        }
    }
}

fn write_once(request: &RequestId<'_>, line: &str) {
    let fields = [origin(request)];
    request.output.host_once(Level::Warn, line, &fields);
}

fn origin(request: &RequestId<'_>) -> Field {
    ("origin", request.origin.to_string().into())
}

fn duration(took: Duration) -> Field {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    ("durationMs", Value::from(millis))
}

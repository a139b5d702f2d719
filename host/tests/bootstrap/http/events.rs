//! Events that are no HTTP requests, for components that take requests only.

use serde_json::Value;

use super::{BOTH, start};
use crate::aws_events::sample;

#[test]
fn an_event_is_posted_to_events_and_the_body_is_the_answer() {
    for event in [
        "{\"a\": [1]}".to_owned(),
        "[]".to_owned(),
        sample("sqs-event"),
        sample("s3-event"),
    ] {
        let host = start("http_wstd");
        let answer = host.invoke(event.clone()).response();
        assert_eq!(answer.text(), event);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        host.finish();
    }
}

#[test]
fn what_is_no_json_is_no_event() {
    for name in BOTH {
        let host = start(name);
        let error: Value = host.invoke("{").error().json();
        assert_eq!(error["errorType"], "Runtime.InvalidEvent", "{name}");
        host.finish();
    }
}

//! Asynchronous invocations: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Functions, invoke_api};
use crate::{Function, Invocation, Outcome, function_name};

/// The pause before the first retry, and half of the one before the second. Lambda waits a minute, and two.
const PAUSE: Duration = Duration::from_secs(1);

/// An event that no client waits for.
#[derive(Clone)]
pub(super) struct Event {
    pub function: Function,
    pub invocation: Invocation,
    pub payload: Bytes,
    pub request_id: String,
}

/// Invokes a function until it does not fail, as often as Lambda does, and sends a record of the end to its destination.
///
/// A destination that is a function of `functions` is invoked. What would go elsewhere is a note.
pub(super) async fn deliver<F: Functions>(functions: Arc<F>, event: Event) {
    let settings = &event.function.asynchronous;
    let (name, id) = (&event.function.name, &event.request_id);
    let most = settings.retries + 1;
    let mut attempt = 1;
    let outcome = loop {
        let outcome = functions.invoke(name, event.invocation.clone(), None).await;
        let outcome = outcome.collect().await;
        if matches!(outcome, Outcome::Response(_)) || attempt == most {
            break outcome;
        }
        let pause = PAUSE * attempt;
        functions.note(
            name,
            id,
            &format!(
                "attempt {attempt} of {most} of an asynchronous invocation has failed: the next is in {} s (on Lambda in {attempt} min)",
                pause.as_secs()
            ),
        );
        sleep(pause).await;
        attempt += 1;
    };
    let succeeded = matches!(outcome, Outcome::Response(_));
    let destination = match succeeded {
        true => &settings.on_success,
        false => &settings.on_failure,
    };
    if !succeeded {
        functions.note(
            name,
            id,
            &format!("an asynchronous invocation has failed {attempt} times"),
        );
        if let Some(queue) = &settings.dead_letter {
            functions.note(
                name,
                id,
                &format!("its event would go to the dead-letter queue {queue}"),
            );
        }
    }
    let Some(destination) = destination else {
        return;
    };
    let record = record(&event, &outcome, attempt).to_string();
    match function_name::of_arn(destination) {
        // The record of a record has no destination: the function's own outcome is shown as any other.
        Some((target, _)) => {
            let invocation = Invocation::new(record).timeout(event.function.timeout);
            functions.invoke(target, invocation, None).await;
        }
        None => {
            let note = format!("this would go to {destination}: {record}");
            functions.note(name, id, &note);
        }
    }
}

/// Returns the record that a destination gets: "Invocation record" in
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>.
fn record(event: &Event, outcome: &Outcome, attempts: u32) -> Value {
    let payload = invoke_api::payload(outcome, &event.request_id, event.function.timeout);
    let succeeded = payload.is_ok();
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or(Value::Null);
    let mut context = json!({ "statusCode": 200, "executedVersion": "$LATEST" });
    if !succeeded {
        context["functionError"] = json!("Unhandled");
    }
    json!({
        "version": "1.0",
        "timestamp": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": format!("{}:$LATEST", event.function.arn()),
            "condition": if succeeded { "Success" } else { "RetriesExhausted" },
            "approximateInvokeCount": attempts,
        },
        "requestPayload": json(&event.payload),
        "responseContext": context,
        "responsePayload": json(&payload.unwrap_or_else(|error| error)),
    })
}

//! Any event in, JSON out: how many records it has, as queues and streams send them, and under which id it came.

wit_bindgen::generate!({ path: "../../wit", world: "handler-function", generate_all });

use exports::lambda::function::handler::{Context, Failure, Guest};
use serde_json::{Value, json};

struct Batch;
export!(Batch);

impl Guest for Batch {
    fn handle(event: Vec<u8>, context: Context) -> Result<Vec<u8>, Failure> {
        let event: Value = serde_json::from_slice(&event).map_err(|error| Failure {
            error_type: "NotJson".to_owned(),
            error_message: error.to_string(),
            stack_trace: vec![],
        })?;
        let records = event["Records"].as_array().map_or(0, Vec::len);
        let answer = json!({ "records": records, "requestId": context.request_id });
        Ok(answer.to_string().into_bytes())
    }
}

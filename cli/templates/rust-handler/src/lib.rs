wit_bindgen::generate!({ path: "wit", world: "handler-function", generate_all });

use exports::lambda::function::handler::{Context, Failure, Guest};
use serde_json::{Value, json};

struct Function;
export!(Function);

impl Guest for Function {
    fn handle(event: Vec<u8>, context: Context) -> Result<Vec<u8>, Failure> {
        let event: Value = serde_json::from_slice(&event).map_err(|error| Failure {
            error_type: "InvalidEvent".to_owned(),
            error_message: error.to_string(),
            stack_trace: vec![],
        })?;
        println!("{} got an event", context.request_id);
        let records = event["Records"].as_array().map_or(0, Vec::len);
        Ok(json!({ "records": records }).to_string().into_bytes())
    }
}

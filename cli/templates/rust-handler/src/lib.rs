use lambda_wasm_guest::{Context, Result, handler, json, log};
use serde_json::Value;

handler!(handle);

fn handle(event: Value, context: Context) -> Result<Value> {
    log::info!("{} got an event", context.request_id);
    let records = event["Records"].as_array().map_or(0, Vec::len);
    Ok(json!({ "records": records }))
}

//! One invocation, as JSON.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::dev::setup::Located;
use crate::testing::execution::{self, Ending};
use crate::testing::response::Response;

/// Invokes a function, and prints the response or the failure, the log and the duration.
///
/// # Errors
///
/// Returns an error if the invocation fails.
pub(super) async fn once((function, code): &Located, event: Vec<u8>) -> Result<()> {
    let execution = execution::invoke(function, code, event).await;
    let (response, error) = match &execution.ending {
        Ending::Response { bytes, has_prelude } => (value(bytes, *has_prelude), Value::Null),
        Ending::Failure { kind, message } => {
            (Value::Null, json!({ "type": kind, "message": message }))
        }
    };
    let report = json!({
        "function": function.name,
        "response": response,
        "error": error,
        "log": execution.log,
        "seconds": execution.took.as_secs_f64(),
    });
    println!("{report:#}");
    if let Ending::Failure { kind, .. } = execution.ending {
        bail!("the invocation failed: {kind}");
    }
    Ok(())
}

/// A response: its JSON as it is, or else its text. A streamed HTTP response is JSON as tests compare it.
fn value(bytes: &[u8], has_prelude: bool) -> Value {
    match serde_json::from_slice(bytes) {
        Ok(value) if !has_prelude => value,
        _ => Response::parse(bytes, has_prelude).to_json(),
    }
}

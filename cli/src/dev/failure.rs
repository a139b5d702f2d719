//! The failure of an invocation, in Lambda's words.

use std::time::Duration;

use lambda_wasm_emulator::{Outcome, Post};
use serde_json::Value;

/// A failed invocation.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its type, such as `Function.Trap`. May be empty.
    pub kind: String,
    /// Its message.
    pub message: String,
    /// The frames of its stack trace, the innermost first.
    pub trace: Vec<String>,
}

impl Failure {
    /// Returns the failure of an outcome, of a function with this timeout. A response and a stream have none.
    pub fn of(outcome: &Outcome, timeout: Duration) -> Option<Self> {
        let failure = |kind: &str, message: String| Self {
            kind: kind.to_owned(),
            message,
            trace: Vec::new(),
        };
        Some(match outcome {
            Outcome::Response(_) | Outcome::Streamed(_) => return None,
            Outcome::Error(post) | Outcome::InitError(post) => Self::posted(post),
            Outcome::TooLarge { size } => failure(
                "Function.ResponseSizeTooLarge",
                format!("the response has {size} bytes, which is over Lambda's limit"),
            ),
            Outcome::TimedOut => {
                let seconds = timeout.as_secs_f64();
                let message = format!("Task timed out after {seconds:.2} seconds");
                failure("Sandbox.Timedout", message)
            }
            Outcome::ExtensionFailed(failed) => failure(&failed.kind, failed.to_string()),
            Outcome::Lost(why) => failure("Runtime.ExitError", why.clone()),
            Outcome::NotTaken => failure(
                "Runtime.NotReady",
                "the bootstrap no longer asks for events".to_owned(),
            ),
        })
    }

    fn posted(post: &Post) -> Self {
        let json = post.json();
        let message = json["errorMessage"].as_str();
        let frames = json["stackTrace"].as_array().into_iter().flatten();
        Self {
            kind: json["errorType"].as_str().unwrap_or_default().to_owned(),
            message: message.map_or_else(|| post.text(), str::to_owned),
            trace: frames
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        }
    }
}

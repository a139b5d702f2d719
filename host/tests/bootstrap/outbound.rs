//! Requests that functions send, by both versions of `wasi:http`, to servers on this machine.

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::{Deployment, Host};
use serde_json::{Value, json};

use crate::http::{BOTH, event};

mod aws;
mod bodies;
mod connections;
mod context;
mod credentials;
mod crypto;
mod denials;
mod faults;
mod log;
mod observers;
pub mod servers;
mod signing;
mod stand_in;
mod tls;

/// The guest of this name, which may send requests to these origins.
fn allowed(guest: &str, origins: &[&str]) -> Deployment {
    Deployment::of(guest).policy(format!("[http]\nallow = {origins:?}\n"))
}

/// A host whose guest sends the requests that it is told to.
pub trait Sender {
    /// What came of a request; `asked` is as `tests/guests/src/fetch.rs` says.
    fn fetch(&self, asked: &Value) -> Value;

    /// What came of a GET.
    fn get(&self, url: &str) -> Value;

    /// Checks that a GET fails with this code.
    fn fails(&self, url: &str, code: &str);
}

impl Sender for Host {
    #[track_caller]
    fn fetch(&self, asked: &Value) -> Value {
        let event = event("POST", "/fetch", &asked.to_string());
        let answer = self.api.invoke(Invocation::new(event)).response();
        serde_json::from_str(answer.json()["body"].as_str().unwrap()).unwrap()
    }

    #[track_caller]
    fn get(&self, url: &str) -> Value {
        self.fetch(&json!({ "url": url }))
    }

    #[track_caller]
    fn fails(&self, url: &str, code: &str) {
        let fetched = self.get(url);
        let error = fetched["error"].as_str().unwrap_or("none");
        assert!(error.starts_with(code), "{url}: {error}, not {code}");
    }
}

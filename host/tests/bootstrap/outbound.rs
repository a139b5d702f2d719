//! Requests that functions send, by both versions of `wasi:http`, to servers on this machine.

use std::fs;
use std::path::Path;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::{Host, HostBuilder, Output, functions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{BOTH, event};

mod aws;
mod bodies;
mod connections;
mod context;
mod crypto;
mod denials;
mod faults;
mod servers;
mod signing;
mod tls;

/// A function with a policy of its own.
struct Function {
    folder: TempDir,
    name: &'static str,
}

impl Function {
    /// The component of this name, which may send requests to these origins.
    fn allowed(name: &'static str, origins: &[&str]) -> Self {
        Self::with(name, &format!("[http]\nallow = {origins:?}\n"))
    }

    /// The component of this name with this policy.
    fn with(name: &'static str, policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let artifact = format!("{name}.cwasm");
        fs::copy(functions().join(&artifact), folder.path().join(artifact)).unwrap();
        fs::write(folder.path().join(name).with_extension("toml"), policy).unwrap();
        Self { folder, name }
    }

    fn builder(&self) -> HostBuilder {
        HostBuilder::new(self.folder.path(), self.name)
    }

    fn start(self) -> Sender {
        let host = self.builder().start();
        self.sender(host)
    }

    /// Starts it with these variables.
    fn start_with(self, variables: &[(&str, &str)]) -> Sender {
        let set = |builder: HostBuilder, (name, value): &(&str, &str)| builder.env(name, value);
        let builder = variables.iter().fold(self.builder(), set);
        let host = builder.start();
        self.sender(host)
    }

    /// Starts it with a file of certificates to trust.
    fn trusting(self, file: &Path) -> Sender {
        self.start_with(&[("SSL_CERT_FILE", file.to_str().unwrap())])
    }

    /// Starts it with the Runtime API at this port.
    fn start_at(self, port: u16) -> Sender {
        let host = self.builder().start_at(&format!("127.0.0.1:{port}"));
        self.sender(host)
    }

    fn sender(self, host: Host) -> Sender {
        Sender {
            host,
            _folder: self.folder,
        }
    }
}

/// A running function that sends what it is told to.
struct Sender {
    host: Host,
    _folder: TempDir,
}

impl Sender {
    /// What came of a request; `asked` is as `tests/guests/src/fetch.rs` says.
    #[track_caller]
    fn fetch(&self, asked: &Value) -> Value {
        let event = event("POST", "/fetch", &asked.to_string());
        let answer = self.host.api.invoke(Invocation::new(event)).response();
        serde_json::from_str(answer.json()["body"].as_str().unwrap()).unwrap()
    }

    #[track_caller]
    fn get(&self, url: &str) -> Value {
        self.fetch(&json!({ "url": url }))
    }

    /// Checks that a GET fails with this code.
    #[track_caller]
    fn fails(&self, url: &str, code: &str) {
        let fetched = self.get(url);
        let error = fetched["error"].as_str().unwrap_or("none");
        assert!(error.starts_with(code), "{url}: {error}, not {code}");
    }

    fn finish(self) -> Output {
        self.host.finish()
    }
}

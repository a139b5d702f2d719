//! Event sources over a socket, whose functions are closures of a test.
#![allow(dead_code, reason = "each test uses its part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use lambda_wasm_emulator::event_source::{self, AllowedHosts};
use lambda_wasm_emulator::{Function, Functions, Invocation, LogTail, Outcome, Post, Template};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use ureq::Agent;
use ureq::http::Request;

/// What a function does with an event.
pub enum Reply {
    Response(Value),
    Error(Value),
    /// A response that takes so long.
    After(Duration, Value),
}

impl From<Value> for Reply {
    fn from(response: Value) -> Self {
        Self::Response(response)
    }
}

type Handler = dyn Fn(&str, &Value) -> Reply + Send + Sync;

/// Functions that a closure plays, and what was done with them.
pub struct Scripted {
    handler: Box<Handler>,
    invoked: Mutex<Vec<(String, Value)>>,
    finished: Mutex<usize>,
    notes: Mutex<Vec<String>>,
}

impl Functions for Scripted {
    async fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
        _log: Option<LogTail>,
    ) -> Outcome {
        let event: Value = serde_json::from_slice(invocation.event()).unwrap();
        let invoked = (function.to_owned(), event.clone());
        self.invoked.lock().unwrap().push(invoked);
        let post = |body: Value| Post {
            headers: HeaderMap::new(),
            body: body.to_string().into(),
        };
        let outcome = match (self.handler)(function, &event) {
            Reply::Response(body) => Outcome::Response(post(body)),
            Reply::Error(body) => Outcome::Error(post(body)),
            Reply::After(time, body) => {
                tokio::time::sleep(time).await;
                Outcome::Response(post(body))
            }
        };
        *self.finished.lock().unwrap() += 1;
        outcome
    }

    fn note(&self, function: &str, _request: &str, note: &str) {
        let note = format!("{function}: {note}");
        self.notes.lock().unwrap().push(note);
    }
}

/// A response of an event source.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn status_and_text(&self) -> (u16, String) {
        (self.status, self.text())
    }
}

/// An event source that is served.
pub struct Served {
    address: String,
    agent: Agent,
    functions: Arc<Scripted>,
    _runtime: Runtime,
}

impl Served {
    /// Serves the APIs of a template.
    pub fn apis(
        template: &str,
        handler: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::with_claims(template, None, handler)
    }

    /// Serves the APIs of a template with claims of the user.
    pub fn with_claims(
        template: &str,
        claims: Option<&str>,
        handler: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let template = Template::parse(template).unwrap();
        let claims = claims.map(|claims| claims.parse().unwrap());
        Self::open(handler, |listener, functions| {
            let hosts = AllowedHosts::default();
            event_source::serve(listener, template, functions, hosts, Router::new(), claims)
        })
    }

    /// Serves a function's URL.
    pub fn url(
        function: Function,
        handler: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let mode = function.url.unwrap();
        Self::open(handler, |listener, functions| {
            event_source::serve_url(listener, function, mode, functions, AllowedHosts::default())
        })
    }

    fn open<S>(
        handler: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
        serve: impl FnOnce(TcpListener, Arc<Scripted>) -> S,
    ) -> Self
    where
        S: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let functions = Arc::new(Scripted {
            handler: Box::new(handler),
            invoked: Mutex::default(),
            finished: Mutex::default(),
            notes: Mutex::default(),
        });
        runtime.spawn(serve(listener, functions.clone()));
        let config = Agent::config_builder()
            .proxy(None)
            .accept_encoding(ureq::config::AutoHeaderValue::None)
            .http_status_as_error(false);
        Self {
            address,
            agent: config.build().into(),
            functions,
            _runtime: runtime,
        }
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.uri(format!("{}{path}", self.address));
        let request = request.body(body.into()).unwrap();
        let mut response = self.agent.run(request).unwrap();
        let body = response.body_mut().read_to_vec().unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
        }
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "")
    }

    /// The events of a function so far.
    pub fn events(&self, function: &str) -> Vec<Value> {
        let invoked = self.functions.invoked.lock().unwrap();
        let own = invoked.iter().filter(|(name, _)| name == function);
        own.map(|(_, event)| event.clone()).collect()
    }

    /// The last event of a function.
    pub fn event(&self, function: &str) -> Value {
        self.events(function).pop().unwrap()
    }

    /// How many invocations have ended.
    pub fn finished(&self) -> usize {
        *self.functions.finished.lock().unwrap()
    }

    /// The notes so far.
    pub fn notes(&self) -> Vec<String> {
        self.functions.notes.lock().unwrap().clone()
    }
}

//! A host with an observer of its own, which runs in this process: the steps of an invocation, as the observer learns of them.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use lambda_wasm_host::config::Environment;
use lambda_wasm_host::function::Function;
use lambda_wasm_host::log::{Format, Level, Log};
use lambda_wasm_host::observer::{
    InstanceMade, InvocationBegun, InvocationEnded, Observer, Observers, RequestBegun,
    RequestDenied, RequestEnded, RequestId, RequestOutcome, Started,
};
use lambda_wasm_host::supervisor::Supervisor;
use lambda_wasm_host::termination::Termination;
use lambda_wasm_host::timings::Timings;
use lambda_wasm_test_support::ScriptedApi;
use serde_json::json;

use super::servers::Server;
use super::{BOTH, allowed};
use crate::http::event;

/// Writes each event down.
#[derive(Clone, Default)]
struct Recorder {
    events: Arc<Mutex<Vec<String>>>,
    times_requests: bool,
}

impl Recorder {
    fn add(&self, event: impl Into<String>) {
        self.events.lock().unwrap().push(event.into());
    }
}

fn written(request: &RequestId<'_>) -> String {
    let invocation = request.invocation.map_or("start", |known| &known.id);
    format!("{invocation}, request {}", request.number)
}

impl Observer for Recorder {
    fn times_requests(&self) -> bool {
        self.times_requests
    }

    fn started(&self, event: &Started) {
        self.add(format!("{} worker started", event.workers));
    }

    fn invocation_begun(&self, event: &InvocationBegun<'_>) {
        self.add(format!("{} begun", event.invocation.id));
    }

    fn instance_made(&self, event: &InstanceMade) {
        assert!(event.memory > 0);
        self.add("instance made");
    }

    fn request_begun(&self, event: &RequestBegun<'_>) {
        let (request, method) = (written(&event.request), event.method);
        self.add(format!("{request}: {method} {}", event.request.origin));
    }

    fn request_denied(&self, event: &RequestDenied<'_>) {
        self.add(format!("{}: denied", written(&event.request)));
    }

    fn request_ended(&self, event: &RequestEnded<'_>) {
        assert_eq!(event.since.is_some(), self.times_requests);
        let request = written(&event.request);
        self.add(match event.outcome {
            RequestOutcome::Answered(status) => format!("{request}: {status}"),
            RequestOutcome::Failed { code, .. } => format!("{request}: {code:?}"),
            RequestOutcome::Dropped => format!("{request}: dropped"),
        });
    }

    fn invocation_ended(&self, event: &InvocationEnded<'_>) {
        assert!(event.memory > Some(0));
        let (id, error_type) = (&event.invocation.id, event.error_type);
        self.add(format!("{id} ended with {error_type:?}"));
    }
}

/// Runs a function until the Runtime API says that the environment is not served any more.
fn run(environment: &Environment, recorder: Recorder) {
    let log = Log::new((Format::Text, Level::Fatal));
    let observers = Observers::new(vec![Box::new(log), Box::new(recorder)]);
    let started = Instant::now();
    let mut timings = Timings::new(None, started);
    let config = environment.config().unwrap();
    let function = Function::load(&config, log, observers, &mut timings).unwrap();
    let endpoint = Arc::new(environment.endpoint().unwrap());
    let supervisor = Supervisor::new(
        Arc::new(function),
        endpoint,
        log,
        1,
        Termination::register().unwrap(),
    );
    let worker = supervisor.start(started, &mut timings).unwrap();
    worker.run().unwrap_err();
}

#[test]
fn learn_of_each_step_of_an_invocation() {
    for (name, times_requests) in BOTH.into_iter().zip([true, false]) {
        let server = Server::plain();
        let origin = server.origin("http");
        let closed = "http://127.0.0.1:1";
        let deployment = allowed(name, &[&origin, closed]);
        let api = ScriptedApi::start();
        let recorder = Recorder {
            times_requests,
            ..Recorder::default()
        };
        let environment = [
            ("_HANDLER", "hello"),
            ("LAMBDA_TASK_ROOT", deployment.path().to_str().unwrap()),
            ("AWS_LAMBDA_RUNTIME_API", &api.address()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = environment.into_iter().collect();
        let host = {
            let recorder = recorder.clone();
            thread::spawn(move || run(&environment, recorder))
        };
        let mut connection = api.accept();
        for (id, url) in [
            ("id-1", &*origin),
            ("id-2", closed),
            ("id-3", "http://not.listed"),
        ] {
            connection.expect_next();
            let asked = json!({ "url": url }).to_string();
            connection.event(id, &event("POST", "/fetch", &asked));
            connection.take_response(id);
        }
        connection.expect_next();
        connection.answer("403 Forbidden", "", "");
        host.join().unwrap();
        let events = recorder.events.lock().unwrap();
        assert_eq!(
            events.join("\n"),
            format!(
                "instance made\n\
                1 worker started\n\
                id-1 begun\n\
                id-1, request 1: GET {origin}\n\
                id-1, request 1: 200 OK\n\
                id-1 ended with None\n\
                instance made\n\
                id-2 begun\n\
                id-2, request 1: GET {closed}\n\
                id-2, request 1: ConnectionRefused\n\
                id-2 ended with None\n\
                instance made\n\
                id-3 begun\n\
                id-3, request 1: denied\n\
                id-3 ended with None\n\
                instance made"
            ),
            "{name}"
        );
    }
}

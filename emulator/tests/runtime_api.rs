//! The Runtime API over a socket, with runtimes of a few lines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lambda_wasm_emulator::{Invocation, Outcome, RuntimeApi, Violation};
use ureq::Agent;
use ureq::http::Response;

const SOON: Duration = Duration::from_secs(5);

/// A runtime that does what it is told.
struct Runtime {
    agent: Agent,
    base: String,
}

impl Runtime {
    fn new(api: &RuntimeApi) -> Self {
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false);
        Self {
            agent: config.build().into(),
            base: format!("http://{}/2018-06-01/runtime", api.address()),
        }
    }

    /// The request id, the headers and the event that `next` gives.
    fn next(&self) -> (String, Response<String>) {
        let url = format!("{}/invocation/next", self.base);
        let mut response = self.agent.get(url).call().unwrap();
        let body = response.body_mut().read_to_string().unwrap();
        let (parts, _) = response.into_parts();
        let id = parts.headers.get("lambda-runtime-aws-request-id");
        let id = id.map_or("", |id| id.to_str().unwrap()).to_owned();
        (id, Response::from_parts(parts, body))
    }

    /// The status and the body that a POST gets.
    fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> (u16, String) {
        let mut request = self.agent.post(format!("{}/{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body.into()).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), text)
    }

    fn respond(&self, id: &str, body: impl Into<Vec<u8>>) -> (u16, String) {
        self.post(&format!("invocation/{id}/response"), &[], body)
    }
}

fn start() -> (RuntimeApi, Runtime) {
    let api = RuntimeApi::start("127.0.0.1:0").unwrap();
    let runtime = Runtime::new(&api);
    (api, runtime)
}

#[test]
fn an_event_goes_out_and_its_answer_comes_back_on_one_connection() {
    let (api, runtime) = start();
    for turn in 0..3 {
        let pending = api.submit(Invocation::new(format!("{{\"turn\":{turn}}}")));
        let (id, event) = runtime.next();
        assert_eq!(*event.body(), format!("{{\"turn\":{turn}}}"));
        assert_eq!(event.headers()["content-type"], "application/json");
        let answered = runtime.respond(&id, format!("answer {turn}"));
        assert_eq!(answered, (202, "{\"status\":\"OK\"}".to_owned()));
        assert_eq!(pending.wait().response().text(), format!("answer {turn}"));
    }
    assert_eq!((api.connections(), api.next_calls()), (1, 3));
    assert_eq!(api.violations(), []);
}

#[test]
fn every_header_is_sent_set_or_left_out() {
    let (api, runtime) = start();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let _full = api.submit(
        Invocation::new("{}")
            .request_id("r-1")
            .timeout(Duration::from_secs(60))
            .function_arn("arn:aws:lambda:eu-west-1:1:function:f")
            .trace_id("Root=1-2-3")
            .client_context("{\"client\":{}}")
            .cognito_identity("{\"identityId\":\"i\"}")
            .tenant_id("t")
            .invocation_id("a-1")
            .header("X-New", "1"),
    );
    let (_, event) = runtime.next();
    let get = |name: &str| event.headers()[name].to_str().unwrap();
    assert_eq!(get("lambda-runtime-aws-request-id"), "r-1");
    assert_eq!(get("lambda-runtime-trace-id"), "Root=1-2-3");
    assert_eq!(get("lambda-runtime-client-context"), "{\"client\":{}}");
    assert_eq!(get("lambda-runtime-aws-tenant-id"), "t");
    assert_eq!(get("lambda-runtime-invocation-id"), "a-1");
    assert_eq!(get("x-new"), "1");
    let deadline = get("lambda-runtime-deadline-ms").parse::<u128>().unwrap();
    let left = deadline - now.as_millis();
    assert!((60_000..65_000).contains(&left), "{left}");

    let _bare = api.submit(
        Invocation::new("{}")
            .without_header("Lambda-Runtime-Aws-Request-Id")
            .header("Lambda-Runtime-Deadline-Ms", "soon"),
    );
    let (id, event) = runtime.next();
    assert_eq!(id, "");
    assert_eq!(event.headers()["lambda-runtime-deadline-ms"], "soon");
    assert!(!event.headers().contains_key("lambda-runtime-trace-id"));
}

#[test]
fn an_error_keeps_its_headers() {
    let (api, runtime) = start();
    let pending = api.submit(Invocation::new("{}"));
    let (id, _) = runtime.next();
    let headers = [
        ("Lambda-Runtime-Function-Error-Type", "Runtime.Trap"),
        ("User-Agent", "test/1"),
    ];
    let path = format!("invocation/{id}/error");
    runtime.post(&path, &headers, "{\"errorType\":\"Runtime.Trap\"}");
    let error = pending.wait().error();
    assert_eq!(error.error_type(), "Runtime.Trap");
    assert_eq!(
        error.header("lambda-runtime-function-error-type"),
        Some("Runtime.Trap")
    );
    assert_eq!(error.header("user-agent"), Some("test/1"));
}

#[test]
fn answers_that_do_not_count_are_refused_and_noted() {
    let (api, runtime) = start();
    let invalid = r#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#;
    assert_eq!(runtime.respond("x", "{}"), (400, invalid.to_owned()));

    let pending = api.submit(Invocation::new("{}").request_id("twice"));
    runtime.next();
    runtime.respond("twice", "1");
    assert_eq!(runtime.respond("twice", "2"), (400, invalid.to_owned()));
    assert_eq!(pending.wait().response().text(), "1");

    let timeout = Duration::from_millis(30);
    let pending = api.submit(Invocation::new("{}").request_id("late").timeout(timeout));
    runtime.next();
    assert!(matches!(pending.wait(), Outcome::TimedOut));
    assert_eq!(runtime.respond("late", "{}").0, 400);

    let pending = api.submit(Invocation::new("{}").request_id("large"));
    runtime.next();
    let size = 6 * 1024 * 1024 + 101;
    let (status, body) = runtime.respond("large", vec![b'1'; size]);
    assert_eq!(status, 413);
    assert!(body.contains("RequestEntityTooLarge"), "{body}");
    assert!(matches!(pending.wait(), Outcome::TooLarge { size: s } if s == size));

    let pending = api.submit(
        Invocation::new("{}")
            .request_id("attempt")
            .invocation_id("a2"),
    );
    runtime.next();
    let stale = [("Lambda-Runtime-Invocation-Id", "a1")];
    assert_eq!(
        runtime.post("invocation/attempt/response", &stale, "1").0,
        410
    );
    let fresh = [("Lambda-Runtime-Invocation-Id", "a2")];
    assert_eq!(
        runtime.post("invocation/attempt/response", &fresh, "2").0,
        202
    );
    assert_eq!(pending.wait().response().text(), "2");

    assert_eq!(runtime.post("nonsense", &[], "").0, 404);
    let expected = [
        Violation::UnknownRequest("x".to_owned()),
        Violation::AnsweredTwice("twice".to_owned()),
        Violation::Late("late".to_owned()),
        Violation::TooLarge {
            request_id: "large".to_owned(),
            size,
        },
        Violation::InvocationIdDiffers {
            request_id: "attempt".to_owned(),
            echoed: "a1".to_owned(),
        },
        Violation::UnknownRoute("POST /2018-06-01/runtime/nonsense".to_owned()),
    ];
    assert_eq!(api.violations(), expected);
}

#[test]
fn the_largest_answer_is_taken() {
    let (api, runtime) = start();
    let pending = api.submit(Invocation::new("{}"));
    let (id, _) = runtime.next();
    let size = 6 * 1024 * 1024 + 100;
    assert_eq!(runtime.respond(&id, vec![b'1'; size]).0, 202);
    assert_eq!(pending.wait().response().body.len(), size);
}

#[test]
fn an_init_error_is_the_outcome_of_all_that_waits_and_comes() {
    let (api, runtime) = start();
    let before = api.submit(Invocation::new("{}"));
    let headers = [(
        "Lambda-Runtime-Function-Error-Type",
        "Runtime.NoSuchFunction",
    )];
    assert_eq!(
        runtime
            .post("init/error", &headers, "{\"errorMessage\":\"m\"}")
            .0,
        202
    );
    let seen = api.wait_init_error(SOON).unwrap();
    assert_eq!(seen.error_message(), "m");
    for outcome in [before.wait(), api.invoke(Invocation::new("{}"))] {
        assert!(matches!(outcome, Outcome::InitError(_)), "{outcome:?}");
    }
    assert_eq!(api.violations(), []);
}

#[test]
fn a_runtime_with_snap_start_asks_for_its_restore_before_an_event() {
    let (api, runtime) = start();
    api.expect_restore();
    let url = format!("{}/restore/next", runtime.base);
    assert_eq!(runtime.agent.get(url).call().unwrap().status(), 200);
    let pending = api.submit(Invocation::new("{}"));
    let (id, _) = runtime.next();
    assert_eq!(runtime.respond(&id, "1").0, 202);
    assert_eq!(pending.wait().response().text(), "1");

    let (api, _runtime) = start();
    api.expect_restore();
    let pending = api.submit(Invocation::new("{}"));
    let _waiting = raw_next(api.address());
    let Outcome::Lost(why) = pending.wait() else {
        panic!("it was served before its restore")
    };
    assert!(why.contains("before its restore (GET "), "{why}");
    assert!(api.has_failed());
}

#[test]
fn a_restore_that_fails_is_an_init_error() {
    let (api, runtime) = start();
    api.expect_restore();
    let url = format!("{}/restore/next", runtime.base);
    assert_eq!(runtime.agent.get(url).call().unwrap().status(), 200);
    let body = "{\"errorMessage\":\"gone\"}";
    assert_eq!(runtime.post("restore/error", &[], body).0, 202);
    assert_eq!(api.wait_init_error(SOON).unwrap().error_message(), "gone");
}

#[test]
fn an_init_error_comes_before_the_first_next() {
    let (api, runtime) = start();
    let pending = api.submit(Invocation::new("{}"));
    let (id, _) = runtime.next();
    assert_eq!(runtime.post("init/error", &[], "{}").0, 403);
    runtime.respond(&id, "1");
    pending.wait().response();
    assert_eq!(api.violations(), [Violation::InitErrorAfterNext]);
}

#[test]
fn many_runtimes_share_the_events_and_each_goes_to_one() {
    let (api, _) = start();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let runtime = Runtime::new(&api);
            scope.spawn(move || {
                for _ in 0..5 {
                    let (id, event) = runtime.next();
                    runtime.respond(&id, event.into_body());
                }
            });
        }
        assert!(api.wait_workers(4, SOON));
        let pending: Vec<_> = (0..20)
            .map(|n| api.submit(Invocation::new(n.to_string())))
            .collect();
        for (n, pending) in pending.into_iter().enumerate() {
            assert_eq!(pending.wait().response().text(), n.to_string());
        }
    });
    assert_eq!(api.violations(), []);
}

#[test]
fn one_process_serves_several_events_at_the_same_time() {
    let (api, _) = start();
    // Each worker of the process has its connection.
    let workers: Vec<_> = (0..3).map(|_| Runtime::new(&api)).collect();
    let submit = |n: u64| {
        let timeout = Duration::from_millis(if n == 0 { 30 } else { 60_000 });
        let invocation = Invocation::new("{}").request_id(&n.to_string());
        api.submit(invocation.timeout(timeout))
    };
    let mut pending: Vec<_> = (0..3).map(submit).collect();
    for (n, worker) in workers.iter().enumerate() {
        assert_eq!(worker.next().0, n.to_string());
    }
    // A timeout ends only its invocation.
    assert!(matches!(pending.remove(0).wait(), Outcome::TimedOut));
    assert_eq!(workers[0].respond("0", "late").0, 400);
    for n in [2, 1] {
        workers[n].respond(&n.to_string(), n.to_string());
        let outcome = pending.remove(n - 1).wait();
        assert_eq!(outcome.response().text(), n.to_string());
    }
    let again = api.submit(Invocation::new("{}").request_id("3"));
    assert_eq!(workers[0].next().0, "3");
    workers[0].respond("3", "3");
    assert_eq!(again.wait().response().text(), "3");
    assert!(!api.has_failed());
    assert_eq!(api.violations(), [Violation::Late("0".to_owned())]);
}

#[test]
fn a_connection_that_drops_in_next_loses_no_event() {
    let (api, runtime) = start();
    let mut dropped = raw_next(api.address());
    assert!(api.wait_workers(1, SOON));
    dropped.shutdown(std::net::Shutdown::Both).unwrap();
    let _ = dropped.read(&mut [0]);
    let started = Instant::now();
    while api.wait_idle(Duration::ZERO) {
        assert!(
            started.elapsed() < SOON,
            "the dropped connection still waits"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let pending = api.submit(Invocation::new("{}"));
    let (id, _) = runtime.next();
    runtime.respond(&id, "1");
    assert_eq!(pending.wait().response().text(), "1");
}

#[test]
fn invocations_of_a_dead_runtime_are_lost() {
    let (api, runtime) = start();
    let held = api.submit(Invocation::new("{}"));
    runtime.next();
    let waits = api.submit(Invocation::new("{}"));
    api.runtime_exited("killed");
    let after = api.submit(Invocation::new("{}"));
    for pending in [held, waits, after] {
        let outcome = pending.wait();
        assert!(
            matches!(&outcome, Outcome::Lost(why) if why == "killed"),
            "{outcome:?}"
        );
    }
}

#[test]
fn an_event_waits_no_longer_than_its_patience_and_the_runtime_api() {
    let (api, _) = start();
    let nobody = Invocation::new("{}").patience(Duration::from_millis(20));
    assert!(matches!(api.invoke(nobody), Outcome::NotTaken));
    let pending = api.submit(Invocation::new("{}"));
    drop(api);
    assert!(matches!(pending.wait(), Outcome::Lost(_)));
}

fn raw_next(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

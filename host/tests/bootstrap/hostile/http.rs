//! Answers over HTTP that are none, have no end, or are given when it is too late for them.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lambda_wasm_emulator::{End as StreamEnd, Invocation, Outcome};
use lambda_wasm_test_support::{Deployment, PATIENCE};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;

use super::{Answers, Bystander, End, Fails, LONG, SHORT, TIMEOUT, TRAP, status};

/// A request that hostile guests answer with `good`.
const GOOD: &str = r#"{"version":"2.0","rawPath":"/good","requestContext":{"domainName":"id.lambda-url.eu-west-1.on.aws","http":{"method":"GET","path":"/good"}}}"#;

/// One that well-behaved guests answer so.
pub const WELL: &str = r#"{"version":"2.0","rawPath":"/status/200","rawQueryString":"body=good","requestContext":{"domainName":"id.lambda-url.eu-west-1.on.aws","http":{"method":"GET","path":"/status/200"}}}"#;

/// A GET of this target, from a function URL.
pub fn request(target: &str) -> Invocation {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query,
        "requestContext": {
            "domainName": "id.lambda-url.eu-west-1.on.aws", "http": {"method": "GET", "path": path},
        },
    });
    Invocation::new(event.to_string())
}

/// An answer with status 200 and these headers, as JSON.
fn answer(headers: &str, body: &str) -> String {
    format!(
        r#"{{"statusCode":200,"headers":{{{headers}}},"cookies":[],"body":"{body}","isBase64Encoded":false}}"#
    )
}

/// By the paths of `hostile_http`: responses that are not complete, or that the host does not take.
const TECHNIQUES: [(&str, End<'_>); 20] = [
    ("/exit-in-body", Fails("Function.Exit", "code 0")),
    ("/drop-in-body", Fails(TRAP, "in a destructor")),
    (
        "/finish-before-stream",
        Fails(TRAP, "resource has children"),
    ),
    ("/long-header?n=10000000", Fails(TRAP, FIELDS)),
    ("/headers?n=100000", Fails(TRAP, FIELDS)),
    ("/header?n=100000", Fails(TRAP, FIELDS)),
    ("/list?n=100000", Fails(TRAP, FIELDS)),
    (
        "/says?name=content-length&value=-1",
        Fails(TRAP, "InvalidSyntax"),
    ),
    (
        "/says?name=content-length&value=%2B4",
        Fails(TRAP, "InvalidSyntax"),
    ),
    (
        "/says?name=content-length&value=1e3",
        Fails(TRAP, "InvalidSyntax"),
    ),
    (
        "/says?name=content-length&value=99999999999999999999",
        Fails(TRAP, "InvalidSyntax"),
    ),
    (
        "/says?name=content-length&value=4&twice",
        Fails(TRAP, "InvalidSyntax"),
    ),
    (
        "/says?name=content-length&value=5",
        Fails("Function.UnfinishedResponse", "not complete"),
    ),
    (
        "/says?name=content-length&value=3",
        Fails("Function.UnfinishedResponse", "not complete"),
    ),
    ("/endless", Fails(TIMEOUT, "")),
    ("/pushed", Fails(TRAP, "write exceeded budget")),
    ("/zeroes", Fails(TRAP, "than `check_write` allows")),
    ("/held", Fails(TIMEOUT, "it waited in wasi:io/poll")),
    (
        "/responses?n=100000",
        Fails("Function.TooManyHandles", "than the 10000 that"),
    ),
    ("/what-is-no-path", Fails(TRAP, "no such path")),
];

const FIELDS: &str = "total size of fields exceeds limit";

#[test]
fn invalid_responses_are_failures() {
    let bystander = Bystander::start(Deployment::of("hostile_http"), GOOD);
    for (target, end) in TECHNIQUES {
        let event = match end {
            Fails(TIMEOUT, _) => request(target).timeout(SHORT),
            _ => request(target),
        };
        bystander.endure(target, event, end);
    }
    bystander.finish();
}

#[test]
fn work_after_the_response_does_not_change_it() {
    let bystander = Bystander::start(Deployment::of("hostile_http"), GOOD);
    for (target, body) in [
        ("/answer-twice", "first"),
        ("/write-after-finish", ""),
        ("/two-bodies", r"one\n"),
    ] {
        bystander.endure(target, request(target), Answers(&answer("", body)));
    }
    let log = bystander.finish().stderr;
    assert_eq!(log.matches("unknown handle index").count(), 2, "{log}");
}

#[test]
fn exhausted_resources_of_wasi_0_3_cost_one_invocation() {
    let bystander = Bystander::start(Deployment::of("hostile_p3"), GOOD);
    let good = answer("", "good");
    let handles = Fails("Function.TooManyHandles", "than the 10000 that");
    for (target, end) in [
        ("/streams", handles),
        ("/futures", handles),
        ("/timers", handles),
        ("/sleep", Fails(TIMEOUT, "it waited in")),
        ("/own-stream", Fails(TIMEOUT, "it waited in")),
        ("/tasks", Answers(&good)),
        ("/lost-body", Fails(TIMEOUT, "it waited in")),
        ("/fields", Fails(TRAP, "SizeExceeded")),
        ("/endless", Fails(TIMEOUT, "")),
    ] {
        bystander.endure(target, request(target).timeout(SHORT), end);
    }
    bystander.finish();
}

/// The function has 128 MiB: Lambda would end a process that has more. What was held is not missing afterwards, either.
#[test]
fn the_host_holds_no_more_for_a_guest_than_the_guest_may_have() {
    const SIZE: u64 = 128 * 1024;
    let end = Fails("Function.OutOfMemory", "the host holds");
    for (guest, targets) in [
        (
            "hostile_http",
            &[
                "/hold-fields",
                "/hold-small",
                "/hold-methods",
                "/hold-bodies",
                "/hold-and-grow",
            ][..],
        ),
        ("hostile_p3", &["/hold-fields", "/hold-paths"]),
    ] {
        let bystander = Bystander::start(Deployment::of(guest), GOOD);
        let pid = bystander.host.pid();
        for target in targets {
            let (done, peak) = watch_peak(pid);
            bystander.try_out(target, request(target).timeout(LONG), end);
            drop(done);
            let peak = peak.join().unwrap();
            assert!(peak < SIZE, "{guest} {target}: {peak} KiB");
            // The process may have started itself anew, if the pieces were small.
            bystander.serves(target);
            assert!(bystander.host.api.wait_idle(PATIENCE));
            let after = status(pid, "VmRSS:");
            assert!(after < SIZE / 4, "{guest} {target} leaves {after} KiB");
        }
        bystander.finish();
    }
}

/// Looks how large a process gets until the sender is dropped: one that starts itself anew has another peak.
fn watch_peak(pid: u32) -> (mpsc::Sender<()>, thread::JoinHandle<u64>) {
    let (done, ends) = mpsc::channel();
    let peak = thread::spawn(move || {
        let mut peak = 0;
        while ends.recv_timeout(Duration::from_millis(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
            peak = peak.max(status(pid, "VmHWM:"));
        }
        peak
    });
    (done, peak)
}

#[test]
fn host_memory_of_a_kept_instance_stays_counted() {
    let policy = "[reuse]\nmax-invocations = 1000\n[limits]\nmemory = \"4MiB\"\n";
    let bystander = Bystander::start(Deployment::of("hostile_http").policy(policy), GOOD);
    for _ in 0..3 {
        let end = Answers(&answer("", "180"));
        bystander.try_out("what may be held", request("/hold?n=180"), end);
        let end = Fails("Function.OutOfMemory", "raise `memory` under [limits]");
        bystander.try_out("more than that", request("/hold?n=300"), end);
        bystander.serves("more than that");
    }
    bystander.finish();
}

/// They are the client's to read, and nothing to Lambda or to another invocation.
#[test]
fn headers_of_lambdas_are_no_more_than_others() {
    let bystander = Bystander::start(Deployment::of("hostile_http"), GOOD);
    for name in [
        "x-amzn-lambda-context",
        "lambda-runtime-aws-request-id",
        "lambda-runtime-function-error-type",
        "lambda-runtime-function-response-mode",
    ] {
        let headers = format!(r#""{name}":"forged""#);
        let target = format!("/says?name={name}&value=forged");
        let outcome = bystander.host.api.invoke(request(&target));
        let Outcome::Response(post) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(post.text(), answer(&headers, "says"));
        assert_eq!(post.header(name), None);
        bystander.goes_on(name);
    }
    bystander.finish();
}

#[test]
fn no_stream_is_held_open_for_ever() {
    let bystander = Bystander::start(
        Deployment::of("hostile_http").policy("stream = true\n"),
        GOOD,
    );
    for (target, error_type) in [
        ("/exit-in-body", "Function.Exit"),
        ("/drop-in-body", TRAP),
        ("/endless", TIMEOUT),
        ("/held", TIMEOUT),
        (
            "/says?name=content-length&value=5",
            "Function.UnfinishedResponse",
        ),
    ] {
        let event = request(target).timeout(SHORT);
        let error = match bystander.host.api.invoke(event) {
            // It failed before its first chunk had left.
            Outcome::Error(error) => error,
            outcome => match outcome.streamed().wait() {
                (_, StreamEnd::Failed(error)) => error,
                (_, end) => panic!("{target}: {end:?}"),
            },
        };
        assert_eq!(error.error_type(), error_type, "{target}");
        bystander.goes_on(target);
    }
    bystander.finish();
}

/// The connection that an answer is streamed through is one more, and a guest may have opened all the files there can be.
#[test]
fn an_answer_that_there_is_no_connection_for_is_a_failure() {
    let bystander = Bystander::start(
        Deployment::of("hostile_http").policy("stream = true\n"),
        GOOD,
    );
    let pid = Pid::from_raw(bystander.host.pid().try_into().unwrap());
    let usual = getrlimit(Resource::Nofile);
    let all_taken = Rlimit {
        // The three streams that every process has.
        current: Some(3),
        maximum: usual.maximum,
    };
    for _ in 0..3 {
        assert!(bystander.host.api.wait_idle(PATIENCE));
        prlimit(pid, Resource::Nofile, all_taken).unwrap();
        let error = bystander.host.invoke(GOOD).error();
        prlimit(pid, Resource::Nofile, usual).unwrap();
        assert_eq!(error.error_type(), "Runtime.ResponseNotSent", "{error}");
        let message = error.error_message();
        assert!(message.contains("os error 24"), "{message}");
        bystander.goes_on("an answer that was not sent");
    }
    bystander.finish();
}

#[test]
fn a_failure_behind_an_answer_is_told_however_many_words_it_has() {
    let bystander = Bystander::start(Deployment::of("streaming"), "\"good\"");
    for words in [10_000, 100_000, 10_000_000] {
        let event = format!("\"unfinished?words={words}\"");
        let outcome = bystander.host.invoke(event);
        let (_, end) = outcome.streamed().wait();
        let StreamEnd::Failed(error) = end else {
            panic!("{words}: {end:?}")
        };
        assert_eq!(error.error_type(), "AsItSays", "{words}");
        let message = error.error_message();
        assert!(message.starts_with("as it says: "), "{message}");
        bystander.goes_on("many words");
    }
    bystander.finish();
}

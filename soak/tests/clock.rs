//! The clock of a process can be set while it runs, and `bootstrap` goes by it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lambda_wasm_emulator::Invocation;
use lambda_wasm_soak::clock;
use lambda_wasm_test_support::{Deployment, Host, PATIENCE, ScriptedApi, tools};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const HOUR: i64 = 3600;

/// Stops a process, sets its clock so many seconds ahead of this machine's, and continues it.
fn set_clock(host: &Host, ahead: i64) {
    clock::stop(host.pid()).unwrap();
    clock::set(host.pid(), ahead).unwrap();
    let pid = Pid::from_raw(host.pid().cast_signed()).unwrap();
    kill_process(pid, Signal::CONT).unwrap();
}

/// Returns how many seconds the clock of a function is ahead of this machine's.
fn ahead(host: &Host) -> i64 {
    let seconds: i64 = host.ask("seconds").parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    seconds - now.as_secs().cast_signed()
}

#[test]
fn a_process_goes_by_the_clock_that_it_gets() {
    if let Some(why) = clock::obstacle() {
        return tools::skip("the clock of a process", why);
    }
    let host = Deployment::of("handler").start();
    assert!(ahead(&host).abs() < 60);
    for behind in [-1000, -HOUR, -24 * HOUR, 0] {
        set_clock(&host, behind);
        assert!((ahead(&host) - behind).abs() < 60, "{behind}");
    }

    // An invocation of a minute has ended an hour ago.
    set_clock(&host, HOUR);
    let begun = Instant::now();
    let minute = Duration::from_secs(60);
    let invocation = Invocation::new("\"sleep\"").timeout(minute);
    let failure = host.api.invoke(invocation).error();
    assert_eq!(failure.error_type(), "Function.Timeout");
    assert!(begun.elapsed() < PATIENCE);

    set_clock(&host, 0);
    assert!(ahead(&host).abs() < 60);
    host.finish();
}

/// An endpoint that has no credentials while its first request waits for them, and then has them.
fn late_credentials() -> String {
    let server = ScriptedApi::start();
    let uri = format!("http://{}/credentials", server.address());
    thread::spawn(move || {
        // A request for credentials is sent three times.
        for _ in 0..3 {
            let mut connection = server.accept();
            connection.request();
            connection.answer("503 Service Unavailable", "", "");
        }
        let mut connection = server.accept();
        connection.request();
        let credentials = json!({
            "AccessKeyId": "AKID",
            "SecretAccessKey": "secret",
            "Token": "session",
            "Expiration": "2100-01-01T00:00:00Z",
        });
        connection.answer("200 OK", "", &credentials.to_string());
    });
    uri
}

/// A service that takes one request, which has to be signed.
fn service() -> String {
    let server = ScriptedApi::start();
    let url = format!("http://{}", server.address());
    thread::spawn(move || {
        let mut connection = server.accept();
        let request = connection.request();
        assert!(request.headers.contains("Credential=AKID/"), "{request:?}");
        connection.answer("200 OK", "", "signed");
    });
    url
}

/// Has a function whose clock is so many seconds ahead send a request, and returns what came back.
fn fetch(host: &Host, url: &str, ahead: i64) -> Value {
    let asked = json!({"url": url, "method": "POST", "body": "{}"});
    let event = json!({
        "version": "2.0",
        "rawPath": "/fetch",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": "POST", "path": "/fetch"}},
        "body": asked.to_string(),
        "isBase64Encoded": false,
    });
    // The Runtime API has the same clock.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let deadline = now + Duration::from_secs(10 + ahead.cast_unsigned());
    let deadline = u64::try_from(deadline.as_millis()).unwrap();
    let invocation = Invocation::new(event.to_string()).deadline_ms(deadline);
    let response = host.api.invoke(invocation).response().json();
    serde_json::from_str(response["body"].as_str().unwrap()).unwrap()
}

#[test]
fn credentials_are_asked_for_again_after_a_failure_that_a_later_clock_has_noted() {
    if let Some(why) = clock::obstacle() {
        return tools::skip("credentials and the clock", why);
    }
    let service = service();
    let policy = format!("[http]\nallow = [{service:?}]\n[aws]\nsign = [\"dynamodb\"]\n");
    let host = Deployment::of("http_p2").policy(policy).envs(&[
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &service),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &late_credentials()),
    ]);
    let host = host.start();
    assert!(host.api.wait_idle(PATIENCE));
    set_clock(&host, HOUR);
    let fetched = fetch(&host, &service, HOUR);
    assert!(fetched["error"].to_string().contains("503"), "{fetched}");

    set_clock(&host, 0);
    // The failure counts for half a second.
    let until = Instant::now() + PATIENCE;
    loop {
        let fetched = fetch(&host, &service, 0);
        if fetched["body"] == "signed" {
            break;
        }
        assert!(Instant::now() < until, "{fetched}");
    }
    host.finish();
}

//! A guest that does not end in time costs its invocation, and nothing else.

use std::time::{Duration, Instant};

use lambda_wasm_emulator::{Invocation, Post};
use lambda_wasm_test_support::{Deployment, Host, cpu_emulator};

use crate::crashes::has_frame;
use crate::http::event;

const TIMEOUT: Duration = Duration::from_millis(600);

/// Has the guest run into its deadline, and returns the error and how long that took.
fn time_out(host: &Host, command: &str) -> (Post, Duration) {
    assert!(host.api.wait_idle(lambda_wasm_test_support::PATIENCE));
    let since = Instant::now();
    let error = host
        .api
        .invoke(Invocation::new(format!("{command:?}")).timeout(TIMEOUT))
        .error();
    let took = since.elapsed();
    assert_eq!(error.error_type(), "Function.Timeout");
    assert_eq!(
        error.header("lambda-runtime-function-error-type"),
        Some("Function.Timeout")
    );
    // Of the time that qemu takes nothing is promised.
    assert!(
        took < TIMEOUT || cpu_emulator().is_some(),
        "answered after {took:?}: Lambda would have ended the process"
    );
    assert!(
        took > TIMEOUT - Duration::from_millis(250),
        "answered after {took:?} of {TIMEOUT:?}"
    );
    assert_eq!(host.ask("count"), "1", "the next event is served");
    (error, took)
}

#[test]
fn a_guest_that_computes_is_stopped_and_the_trace_says_where() {
    let host = Deployment::of("handler").start();
    let (error, _) = time_out(&host, "loop");
    assert!(has_frame(&error, "handler::spin"), "{error}");
    assert!(error.error_message().contains("it computed"), "{error}");
    host.finish();
}

#[test]
fn a_guest_that_waits_is_stopped_and_the_message_names_the_import() {
    let host = Deployment::of("handler").start();
    let (error, _) = time_out(&host, "sleep:60000");
    let message = error.error_message();
    assert!(
        message.contains("waited in wasi:io/poll")
            || message.contains("waited in wasi:clocks/monotonic-clock"),
        "{message}"
    );
    host.finish();
}

/// Also when it called something else since it began to wait.
#[test]
fn a_timer_of_wasi_0_3_is_named() {
    let host = Deployment::of("http_p3").start();
    for target in ["/sleep?ms=60000", "/sleep-and-call"] {
        let invocation = Invocation::new(event("GET", target, "")).timeout(TIMEOUT);
        let error = host.api.invoke(invocation).error();
        assert_eq!(error.error_type(), "Function.Timeout");
        let message = error.error_message();
        let words = "waited in wasi:clocks/monotonic-clock";
        assert!(message.contains(words), "{message}");
    }
    host.finish();
}

#[test]
fn a_guest_that_sleeps_shorter_than_its_deadline_goes_on() {
    let host = Deployment::of("handler").start();
    assert_eq!(host.ask("sleep:200"), "woke");
    host.finish();
}

#[test]
fn timeouts_can_repeat() {
    let host = Deployment::of("handler").start();
    for _ in 0..3 {
        time_out(&host, "loop");
        time_out(&host, "sleep:60000");
    }
    host.finish();
}

//! AWS counts an invocation as timed out if the runtime does not ask for the next event before its deadline, answered or
//! not. So all that comes after an answer has to fit before it, with the share of the CPU that a small function has.

use std::time::{Duration, Instant};

use lambda_wasm_emulator::{ControlGroup, Invocation, Outcome};
use lambda_wasm_test_support::{Deployment, Host, PATIENCE, components};

const TIMEOUT: Duration = Duration::from_secs(1);

/// Sends an event that has a second, and checks that the next one is asked for within it.
#[track_caller]
fn asks_in_time(host: &Host, event: &str) -> Outcome {
    assert!(host.api.wait_idle(PATIENCE));
    let calls = host.api.next_calls();
    let deadline = Instant::now() + TIMEOUT;
    let outcome = host.api.invoke(Invocation::new(event).timeout(TIMEOUT));
    let left = deadline.saturating_duration_since(Instant::now());
    assert!(
        host.api.wait_next_calls(calls + 1, left),
        "{event}: `next` is not called before the deadline"
    );
    outcome
}

#[test]
fn with_the_cpu_of_128_mb_and_whatever_the_guest_does() {
    let host = Deployment::of("handler").start();
    assert!(host.api.wait_idle(PATIENCE));
    let life = host.life();
    let mut share = ControlGroup::of([host.pid()]);
    // Without control groups here, with the whole CPU.
    let _ = share.limit_cpu(128);
    for (command, error_types) in [
        ("\"loop\"", &["Function.Timeout"][..]),
        ("\"sleep:60000\"", &["Function.Timeout"]),
        ("\"out-of-bounds\"", &["Function.Trap"]),
        // With so little CPU, time may come first.
        (
            "\"allocate\"",
            &["Function.OutOfMemory", "Function.Timeout"],
        ),
    ] {
        for _ in 0..4 {
            let error = asks_in_time(&host, command).error();
            let error_type = error.error_type();
            assert!(error_types.contains(&&*error_type), "{command}: {error}");
        }
    }
    assert!(
        host.life() == life,
        "a guest that computes is no reason to restart"
    );
    host.finish();
    drop(share);
}

#[test]
fn with_a_log_that_is_not_read() {
    let (api, mut process) = Deployment::of("handler").start_unread();
    assert!(api.wait_idle(PATIENCE));
    let mut share = ControlGroup::of([process.id()]);
    // Without control groups here, with the whole CPU.
    let _ = share.limit_cpu(128);
    for _ in 0..3 {
        let calls = api.next_calls();
        let deadline = Instant::now() + TIMEOUT;
        let stuck = Invocation::new("\"long-line:1000000\"").timeout(TIMEOUT);
        let error = api.invoke(stuck).error();
        assert_eq!(error.error_type(), "Function.Timeout");
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(api.wait_next_calls(calls + 1, left), "too late");
    }
    assert_eq!(api.violations(), []);
    process.kill().unwrap();
    process.wait().unwrap();
    drop(share);
}

/// A handler whose start code computes for so long, and which then takes its time to answer.
pub fn slow_to_start(start: Duration, handle: Duration) -> Deployment {
    let (start, handle) = (start.as_nanos(), handle.as_nanos());
    let world = "import wasi:clocks/monotonic-clock@0.2.12; include lambda:function/handler-function@0.1.0;";
    let module = format!(
        r#"(module
        (import "wasi:clocks/monotonic-clock@0.2.12" "now" (func $now (result i64)))
        (memory (export "memory") 1)
        (data (i32.const 64) "\"answered\"")
        (global $heap (mut i32) (i32.const 1024))
        (func $spin (param $nanoseconds i64)
            (local $until i64)
            (local.set $until (i64.add (call $now) (local.get $nanoseconds)))
            (loop $again (br_if $again (i64.lt_u (call $now) (local.get $until)))))
        (func $start (call $spin (i64.const {start})))
        (start $start)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (global.get $heap)
            (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 7)) (i32.const -8))))
        (func (export "cabi_post_lambda:function/handler@0.1.0#handle") (param i32))
        (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32)
            (call $spin (i64.const {handle}))
            (i32.store (i32.const 0) (i32.const 0))
            (i32.store (i32.const 4) (i32.const 64))
            (i32.store (i32.const 8) (i32.const 10))
            (i32.const 0)))"#
    );
    Deployment::of_component(&components::function(world, Some(&module)))
}

#[test]
fn with_start_code_that_does_not_fit_before_the_deadline() {
    let (start, handle) = (Duration::from_millis(300), Duration::from_millis(750));
    let host = slow_to_start(start, handle)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
        .start();
    for turn in 0..2 {
        let outcome = asks_in_time(&host, "{}");
        match turn {
            // Its instance was made in the start.
            0 => assert_eq!(outcome.response().text(), "\"answered\""),
            // The next one has the start code in its own time, which is too much.
            _ => {
                let error = outcome.error();
                assert_eq!(error.error_type(), "Function.Timeout", "{error}");
            }
        }
    }
    host.finish();
}

#[test]
fn with_start_code_that_fits_the_next_instance_is_made_ahead() {
    let (start, handle) = (Duration::from_millis(300), Duration::from_millis(100));
    let host = slow_to_start(start, handle)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
        .start();
    for _ in 0..2 {
        assert!(host.api.wait_idle(PATIENCE));
        let since = Instant::now();
        assert_eq!(host.invoke("{}").response().text(), "\"answered\"");
        assert!(since.elapsed() < start, "{:?}", since.elapsed());
    }
    host.finish();
}

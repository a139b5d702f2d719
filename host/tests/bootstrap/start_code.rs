//! A component whose own start code does not end well. It runs before the first event, within Lambda's limit for that.

use std::time::{Duration, Instant};

use lambda_wasm_test_support::{Deployment, PATIENCE, components};

use crate::refusal::{Refusal, refusal};

/// Starts a function whose core module has these lines, besides what every handler has, and which does not get far.
#[track_caller]
pub fn fail_to_start(lines: &str) -> Refusal {
    let deployment = Deployment::of_component(&components::function(
        "include lambda:function/handler-function@0.1.0;",
        Some(&format!(
            r#"(module
            {lines}
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32) unreachable))"#
        )),
    ));
    let refusal = refusal(&deployment);
    assert!(
        refusal.message.starts_with("the component did not start: "),
        "{refusal:?}"
    );
    refusal
}

#[track_caller]
fn assert_innermost_frame(refusal: &Refusal, name: &str) {
    assert!(
        refusal
            .stack_trace
            .first()
            .is_some_and(|frame| frame.ends_with(&format!("!{name}"))),
        "{refusal:?}"
    );
}

#[test]
fn start_code_that_traps() {
    let refusal = fail_to_start(
        r#"(memory (export "memory") 1)
        (func $innermost unreachable)
        (func $start call $innermost)
        (start $start)"#,
    );
    assert_eq!(refusal.error_type, "Function.Trap");
    assert!(refusal.message.contains("unreachable"), "{refusal:?}");
    assert_innermost_frame(&refusal, "innermost");
    assert!(refusal.stack_trace[1].ends_with("!start"), "{refusal:?}");
}

#[test]
fn start_code_that_exits() {
    let refusal = fail_to_start(
        r#"(import "wasi:cli/exit@0.2.12" "exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func $start i32.const 1 call $exit)
        (start $start)"#,
    );
    assert_eq!(refusal.error_type, "Function.Exit");
    assert!(refusal.message.contains("code 1"), "{refusal:?}");
}

#[test]
fn start_code_that_recurses_without_end() {
    let refusal = fail_to_start(
        r#"(memory (export "memory") 1)
        (func $deeper call $deeper)
        (start $deeper)"#,
    );
    assert_eq!(refusal.error_type, "Function.StackOverflow");
    assert_innermost_frame(&refusal, "deeper");
}

#[test]
fn start_code_that_wants_too_much_memory() {
    // 128 MiB less the host's part are 96: 1,536 pages.
    let grown = fail_to_start(
        r#"(memory (export "memory") 1)
        (func $start (if (i32.eq (memory.grow (i32.const 1536)) (i32.const -1)) (then unreachable)))
        (start $start)"#,
    );
    assert_eq!(grown.error_type, "Function.OutOfMemory");
    assert!(grown.message.contains("may have 96 MiB"), "{grown:?}");
    assert!(grown.message.contains("MemorySize"), "{grown:?}");
    assert_innermost_frame(&grown, "start");

    let at_once = fail_to_start(r#"(memory (export "memory") 1537)"#);
    assert_eq!(at_once.error_type, "Function.OutOfMemory");
    assert!(at_once.message.contains("may have 96 MiB"), "{at_once:?}");
}

/// Takes as long as Lambda lets a start take: ten seconds.
#[test]
fn start_code_that_does_not_end() {
    const LAMBDAS_LIMIT: Duration = Duration::from_secs(10);
    let since = Instant::now();
    let refusal = fail_to_start(
        r#"(memory (export "memory") 1)
        (func $start (loop $again br $again))
        (start $start)"#,
    );
    // Compiling it, and starting the host, are in this time.
    let took = since.elapsed();
    assert!(
        took > LAMBDAS_LIMIT - Duration::from_millis(500),
        "{took:?}"
    );
    assert!(took < LAMBDAS_LIMIT + PATIENCE / 10, "{took:?}");
    assert_eq!(refusal.error_type, "Function.Timeout");
    assert_innermost_frame(&refusal, "start");
    let milliseconds: u128 = refusal
        .message
        .split_once("ran for ")
        .and_then(|(_, rest)| rest.split_once(" ms"))
        .map(|(number, _)| number.parse().unwrap())
        .unwrap_or_else(|| panic!("{refusal:?}"));
    assert!(milliseconds < LAMBDAS_LIMIT.as_millis(), "{refusal:?}");
}

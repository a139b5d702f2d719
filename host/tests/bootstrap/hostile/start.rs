//! Components that hurt before their first event, where there is no invocation to fail; and one whose start goes wrong later.

use std::time::Duration;

use lambda_wasm_emulator::Outcome;
use lambda_wasm_test_support::{Deployment, components};

use super::TRAP;
use crate::start_code::fail_to_start;

#[test]
fn components_that_are_too_large_do_not_start() {
    const MEMORY: &str = r#"(memory (export "memory") 1)"#;
    let memories = "(memory 100)".repeat(50);
    for (what, lines, error_type, words) in [
        (
            "many memories",
            memories.as_str(),
            "Function.OutOfMemory",
            "may have 96 MiB",
        ),
        (
            "a memory of 16 EiB",
            "(memory i64 0x1000000000000)",
            "Function.OutOfMemory",
            "may have 96 MiB",
        ),
        (
            "a table of 2^32 - 1 elements",
            "(table 0xffffffff funcref)",
            "Function.TableTooLarge",
            "and may have 1000000",
        ),
        (
            "data beyond the memory",
            r#"(data (i32.const -1) "data")"#,
            TRAP,
            "out of bounds memory access",
        ),
        (
            "elements beyond the table",
            "(table 1 funcref) (func $f) (elem (i32.const 1) func $f)",
            TRAP,
            "out of bounds table access",
        ),
    ] {
        let refusal = fail_to_start(&format!("{MEMORY} {lines}"));
        assert_eq!(refusal.error_type, error_type, "{what}: {refusal:?}");
        assert!(refusal.message.contains(words), "{what}: {refusal:?}");
    }
}

/// A function of which one start of four traps.
pub fn one_start_of_four_fails() -> Deployment {
    let module = r#"(module
        (import "wasi:random/random@0.2.12" "get-random-u64" (func $random (result i64)))
        (memory (export "memory") 2)
        (global $heap (mut i32) (i32.const 65536))
        (data (i32.const 64) "\"good\"")
        (func $start (if (i64.eqz (i64.and (call $random) (i64.const 3))) (then unreachable)))
        (start $start)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
            (global.get $heap)
            (global.set $heap (i32.add (global.get $heap) (local.get 3))))
        (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32)
            (i32.store (i32.const 4) (i32.const 64))
            (i32.store (i32.const 8) (i32.const 6))
            (i32.const 0)))"#;
    let world = "include lambda:function/handler-function@0.1.0;";
    Deployment::of_component(&components::function(world, Some(module)))
}

/// The host creates an instance before its event arrives. If that fails, it tries again when the event is there.
#[test]
fn start_code_that_fails_now_and_then_costs_invocations_and_not_the_process() {
    let deployment = one_start_of_four_fails();
    let starts = || {
        let host = deployment.start();
        // The first start may be one that fails, and then Lambda makes another.
        host.api.wait_idle(Duration::from_secs(1)).then_some(host)
    };
    let host = (0..100).find_map(|_| starts()).unwrap();
    let before = host.life();
    let (mut good, mut failed) = (0, 0);
    for _ in 0..500 {
        match host.invoke("\"\"") {
            Outcome::Response(answer) => {
                assert_eq!(answer.text(), "\"good\"");
                good += 1;
            }
            outcome => {
                let error = outcome.error();
                assert_eq!(error.error_type(), TRAP);
                let message = error.error_message();
                assert!(
                    message.starts_with("the component did not start: "),
                    "{message}"
                );
                failed += 1;
            }
        }
    }
    // One of four is made in vain, and one of four of those again.
    assert!(good > 400 && failed > 0, "{good} and {failed}");
    assert_eq!(host.life(), before, "another process");
    host.finish();
}

//! What a function may take: each limit is told with its value and with how to raise it.

use std::time::{Duration, Instant};

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::Deployment;

use super::handler_of;
use crate::refusal::refusal;

/// Has the guest exceed a limit, which costs the invocation and nothing else.
fn exceed(guest: &str, limits: &str, commands: (&str, &str), error_type: &str, words: [&str; 2]) {
    let host = Deployment::of(guest)
        .policy(format!("[limits]\n{limits}\n"))
        .start();
    let (within, beyond) = commands;
    for _ in 0..2 {
        host.command(within).response();
        let error = host.command(beyond).error();
        assert_eq!(error.error_type(), error_type, "{error}");
        let message = error.error_message();
        for words in words {
            assert!(message.contains(words), "{message}");
        }
    }
    host.finish();
}

#[test]
fn memory() {
    let words = ["may have 24 MiB", "raise `memory` under [limits]"];
    let commands = ("count", "allocate");
    exceed(
        "handler",
        "memory = \"24MiB\"",
        commands,
        "Function.OutOfMemory",
        words,
    );
}

#[test]
fn handles() {
    let words = ["than the 64 that", "raise `handles` under [limits]"];
    let commands = ("timers:20", "timers:64");
    exceed(
        "policy",
        "handles = 64",
        commands,
        "Function.TooManyHandles",
        words,
    );
}

#[test]
fn output() {
    let words = ["than the 64 KiB that", "raise `output` under [limits]"];
    let commands = ("print:64", "print:65");
    exceed(
        "policy",
        "output = \"64KiB\"",
        commands,
        "Function.TooMuchOutput",
        words,
    );
}

#[test]
fn tables() {
    let module = r#"(table $t 10 funcref)
        (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32)
            (if (i32.eq (table.grow $t (ref.null func) (i32.const 91)) (i32.const -1)) (then unreachable))
            unreachable)"#;
    let host = handler_of(module)
        .policy(
            "[limits]
tables = 100
",
        )
        .start();
    let error = host.command("").error();
    assert_eq!(error.error_type(), "Function.TableTooLarge", "{error}");
    let message = error.error_message();
    for words in [
        "of 101 elements and may have 100",
        "raise `tables` under [limits]",
    ] {
        assert!(message.contains(words), "{message}");
    }
    host.finish();
}

#[test]
fn instances() {
    // The module of the function, and two that wit-component puts around it.
    let host = Deployment::of("handler")
        .policy("[limits]\ninstances = 3\n")
        .start();
    host.command("count").response();
    host.finish();
    let deployment = Deployment::of("handler").policy("[limits]\ninstances = 2\n");
    let refusal = refusal(&deployment);
    assert_eq!(refusal.error_type, "Function.TooManyInstances");
    for words in [
        "more than 2 core instances, memories or tables",
        "\nhint: raise `instances` under [limits]",
    ] {
        assert!(refusal.message.contains(words), "{refusal:?}");
    }
}

#[test]
fn the_margin() {
    let host = Deployment::of("handler")
        .policy("[limits]\nmargin = \"700ms\"\n")
        .start();
    let since = Instant::now();
    let event = Invocation::new("\"loop\"").timeout(Duration::from_millis(1500));
    let error = host.api.invoke(event).error();
    assert_eq!(error.error_type(), "Function.Timeout");
    let took = since.elapsed();
    assert!(took > Duration::from_millis(600), "{took:?}");
    assert!(took < Duration::from_millis(1200), "{took:?}");
    host.finish();
}

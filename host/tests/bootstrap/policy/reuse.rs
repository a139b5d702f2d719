//! Instances that are kept, and what leaks where they are not.

use std::fs;
use std::time::Duration;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::{Deployment, Host, guest};

use super::handler_of;
use crate::http::get;

fn counts<const N: usize>(host: &Host) -> [String; N] {
    std::array::from_fn(|_| host.ask("count"))
}

/// The guest leaves something behind in each place that it can reach, and looks for it in the next invocation.
#[test]
fn nothing_leaks_by_default() {
    let host = Deployment::of("policy")
        .policy("[files]\n\"/var/task\" = \"read-only\"\n")
        .start();
    let mut seeds = Vec::new();
    for _ in 0..3 {
        assert_eq!(host.ask("keep:/var/task/hello.toml"), "0 false false");
        let seed = host.ask("seeds");
        assert!(!seeds.contains(&seed), "{seed} again: {seeds:?}");
        seeds.push(seed);
    }
    host.finish();
}

/// A module that answers with a global, a byte of its memory, and the sizes of its memory and table, and raises each.
const RAISES: &str = r#"(table $t 1 funcref)
    (global $g (mut i32) (i32.const 48))
    (data (i32.const 16) "\"\00\00\00\00\"")
    (data (i32.const 32) "0")
    (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32)
        (i32.store8 (i32.const 17) (global.get $g))
        (i32.store8 (i32.const 18) (i32.load8_u (i32.const 32)))
        (i32.store8 (i32.const 19) (i32.add (memory.size) (i32.const 48)))
        (i32.store8 (i32.const 20) (i32.add (table.size $t) (i32.const 48)))
        (global.set $g (i32.add (global.get $g) (i32.const 1)))
        (i32.store8 (i32.const 32) (i32.add (i32.load8_u (i32.const 32)) (i32.const 1)))
        (drop (memory.grow (i32.const 1)))
        (drop (table.grow $t (ref.null func) (i32.const 1)))
        (i32.store8 (i32.const 0) (i32.const 0))
        (i32.store (i32.const 4) (i32.const 16))
        (i32.store (i32.const 8) (i32.const 6))
        (i32.const 0))"#;

#[test]
fn no_global_memory_or_table_leaks_by_default() {
    for (policy, expected) in [("", ["0021", "0021"]), ("reuse = true\n", ["0021", "1132"])] {
        let host = handler_of(RAISES).policy(policy).start();
        assert_eq!(expected.map(|_| host.ask("")), expected, "{policy}");
        host.finish();
    }
}

#[test]
fn components_of_wasi_http_can_be_kept() {
    for guest in ["http_p2", "http_p3"] {
        let host = Deployment::of(guest).policy("reuse = true\n").start();
        for visit in 1..50 {
            assert_eq!(get(&host, "/visits")["body"], visit.to_string(), "{guest}");
        }
        host.finish();
    }
}

/// The engine of JavaScript components fails on its second request, and is known by its name in the component.
#[test]
fn an_instance_that_answers_one_request_is_not_kept() {
    let mut component = fs::read(guest("http_p2")).unwrap();
    // A custom section: its length, then its name with the name's length.
    component.extend([0, 15, 14]);
    component.extend(b"StarlingMonkey");
    let host = Deployment::of_component(&component)
        .policy("reuse = true\n")
        .start();
    for _ in 0..3 {
        assert_eq!(get(&host, "/visits")["body"], "1");
    }
    let log = host.finish().stderr;
    assert_eq!(
        log.matches("`reuse`, which has no effect").count(),
        1,
        "{log}"
    );
}

#[test]
fn a_kept_instance_has_what_it_had() {
    let policy = "reuse = true\n[files]\n\"/var/task\" = \"read-only\"\n";
    let host = Deployment::of("policy").policy(policy).start();
    for seen in ["0 false false", "1 true true", "2 true true"] {
        assert_eq!(host.ask("keep:/var/task/hello.toml"), seen);
    }
    // Its environment is from before: the trace id is in the context alone.
    for trace in ["Root=1-a", "Root=1-b"] {
        let answer = host
            .api
            .invoke(Invocation::new("\"trace\"").trace_id(trace));
        let expected = format!("None Some(\"{trace}\")");
        assert_eq!(answer.response().json().as_str(), Some(&*expected));
    }
    host.finish();
}

#[test]
fn a_failure_of_any_kind_ends_it() {
    let host = Deployment::of("policy").policy("reuse = true\n").start();
    for failing in ["fail", "trap"] {
        assert_eq!(host.ask("keep:"), "0 false false");
        assert_eq!(host.ask("keep:"), "1 false true");
        host.command(failing).error();
    }
    assert_eq!(host.ask("keep:"), "0 false false");
    let late = Invocation::new("\"unknown\"").timeout(Duration::from_secs(1));
    host.api.invoke(late).response();
    assert_eq!(host.ask("keep:"), "1 false true");
    host.finish();
}

#[test]
fn a_number_of_invocations_ends_it() {
    let host = Deployment::of("handler")
        .policy("[reuse]\nmax-invocations = 2\n")
        .start();
    assert_eq!(counts(&host), ["1", "2", "1", "2", "1"]);
    host.finish();
}

#[test]
fn its_age_ends_it() {
    let host = Deployment::of("handler")
        .policy("[reuse]\nmax-age = \"2s\"\n")
        .start();
    assert_eq!(counts(&host), ["1", "2"]);
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(host.ask("count"), "1");
    host.finish();
}

//! The host for arm64. On x86_64, an emulator of its CPU runs it, and translates what the host maps as code.

use std::time::Duration;

use lambda_wasm_emulator::{End, Invocation};
use lambda_wasm_test_support::{Deployment, Host, PATIENCE};

fn start(guest: &str) -> Option<Host> {
    Some(Deployment::of_arm64(guest)?.start())
}

#[test]
fn events_are_served_by_fresh_instances() {
    let Some(host) = start("handler") else {
        return;
    };
    let event = " \"echo: \\u00e4 ä 😀\" ";
    assert_eq!(host.invoke(event).response().text(), event);
    for _ in 0..3 {
        assert_eq!(host.ask("count"), "1");
        assert_eq!(host.ask("soil:an earlier guest"), "soiled");
        assert_eq!(host.ask("find:an earlier guest"), "0");
    }
    host.finish();
}

#[test]
fn traps_are_reported_with_their_place() {
    let Some(host) = start("handler") else {
        return;
    };
    for (command, error_type) in [
        ("panic:on purpose", "Function.Trap"),
        ("out-of-bounds", "Function.Trap"),
        ("recurse", "Function.StackOverflow"),
    ] {
        let error = host.command(command).error();
        assert_eq!(error.error_type(), error_type, "{error}");
        // Names may be mangled or cut: there is little time for them, and an emulator is slow.
        let trace = error.stack_trace();
        assert!(trace.len() > 1, "{error}");
        assert!(
            trace.iter().all(|frame| frame.contains(".wasm!")),
            "{error}"
        );
        assert_eq!(host.ask("count"), "1", "after {command}");
    }
    host.finish();
}

#[test]
fn a_guest_that_does_not_end_is_stopped() {
    let Some(deployment) = Deployment::of_arm64("handler") else {
        return;
    };
    // Time for an emulator to answer in, on a busy machine.
    let host = deployment.policy("[limits]\nmargin = \"1 s\"\n").start();
    assert!(host.api.wait_idle(PATIENCE));
    for (command, why) in [("loop", "it computed"), ("sleep:60000", "it waited in")] {
        let event = Invocation::new(format!("{command:?}")).timeout(Duration::from_secs(2));
        let error = host.api.invoke(event).error();
        assert_eq!(error.error_type(), "Function.Timeout");
        let message = error.error_message();
        assert!(message.contains(why), "{message}");
        assert_eq!(host.ask("count"), "1", "after {command}");
    }
    host.finish();
}

#[test]
fn responses_are_streamed() {
    let Some(host) = start("streaming") else {
        return;
    };
    for command in ["chunks?n=3&size=2", "busy-chunks?n=3&size=2&spin=30"] {
        let (chunks, end) = host.command(command).streamed().wait();
        let bytes: Vec<_> = chunks
            .iter()
            .flat_map(|chunk| chunk.bytes.to_vec())
            .collect();
        assert_eq!(bytes, b"aabbcc", "{command}");
        assert!(matches!(end, End::Complete), "{command}: {end:?}");
    }
    host.finish();
}

#[test]
fn components_of_wasi_http_answer_requests() {
    for guest in ["http_p2", "http_p3"] {
        let Some(host) = start(guest) else {
            return;
        };
        let event = crate::http::event("GET", "/chunks", "");
        let response = host.invoke(event).response().json();
        assert_eq!(response["statusCode"], 200);
        assert_eq!(
            response["body"],
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbcccccccccccccccc"
        );
        host.finish();
    }
}

//! How a guest can end instead of answering. After each the same process serves the next event.

use lambda_wasm_emulator::Post;
use lambda_wasm_test_support::{Deployment, Host, cpu_emulator};
use serde_json::Value;

/// Has the guest crash, and returns the error and its X-Ray cause.
fn crash(host: &Host, command: &str) -> (Post, Value) {
    let pid = host.pid();
    let error = host.command(command).error();
    assert_eq!(
        error.header("lambda-runtime-function-error-type"),
        Some(&*error.error_type())
    );
    let cause = error
        .header("lambda-runtime-function-xray-error-cause")
        .expect("a crash has a cause for X-Ray");
    let cause: Value = serde_json::from_str(cause).unwrap();
    assert_eq!(cause["exceptions"][0]["type"], error.error_type());
    assert_eq!(host.ask("count"), "1", "after {command}");
    assert_eq!(host.pid(), pid);
    (error, cause)
}

/// Whether the stack trace has a frame with this name, demangled. Names have little time, which is over before an emulator of
/// another CPU has demangled the first.
pub fn has_frame(error: &Post, name: &str) -> bool {
    let frames = error.stack_trace();
    if cpu_emulator().is_some() {
        return frames.len() > 1 && frames.iter().all(|frame| frame.contains(".wasm!"));
    }
    frames.iter().any(|frame| frame.contains(name))
}

#[test]
fn a_panic_says_its_message_and_where() {
    let host = Deployment::of("handler").start();
    let (error, _) = crash(&host, "panic:on purpose");
    assert_eq!(error.error_type(), "Function.Trap");
    let message = error.error_message();
    assert!(
        message.contains("the guest panics: on purpose"),
        "{message}"
    );
    assert!(message.contains("unreachable"), "{message}");
    // Demangled, with the module and an offset.
    assert!(has_frame(&error, "handler::panics"), "{error}");
    let output = host.finish();
    assert!(
        output.stderr.contains("Function.Trap"),
        "the log says it too: {}",
        output.stderr
    );
    let said = output.stderr.matches("the guest panics: on purpose");
    assert_eq!(said.count(), 1, "{}", output.stderr);
}

#[test]
fn a_denied_allocation_is_not_blamed_for_a_later_trap() {
    let host = Deployment::of("handler").start();
    let (error, _) = crash(&host, "denied-then-out-of-bounds");
    assert_eq!(error.error_type(), "Function.Trap");
    host.finish();
}

#[test]
fn data_handed_to_the_host_at_once_is_limited() {
    let host = Deployment::of("handler").start();
    let (error, _) = crash(&host, "big:60000000");
    assert_eq!(error.error_type(), "Function.TooMuchData");
    assert_eq!(host.ask("random:1048576"), "1048576");
    for bytes in ["1048577", "18446744073709551615"] {
        let (error, _) = crash(&host, &format!("random:{bytes}"));
        assert_eq!(error.error_type(), "Function.TooMuchData");
        let message = error.error_message();
        assert!(
            message.contains("more than 1 MiB of random bytes"),
            "{message}"
        );
        assert!(message.contains(bytes), "{message}");
    }
    host.finish();
}

#[test]
fn a_trap_says_which_and_where() {
    let host = Deployment::of("handler").start();
    let (error, cause) = crash(&host, "out-of-bounds");
    assert_eq!(error.error_type(), "Function.Trap");
    assert!(
        error
            .error_message()
            .contains("out of bounds memory access"),
        "{error}"
    );
    assert!(has_frame(&error, "handler::out_of_bounds"), "{error}");
    assert!(
        cause["exceptions"][0]["stack"][0]["label"]
            .as_str()
            .unwrap()
            .contains("handler"),
        "{cause}"
    );
    host.finish();
}

#[test]
fn an_exit_says_its_code() {
    let host = Deployment::of("handler").start();
    for code in ["0", "3"] {
        let (error, _) = crash(&host, &format!("exit:{code}"));
        assert_eq!(error.error_type(), "Function.Exit");
        // WASI 0.2's exit has success and failure only.
        let expected = if code == "0" { "code 0" } else { "code 1" };
        assert!(error.error_message().contains(expected), "{error}");
    }
    host.finish();
}

#[test]
fn a_recursion_without_end_uses_up_its_stack() {
    let host = Deployment::of("handler").start();
    let (error, _) = crash(&host, "recurse");
    assert_eq!(error.error_type(), "Function.StackOverflow");
    assert!(has_frame(&error, "handler::recurse"), "{error}");
    host.finish();
}

#[test]
fn memory_ends_at_the_functions_limit_and_not_at_the_processs() {
    let host = Deployment::of("handler").start();
    let (error, _) = crash(&host, "allocate");
    assert_eq!(error.error_type(), "Function.OutOfMemory");
    let message = error.error_message();
    assert!(message.contains("may have 96 MiB"), "{message}");
    assert!(message.contains("MemorySize"), "{message}");
    host.finish();
}

//! Core dumps of guests that trapped.

use std::fs;

use lambda_wasm_emulator::Invocation;

use super::Granted;

/// The error's message of a trap, and the host's log.
fn trap(policy: &str, id: &str) -> (String, String) {
    let (host, _folder) = Granted::new("policy", policy).start();
    let event = Invocation::new("\"trap\"").request_id(id);
    let error = host.api.invoke(event).error().json();
    assert_eq!(error["errorType"], "Function.Trap");
    assert!(!error["stackTrace"].as_array().unwrap().is_empty());
    assert_eq!(host.ask("keep:"), "0 false false");
    let message = error["errorMessage"].as_str().unwrap().to_owned();
    (message, host.finish().stderr)
}

#[test]
fn one_is_written_where_it_is_asked_for_and_the_log_says_where() {
    let id = format!("test-{}", std::process::id());
    let path = format!("/tmp/{id}.coredump");
    let (message, log) = trap("coredump = true\n", &id);
    let dump = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(message.contains("on purpose"), "{message}");
    assert!(log.contains(&format!("Its core dump is {path}")), "{log}");
    // A module with a section of this name: https://github.com/WebAssembly/tool-conventions/blob/main/Coredump.md
    assert!(dump.starts_with(b"\0asm"));
    assert!(dump.windows(9).any(|part| part == b"corestack"));

    let (message, _) = trap("", &id);
    assert!(!message.contains("core dump"), "{message}");
    assert!(!fs::exists(&path).unwrap());
}

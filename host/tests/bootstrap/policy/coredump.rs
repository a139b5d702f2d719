//! Core dumps of guests that trapped.

use std::fs;
use std::path::Path;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::{Deployment, Host};

use super::handler_of;
use crate::refusal::refusal;

/// The error's message of a trap.
fn trap(host: &Host, id: &str) -> String {
    let event = Invocation::new("\"trap\"").request_id(id);
    let error = host.api.invoke(event).error();
    assert_eq!(error.error_type(), "Function.Trap");
    assert!(!error.stack_trace().is_empty());
    assert_eq!(host.ask("keep:"), "0 false false");
    error.error_message()
}

fn policy(directory: &Path) -> String {
    format!("coredump = \"{}\"\n", directory.display())
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The numbers of a module's sections, which end where the module does.
fn sections(module: &[u8]) -> Vec<u8> {
    let mut rest = &module[8..];
    let mut numbers = Vec::new();
    while let [number, after @ ..] = rest {
        let length = after.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        let size = after[..length].iter().rev();
        let size = size.fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f));
        numbers.push(*number);
        rest = &after[length + size..];
    }
    numbers
}

#[test]
fn a_dump_is_written_and_its_path_is_logged() {
    let dumps = tempfile::tempdir().unwrap();
    let host = Deployment::of("policy")
        .policy(policy(dumps.path()))
        .start();
    let message = trap(&host, "test-1");
    let path = dumps.path().join("test-1.coredump");
    let said = format!("Its core dump is {}", path.display());
    assert!(message.contains("on purpose"), "{message}");
    assert!(message.contains(&said), "{message}");
    assert!(host.finish().stderr.contains(&said));
    let dump = fs::read(&path).unwrap();
    // A module with a section of this name: https://github.com/WebAssembly/tool-conventions/blob/main/Coredump.md
    assert!(dump.starts_with(b"\0asm"));
    assert!(has(&dump, b"corestack"));
    assert!(has(&dump, b"on purpose"), "what is in the memory");
    let sections = sections(&dump);
    assert!(sections.contains(&11), "{sections:?}");
    assert_eq!(fs::read_dir(dumps.path()).unwrap().count(), 1);

    let host = Deployment::of("policy").start();
    let message = trap(&host, "test-2");
    assert!(!message.contains("core dump"), "{message}");
    host.finish();
}

#[test]
fn a_process_writes_at_most_four_dumps() {
    let dumps = tempfile::tempdir().unwrap();
    let host = Deployment::of("policy")
        .policy(policy(dumps.path()))
        .start();
    for number in 1..=6 {
        let message = trap(&host, &format!("test-{number}"));
        let is_written = message.contains("Its core dump is ");
        assert_eq!(is_written, number <= 4, "{message}");
        assert!(
            is_written || message.contains("there are 4 already"),
            "{message}"
        );
    }
    assert_eq!(fs::read_dir(dumps.path()).unwrap().count(), 4);
    host.finish();
}

/// A handler that fills so many MiB of its memory with ones, and traps.
fn filling(mib: u32, policy: &str) -> Deployment {
    let code = format!(
        r#"(func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32)
            (drop (memory.grow (i32.const {})))
            (memory.fill (i32.const 131072) (i32.const 1) (i32.const {}))
            unreachable)
        (func (export "cabi_post_lambda:function/handler@0.1.0#handle") (param i32))"#,
        mib * 16,
        mib * 1024 * 1024
    );
    handler_of(&code).policy(policy)
}

/// The function has 128 MiB: Lambda would end a process that has more.
#[test]
fn a_dump_takes_little_memory_and_disk_space() {
    let dumps = tempfile::tempdir().unwrap();
    for (mib, is_written) in [(44, true), (80, false)] {
        let host = filling(mib, &policy(dumps.path())).start();
        let event = Invocation::new("1").request_id(&format!("test-{mib}"));
        let error = host.api.invoke(event).error();
        assert_eq!(error.error_type(), "Function.Trap");
        let message = error.error_message();
        assert_eq!(
            message.contains("Its core dump is "),
            is_written,
            "{message}"
        );
        assert!(is_written || message.contains("KiB are left"), "{message}");
        let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
        let peak = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        let peak: u32 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(peak < 110 * 1024, "{mib}: {peak} KiB");
        host.finish();
    }
    let names = fs::read_dir(dumps.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["test-44.coredump"]);
}

#[test]
fn dumps_in_granted_directories_fail_the_start() {
    for (policy, words) in [
        (
            "coredump = true\n[files]\n\"/tmp\" = \"read-only\"\n",
            "core dumps are written to /tmp, and [files] grants \"/tmp\"",
        ),
        (
            "coredump = \"/tmp/dumps\"\n[files]\n\"/tmp\" = \"read-write\"\n",
            "core dumps are written to /tmp/dumps, and [files] grants \"/tmp\"",
        ),
        (
            // By another name of the function's own folder.
            "coredump = \"HERE/dumps\"\n[files]\n\"/var/task\" = \"read-only\"\n",
            "/dumps, and [files] grants \"/var/task\"",
        ),
    ] {
        let deployment = Deployment::of("policy");
        let here = deployment.path().to_str().unwrap().to_owned();
        let refusal = refusal(&deployment.policy(policy.replace("HERE", &here)));
        assert_eq!(refusal.error_type, "Runtime.InvalidPolicy");
        assert!(refusal.message.contains(words), "{}", refusal.message);
        assert!(refusal.message.contains("\nhint: "), "{}", refusal.message);
    }
}

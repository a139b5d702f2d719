//! Components of the world `streaming-function`: JSON in, a stream of bytes out.

use lambda_wasm_emulator::{End, Outcome};
use lambda_wasm_test_support::{Deployment, Host};

fn start() -> Host {
    Deployment::of("streaming").start()
}

/// The bytes that a command's answer has, and how it ended.
fn run(host: &Host, command: &str) -> (Vec<u8>, End) {
    let stream = host.command(command).streamed();
    assert_eq!(
        stream.header("content-type"),
        Some("application/octet-stream")
    );
    let (chunks, end) = stream.wait();
    let bytes = chunks.iter().flat_map(|chunk| chunk.bytes.to_vec());
    (bytes.collect(), end)
}

#[test]
fn written_bytes_are_the_response() {
    let host = start();
    for (command, expected) in [
        ("chunks?n=3&size=2", "aabbcc"),
        ("busy-chunks?n=3&size=2&spin=30", "aabbcc"),
        ("empty", ""),
        ("after?ms=200", "whole\n"),
    ] {
        let (bytes, end) = run(&host, command);
        assert_eq!(String::from_utf8_lossy(&bytes), expected, "{command}");
        assert!(matches!(end, End::Complete), "{command}: {end:?}");
    }
    let output = host.finish();
    assert!(output.stdout.contains("after done"), "{}", output.stdout);
}

#[test]
fn a_failure_before_the_first_byte_takes_the_answers_place() {
    let host = start();
    for (command, error_type) in [
        ("fail", "AsItSays"),
        ("trap", "Function.Trap"),
        ("sleep", "Function.Timeout"),
        ("loop", "Function.Timeout"),
        ("what?", "UnknownCommand"),
    ] {
        let error = host.command(command).error();
        assert_eq!(error.error_type(), error_type, "{command}: {error}");
    }
    host.finish();
}

#[test]
fn a_failure_after_the_first_byte_is_in_the_trailers() {
    let host = start();
    for (command, error_type) in [
        ("unfinished", "AsItSays"),
        ("trap-after-chunk", "Function.Trap"),
        ("loop-in-stream", "Function.Timeout"),
        ("wait-in-stream", "Function.Timeout"),
    ] {
        let error = match host.command(command) {
            // It failed before its first chunk had left.
            Outcome::Error(error) if !command.ends_with("-in-stream") => error,
            other => {
                let (chunks, end) = other.streamed().wait();
                assert_eq!(chunks.concat_bytes(), b"first\n", "{command}");
                let End::Failed(error) = end else {
                    panic!("{command}: {end:?}");
                };
                error
            }
        };
        assert_eq!(error.error_type(), error_type, "{command}");
    }
    assert_eq!(run(&host, "chunks?n=1&size=1").0, b"a");
    host.finish();
}

#[test]
fn without_streaming_the_answer_is_collected() {
    let host = Deployment::of("streaming")
        .policy("stream = false\n")
        .start();
    let answer = host.command("chunks?n=3&size=2").response();
    assert_eq!(answer.text(), "aabbcc");
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
    let error = host.command("unfinished").error();
    assert_eq!(error.error_type(), "AsItSays");
    host.finish();
}

trait Bytes {
    fn concat_bytes(&self) -> Vec<u8>;
}

impl Bytes for Vec<lambda_wasm_emulator::Chunk> {
    fn concat_bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect()
    }
}

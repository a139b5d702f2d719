//! Answers that leave as they are made.

use std::time::{Duration, Instant};

use lambda_wasm_emulator::runtime_api::split_prelude;
use lambda_wasm_emulator::{AnswerStream, End, Invocation, Outcome};
use lambda_wasm_test_support::Deployment;
use serde_json::{Value, json};

use super::{BOTH, ask, event, start_streaming};

/// What a streamed HTTP answer is in the end.
pub struct Answer {
    pub prelude: Value,
    pub body: Vec<u8>,
    pub end: End,
}

/// All of an answer.
pub fn whole(stream: AnswerStream) -> Answer {
    assert_eq!(
        stream.header("content-type"),
        Some("application/vnd.awslambda.http-integration-response")
    );
    let (chunks, end) = stream.wait();
    let all: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.bytes.to_vec())
        .collect();
    let (prelude, body) = split_prelude(&all).unwrap();
    Answer {
        prelude: serde_json::from_slice(prelude).unwrap(),
        body: body.to_vec(),
        end,
    }
}

/// It sends what a REST API does, and takes no streams.
#[test]
fn an_http_api_gets_it_whole_with_payload_1_too() {
    for name in BOTH {
        let host = start_streaming(name);
        let event = |version: &str| json!({ "version": version, "httpMethod": "GET", "path": "/empty", "requestContext": {} });
        let answer = host.invoke(event("1.0").to_string()).response().json();
        assert_eq!(answer["statusCode"], 200, "{name}");
        let answer = whole(host.invoke(event("").to_string()).streamed());
        assert_eq!(answer.prelude["statusCode"], 200, "{name}");
        host.finish();
    }
}

#[test]
fn the_prelude_and_the_body() {
    for name in BOTH {
        let host = start_streaming(name);
        for (target, body) in [
            ("/chunks?n=3&size=2", "aabbcc"),
            ("/chunks?n=3&size=2&pause=20", "aabbcc"),
            ("/empty", ""),
            ("/no-body", ""),
        ] {
            let answer = whole(ask(&host, "GET", target, "").streamed());
            assert_eq!(answer.prelude["statusCode"], 200);
            assert_eq!(
                String::from_utf8_lossy(&answer.body),
                body,
                "{name} {target}"
            );
            assert!(
                matches!(answer.end, End::Complete),
                "{name} {target}: {:?}",
                answer.end
            );
        }
        host.finish();
    }
}

#[test]
fn chunks_arrive_while_the_function_works() {
    for name in BOTH {
        for work in [
            "chunks?n=3&size=5&pause=700",
            "busy-chunks?n=3&size=5&spin=700",
        ] {
            let host = start_streaming(name);
            let (chunks, end) = ask(&host, "GET", &format!("/{work}"), "").streamed().wait();
            assert!(matches!(end, End::Complete), "{name} {work}: {end:?}");
            let at = |letters: &[u8]| {
                chunks
                    .iter()
                    .find(|chunk| chunk.bytes.windows(5).any(|window| window == letters))
                    .unwrap_or_else(|| panic!("{name} {work}: no such chunk in {chunks:?}"))
                    .at
            };
            let between = [at(b"bbbbb") - at(b"aaaaa"), at(b"ccccc") - at(b"bbbbb")];
            for between in between {
                assert!(between.as_millis() >= 200, "{name} {work}: {between:?}");
            }
            host.finish();
        }
    }
}

#[test]
fn an_error_before_the_first_byte_is_an_ordinary_one() {
    for name in BOTH {
        let host = start_streaming(name);
        for (target, error_type) in [
            ("/trap", "Function.Trap"),
            ("/trap-after-head?ms=50", "Function.Trap"),
            ("/fail", "Function.UnfinishedResponse"),
            ("/loop-after-head", "Function.Timeout"),
        ] {
            let error = ask(&host, "GET", target, "").error();
            assert_eq!(error.error_type(), error_type, "{name} {target}: {error}");
        }
        host.finish();
    }
}

#[test]
fn an_error_after_the_first_byte_is_in_the_trailers() {
    for name in BOTH {
        let host = start_streaming(name);
        for (target, error_type) in [
            ("/trap-after-chunk", "Function.Trap"),
            ("/unfinished", "Function.UnfinishedResponse"),
            ("/loop-in-stream", "Function.Timeout"),
            ("/wait-in-stream", "Function.Timeout"),
        ] {
            let outcome = ask(&host, "GET", target, "");
            if matches!(outcome, Outcome::Error(_)) && target != "/loop-in-stream" {
                // It failed before its first chunk had left.
                continue;
            }
            let answer = whole(outcome.streamed());
            assert_eq!(answer.body, b"first\n", "{name} {target}");
            let End::Failed(error) = answer.end else {
                panic!("{name} {target}: {:?}", answer.end);
            };
            assert_eq!(error.error_type(), error_type, "{name} {target}");
            assert_eq!(
                error.header("lambda-runtime-function-error-type"),
                Some(error_type)
            );
        }
        assert!(matches!(
            whole(ask(&host, "GET", "/empty", "").streamed()).end,
            End::Complete
        ));
        host.finish();
    }
}

#[test]
fn a_long_answer_needs_no_more_memory_than_a_short_one() {
    const LENGTH: usize = 200_000_000;
    for name in BOTH {
        let host = Deployment::of(name)
            .policy("stream = true\n")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .start();
        let stream = host
            .api
            .submit(
                Invocation::new(event("GET", &format!("/big?bytes={LENGTH}"), ""))
                    .timeout(Duration::from_secs(60)),
            )
            .wait()
            .streamed();
        let (mut stream, mut length) = (stream, 0);
        let mut prelude = Some(Vec::new());
        while let Some(chunk) = stream.wait_next() {
            let mut bytes = chunk.bytes.to_vec();
            if let Some(mut head) = prelude.take() {
                head.extend(bytes);
                match split_prelude(&head) {
                    Some((_, body)) => bytes = body.to_vec(),
                    None => {
                        prelude = Some(head);
                        continue;
                    }
                }
            }
            for (position, byte) in (length..).zip(&bytes) {
                assert_eq!(*byte, (position % 251) as u8, "{name} at {position}");
            }
            length += bytes.len();
        }
        assert_eq!(length, LENGTH, "{name}");
        let peak = peak_memory_kib(host.pid());
        assert!(peak < 64 * 1024, "{name}: {peak} KiB");
        host.finish();
    }
}

/// The most memory that a process has had, in KiB.
fn peak_memory_kib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let peak = line.and_then(|line| line.split_whitespace().nth(1));
    peak.unwrap().parse().unwrap()
}

#[test]
fn a_reader_that_stalls_is_left_at_the_deadline() {
    for name in BOTH {
        let host = start_streaming(name);
        let began = Instant::now();
        let big = event("GET", "/big?bytes=200000000", "");
        let mut stream = host
            .api
            .invoke(Invocation::new(big).timeout(Duration::from_millis(1500)))
            .streamed();
        assert!(stream.wait_next().is_some());
        // Nothing is read until a second after the deadline, when the connection has ended.
        std::thread::sleep(Duration::from_millis(2500).saturating_sub(began.elapsed()));
        let (_, end) = stream.wait();
        assert!(matches!(end, End::Cut | End::TimedOut), "{name}: {end:?}");
        assert!(matches!(
            whole(ask(&host, "GET", "/empty", "").streamed()).end,
            End::Complete
        ));
        let output = host.finish();
        assert!(
            output.stderr.contains("Function.Timeout"),
            "{}",
            output.stderr
        );
    }
}

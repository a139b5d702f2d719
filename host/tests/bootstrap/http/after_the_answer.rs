//! Work after the response: the answer is out, the component runs on, and only then is the next event asked for.

use std::time::{Duration, Instant};

use super::{BOTH, ask, get, start, start_streaming};

#[test]
fn the_answer_does_not_wait_for_the_work_after_it() {
    for name in BOTH {
        for stream in [false, true] {
            for work in ["/after?ms=1000", "/after?ms=1000&spin"] {
                let host = if stream {
                    start_streaming(name)
                } else {
                    start(name)
                };
                let began = Instant::now();
                let outcome = ask(&host, "GET", work, "");
                if !stream {
                    assert_eq!(outcome.response().json()["body"], "whole\n");
                } else {
                    let (chunks, end) = outcome.streamed().wait();
                    assert!(
                        matches!(end, lambda_wasm_emulator::End::Complete),
                        "{end:?}"
                    );
                    assert!(chunks.last().unwrap().bytes.ends_with(b"whole\n"));
                }
                let answered = began.elapsed();
                assert!(
                    answered < Duration::from_millis(700),
                    "{name} {stream} {work}: {answered:?}"
                );
                assert_eq!(get_any(&host), 200);
                assert!(began.elapsed() >= Duration::from_millis(1000));
                let output = host.finish();
                assert!(output.stdout.contains("after done"), "{}", output.stdout);
            }
        }
    }
}

/// The status of an empty response, however it is sent.
fn get_any(host: &lambda_wasm_test_support::Host) -> u64 {
    match ask(host, "GET", "/empty", "") {
        lambda_wasm_emulator::Outcome::Streamed(stream) => {
            let (chunks, _) = stream.wait();
            let all: Vec<u8> = chunks
                .iter()
                .flat_map(|chunk| chunk.bytes.to_vec())
                .collect();
            let (prelude, _) = lambda_wasm_emulator::runtime_api::split_prelude(&all).unwrap();
            let prelude: serde_json::Value = serde_json::from_slice(prelude).unwrap();
            prelude["statusCode"].as_u64().unwrap()
        }
        other => other.response().json()["statusCode"].as_u64().unwrap(),
    }
}

#[test]
fn failures_after_the_response_are_logged() {
    for name in BOTH {
        let host = start(name);
        assert_eq!(get(&host, "/trap-after")["body"], "whole\n");
        assert_eq!(get(&host, "/loop-after")["body"], "whole\n");
        assert_eq!(get(&host, "/empty")["statusCode"], 200);
        let output = host.finish();
        assert!(
            output.stderr.contains("Function.Trap"),
            "{name}: {}",
            output.stderr
        );
        assert!(
            output.stderr.contains("Function.Timeout"),
            "{name}: {}",
            output.stderr
        );
    }
}

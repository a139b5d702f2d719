//! The file descriptors of the process: Lambda allows 1,024, and each worker has its share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lambda_wasm_emulator::{End as StreamEnd, Invocation};
use lambda_wasm_test_support::{Deployment, PATIENCE};

use super::{Bystander, End, Fails, LONG};

const TMP: &str = "[files]\n\"/tmp\" = \"read-write\"\n";
const TOO_MANY: End<'static> = Fails("Function.TooManyHandles", "RLIMIT_NOFILE");

fn start(guest: &str, policy: &str, good: &'static str, workers: &str) -> Bystander {
    let deployment = Deployment::of(guest)
        .policy(policy)
        .descriptors(1024)
        .env("AWS_LAMBDA_MAX_CONCURRENCY", workers)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024");
    Bystander::start(deployment, good)
}

#[test]
fn a_guest_that_opens_more_than_its_share_is_stopped() {
    for workers in ["1", "4"] {
        let bystander = start("hostile", TMP, "\"good\"", workers);
        for _ in 0..3 {
            let event = Invocation::new("\"open-all:/tmp\"").timeout(LONG);
            bystander.endure("all descriptors", event, TOO_MANY);
        }
        bystander.finish();
    }
}

/// The neighbours open their directories while a guest holds all that it could get.
#[test]
fn neighbours_have_their_descriptors_and_complete_responses() {
    let bystander = start("streaming", TMP, "\"good\"", "4");
    let api = &bystander.host.api;
    for (wanted, is_too_many) in [(1012, true), (200, false)] {
        let is_done = AtomicBool::new(false);
        let event = format!("\"open?n={wanted}&ms=1000\"");
        let greedy = api.submit(Invocation::new(event).timeout(LONG));
        let outcome = thread::scope(|scope| {
            let greedy = scope.spawn(|| {
                let outcome = greedy.wait();
                is_done.store(true, Ordering::Relaxed);
                outcome
            });
            while !is_done.load(Ordering::Relaxed) {
                let neighbour = api.invoke(Invocation::new("\"chunks?n=3&size=10\""));
                let (chunks, end) = neighbour.streamed().wait();
                assert!(matches!(end, StreamEnd::Complete), "{wanted}: {end:?}");
                let length: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
                assert_eq!(length, 30, "{wanted}");
            }
            greedy.join().unwrap()
        });
        if is_too_many {
            let error = outcome.error();
            assert_eq!(error.error_type(), "Function.TooManyHandles", "{error}");
        } else {
            let (chunks, _) = outcome.streamed().wait();
            assert_eq!(&*chunks[0].bytes, b"good 200\n");
        }
        bystander.goes_on("many files");
    }
    bystander.finish();
}

#[test]
fn wasi_0_3_has_the_same_share() {
    const GOOD: &str = r#"{"version":"2.0","rawPath":"/good","requestContext":{"domainName":"id.lambda-url.eu-west-1.on.aws","http":{"method":"GET","path":"/good"}}}"#;
    // Nothing in it comes and goes while it is listed.
    let policy = "[files]\n\"/var/task\" = \"read-only\"\n";
    let bystander = start("hostile_p3", policy, GOOD, "4");
    let request = |path: &str| Invocation::new(GOOD.replace("/good", path)).timeout(LONG);
    for path in ["/open-all", "/open-at-once", "/list-all"] {
        bystander.endure(path, request(path), TOO_MANY);
    }
    // What was closed is not counted any more.
    let outcome = bystander.host.api.invoke(request("/list-again"));
    assert_eq!(outcome.response().json()["body"], "good");
    bystander.finish();
}

#[test]
fn more_workers_than_there_are_descriptors_for_are_refused() {
    let host = Deployment::of("streaming")
        .descriptors(1024)
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "256")
        .start();
    let error = host.api.wait_init_error(PATIENCE).unwrap();
    assert_eq!(error.error_type(), "Runtime.NoResources", "{error}");
    let message = error.error_message();
    let words = "256 workers need 1312 file descriptors, and the process may have 1024";
    assert!(message.contains(words), "{message}");
    assert!(message.contains("AWS_LAMBDA_MAX_CONCURRENCY"), "{message}");
    host.wait();
}

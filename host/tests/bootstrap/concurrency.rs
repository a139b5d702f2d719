//! Several invocations at once, as on Lambda Managed Instances.

use std::time::{Duration, Instant};

use lambda_wasm_emulator::{Invocation, Outcome};
use lambda_wasm_test_support::{Deployment, PATIENCE};

use crate::hostile::start::one_start_of_four_fails;
use crate::next_in_time::slow_to_start;

const WORKERS: usize = 4;

#[test]
fn as_many_workers_as_asked_for_run_at_once_and_keep_their_contexts_apart() {
    let host = Deployment::of("handler")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", &WORKERS.to_string())
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048")
        .start();
    assert!(
        host.api.wait_workers(WORKERS, PATIENCE),
        "not all workers ask for events"
    );
    let since = Instant::now();
    let sleeping: Vec<_> = (0..WORKERS)
        .map(|_| host.api.submit(Invocation::new("\"sleep:400\"")))
        .collect();
    for pending in sleeping {
        assert_eq!(pending.wait().response().text(), "\"woke\"");
    }
    assert!(
        since.elapsed() < Duration::from_millis(400 * WORKERS as u64 - 200),
        "they ran one after the other"
    );

    let traced: Vec<_> = (0..20)
        .map(|n| {
            let trace = format!("Root=1-{n}");
            (
                host.api
                    .submit(Invocation::new("\"env:_X_AMZN_TRACE_ID\"").trace_id(&trace)),
                trace,
            )
        })
        .collect();
    for (pending, trace) in traced {
        assert_eq!(pending.wait().response().text(), format!("{trace:?}"));
    }
    assert_eq!(
        host.api.connections(),
        WORKERS,
        "each worker keeps its connection"
    );
    host.finish();
}

#[test]
fn a_deadline_of_one_worker_leaves_the_others_alone() {
    let host = Deployment::of("handler")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "2")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048")
        .start();
    let runaway = host
        .api
        .submit(Invocation::new("\"loop\"").timeout(Duration::from_millis(500)));
    let patient = host.api.submit(Invocation::new("\"sleep:900\""));
    assert_eq!(runaway.wait().error().error_type(), "Function.Timeout");
    assert_eq!(patient.wait().response().text(), "\"woke\"");
    host.finish();
}

#[test]
fn the_first_worker_does_not_wait_for_the_others() {
    let host = slow_to_start(Duration::from_millis(30), Duration::ZERO)
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "32")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048")
        .start();
    assert!(host.api.wait_workers(1, PATIENCE));
    let first = Instant::now();
    assert_eq!(host.invoke("{}").response().text(), "\"answered\"");
    assert!(host.api.wait_workers(32, PATIENCE));
    // The start code of the others takes 930 ms.
    let others = first.elapsed();
    assert!(others > Duration::from_millis(500), "{others:?}");
    host.finish();
}

/// One of four instances of this function does not start.
#[test]
fn start_code_that_fails_in_other_workers_costs_invocations_and_not_the_process() {
    let deployment = one_start_of_four_fails().env("AWS_LAMBDA_MAX_CONCURRENCY", "32");
    let starts = || {
        let host = deployment.start();
        host.api
            .wait_workers(32, Duration::from_secs(1))
            .then_some(host)
    };
    let host = (0..100).find_map(|_| starts()).unwrap();
    for _ in 0..100 {
        match host.invoke("\"\"") {
            Outcome::Response(answer) => assert_eq!(answer.text(), "\"good\""),
            outcome => assert_eq!(outcome.error().error_type(), "Function.Trap"),
        }
    }
    host.finish();
}

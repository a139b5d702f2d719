//! The short form of `./build.sh soak`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use lambda_wasm_soak::clock;
use lambda_wasm_soak::run::{Options, run};
use lambda_wasm_test_support::tools;

/// The kinds of faults that a run of this size has at least.
const KINDS: usize = 18;

#[test]
fn every_invocation_has_one_answer_or_a_reason() {
    // The events and the faults are always the same. Their order in time is not.
    let seed = std::env::var("LAMBDA_WASM_SEED").map_or(1, |seed| seed.parse().unwrap());
    let options = Options {
        seed,
        invocations: 3000,
        time: Duration::ZERO,
        events_per_process: 300,
        workers: vec![1, 4, 32],
        patience: Duration::from_secs(60),
        runtime: None,
    };
    let counts = run(&options, |_| {}).unwrap();
    assert!(
        counts.wrong.is_empty(),
        "seed {seed}: {:?}\n{}",
        counts.wrong,
        counts.described.join("\n")
    );
    assert_eq!(counts.answered + counts.reported, counts.handed_out);
    assert!(counts.faults.len() >= KINDS, "{:?}", counts.faults);
    match clock::obstacle() {
        None => assert!(counts.faults.contains_key("process: the clock was set")),
        Some(why) => tools::skip("clocks that are set in the soak", why),
    }
}

//! The suite finds each kind of bug: a runtime has one at a time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use lambda_wasm_soak::ledger::{Counts, Wrong};
use lambda_wasm_soak::run::{Options, run};

/// How many events a runtime gets.
const EVENTS: u64 = 1000;

/// How many a runtime gets that leaks: 4 workers have to have their size, and to grow afterwards.
const EVENTS_TO_GROW: u64 = 3000;

/// Runs a runtime with a bug, with this number of workers.
fn with_bug(bug: &str, workers: usize) -> Counts {
    let events = match bug.starts_with("leaks") {
        true => EVENTS_TO_GROW,
        false => EVENTS,
    };
    run(&options(bug, workers, events), |_| {}).unwrap()
}

/// A run of one process that gets so many events.
fn options(bug: &str, workers: usize, events: u64) -> Options {
    Options {
        seed: 1,
        invocations: events,
        time: Duration::ZERO,
        events_per_process: events,
        workers: vec![workers],
        patience: Duration::from_secs(4),
        runtime: Some((env!("CARGO_BIN_EXE_faulty-runtime").into(), bug.to_owned())),
    }
}

#[track_caller]
fn finds(bug: &str, wrong: Wrong) {
    for workers in [1, 4] {
        let counts = with_bug(bug, workers);
        let found = counts.wrong.get(&wrong).copied().unwrap_or(0);
        assert!(
            found > 0,
            "{bug}, {workers} workers: {:?}",
            counts.described
        );
    }
}

#[test]
fn a_runtime_without_a_bug_passes() {
    for workers in [1, 4] {
        let counts = with_bug("none", workers);
        assert_eq!(counts.described, Vec::<String>::new());
        assert!(counts.handed_out >= EVENTS, "{counts:?}");
        assert_eq!(counts.answered, counts.handed_out);
    }
}

#[test]
fn a_run_ends_when_its_time_is_over_and_not_with_its_process() {
    let options = Options {
        time: Duration::from_secs(1),
        events_per_process: u64::MAX,
        ..options("none", 1, EVENTS)
    };
    let counts = run(&options, |_| {}).unwrap();
    assert_eq!(counts.processes, 1);
    assert!(counts.handed_out >= EVENTS, "{counts:?}");
}

#[test]
fn an_answer_that_is_lost_is_found() {
    finds("loses", Wrong::Lost);
}

#[test]
fn a_second_answer_is_found() {
    finds("doubles", Wrong::Doubled);
}

#[test]
fn an_answer_of_another_invocation_is_found() {
    finds("crosses", Wrong::Crossed);
}

#[test]
fn an_answer_to_another_id_is_found() {
    finds("misnames", Wrong::Crossed);
}

#[test]
fn an_answer_to_no_invocation_is_found() {
    finds("invents", Wrong::Invented);
}

#[test]
fn a_failure_that_was_not_asked_for_is_found() {
    finds("fails", Wrong::Hurt);
}

#[test]
fn a_worker_that_hangs_is_found() {
    finds("hangs", Wrong::Hung);
}

#[test]
fn a_process_that_ends_is_found() {
    finds("dies", Wrong::Died);
}

#[test]
fn a_torn_line_is_found() {
    finds("tears-its-log", Wrong::Torn);
}

#[test]
fn leaks_are_found() {
    for bug in ["leaks-memory", "leaks-descriptors", "leaks-threads"] {
        finds(bug, Wrong::Leaked);
    }
}

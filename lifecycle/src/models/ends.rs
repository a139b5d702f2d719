//! The process ends once, as soon as nothing is under way, and not before.

use loom::thread;

use super::{Process, bounded_model};
use crate::shutdown::MAX_ABANDONED;
use crate::underway::Left;

/// The last invocation ends while another thread has the process end.
#[test]
fn a_request_and_the_last_answer_end_the_process() {
    for logs in [false, true] {
        loom::model(move || {
            let process = Process::new();
            let (underway, claim) = process.begin();
            let its = process.clone();
            let requester = thread::spawn(move || match logs {
                true => its.shutdown.request_and_log("for a reason"),
                false => its.shutdown.request("for a reason"),
            });
            let _ = process.respond_and_finish(&underway, &claim);
            requester.join().unwrap();
            assert_eq!(process.exits(), 1);
            assert_eq!(process.answered(), 1);
        });
    }
}

/// Two workers are told that the environment is broken.
#[test]
fn two_requests_end_the_process_once() {
    loom::model(|| {
        let process = Process::new();
        let its = process.clone();
        let other = thread::spawn(move || its.shutdown.request_and_log("the same reason"));
        process.shutdown.request_and_log("a reason");
        other.join().unwrap();
        assert_eq!(process.exits(), 1);
    });
}

/// The last invocation is given up, its thread returns, and another thread has the process end.
#[test]
fn the_failure_of_a_stuck_thread_is_sent_before_the_end() {
    bounded_model(|| {
        let process = Process::new();
        let (underway, claim) = process.begin();
        let its = process.clone();
        let requester = thread::spawn(move || its.shutdown.request("for a reason"));
        let (its, watched) = (process.clone(), underway.clone());
        let watchdog = thread::spawn(move || {
            if let Some(stuck) = watched.give_up() {
                its.report(&stuck);
            }
        });
        let _ = process.respond_and_finish(&underway, &claim);
        watchdog.join().unwrap();
        requester.join().unwrap();
        assert_eq!(process.answered(), 1);
        assert_eq!(process.exits(), 1);
        assert_eq!(process.shutdown.counters(), (0, 0));
    });
}

/// The last invocation is given up, and its thread never returns.
#[test]
fn a_thread_that_stays_stuck_does_not_keep_the_process() {
    loom::model(|| {
        let process = Process::new();
        let (underway, _) = process.begin();
        let its = process.clone();
        let requester = thread::spawn(move || its.shutdown.request("for a reason"));
        let stuck = underway.give_up().unwrap();
        process.report(&stuck);
        drop(stuck);
        requester.join().unwrap();
        assert_eq!(process.exits(), 1);
        assert_eq!(process.shutdown.counters(), (0, 1));
    });
}

/// One thread too many is stuck, while a neighbour answers.
#[test]
fn too_many_stuck_threads_end_the_process_after_the_neighbours() {
    loom::model(|| {
        let process = Process::new();
        for _ in 0..MAX_ABANDONED {
            let (underway, _) = process.begin();
            let stuck = underway.give_up().unwrap();
            assert_eq!(stuck.left, Some(Left::Replaced));
            process.report(&stuck);
        }
        let (neighbour, claim) = process.begin();
        let its = process.clone();
        let neighbour = thread::spawn(move || its.respond_and_finish(&neighbour, &claim));
        let (underway, _) = process.begin();
        let stuck = underway.give_up().unwrap();
        assert_eq!(stuck.left, Some(Left::TooMany));
        process.report(&stuck);
        drop(stuck);
        assert!(neighbour.join().unwrap());
        assert_eq!(process.exits(), 1);
        assert_eq!(process.answered(), MAX_ABANDONED as u64 + 2);
    });
}

/// SIGTERM comes while two workers answer: the later one ends the process.
#[test]
fn the_last_of_the_workers_ends_the_process_after_sigterm() {
    loom::model(|| {
        let process = Process::new();
        let works = |process: &Process| {
            let (underway, claim) = process.begin();
            let its = process.clone();
            move || {
                assert!(its.respond_and_finish(&underway, &claim));
                its.shutdown.end_worker(true);
            }
        };
        process.shutdown.begin_worker();
        process.shutdown.begin_worker();
        let other = thread::spawn(works(&process));
        works(&process)();
        other.join().unwrap();
        assert_eq!(process.exits(), 1);
        assert_eq!(process.answered(), 2);
    });
}

/// The last worker ends after SIGTERM, and the failure of a stuck neighbour is still to be sent.
#[test]
fn a_process_that_got_sigterm_sends_the_failure_of_a_stuck_thread() {
    bounded_model(|| {
        let process = Process::new();
        process.shutdown.begin_worker();
        process.shutdown.begin_worker();
        let (underway, _) = process.begin();
        let its = process.clone();
        let relief = thread::spawn(move || {
            let stuck = underway.give_up().unwrap();
            its.report(&stuck);
            its.shutdown.end_worker(true);
        });
        process.shutdown.end_worker(true);
        relief.join().unwrap();
        assert_eq!(process.exits(), 1);
        assert_eq!(process.answered(), 1);
    });
}

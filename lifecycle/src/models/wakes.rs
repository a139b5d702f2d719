//! The watchdog's thread: it wakes for each stop, and makes no decision again whose alarm was dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::thread;

use super::{Process, count, read};
use crate::sync::AtomicU64;
use crate::watchdog::Watchdog;

/// The alarm is dropped before its decision, during it, or after it.
#[test]
fn a_dropped_alarm_is_not_set_again() {
    let now = Instant::now();
    loom::model(move || {
        let watchdog = Watchdog::new(|| {});
        let made = Arc::new(AtomicU64::new(0));
        let its = Arc::clone(&made);
        let alarm = watchdog.alarm(now, move || {
            count(&its);
            Some(now + Duration::from_secs(1))
        });
        let its = watchdog.clone();
        let thread = thread::spawn(move || its.decide(now));
        drop(alarm);
        count(&made);
        thread.join().unwrap();
        assert!(watchdog.is_idle());
    });
}

/// The decision of an alarm that is kept is made until it says that it is done.
#[test]
fn an_alarm_that_is_kept_is_set_again() {
    let now = Instant::now();
    loom::model(move || {
        let (watchdog, made) = (Watchdog::new(|| {}), Arc::new(AtomicU64::new(0)));
        let its = Arc::clone(&made);
        let kept = watchdog.alarm(now, move || (count(&its) < 2).then_some(now));
        let dropped = watchdog.alarm(now, || None);
        let its = watchdog.clone();
        let thread = thread::spawn(move || {
            while !its.is_idle() {
                its.decide(now);
            }
        });
        drop(dropped);
        thread.join().unwrap();
        assert_eq!(read(&made), 2);
        drop(kept);
    });
}

/// A thread that sleeps for good, or until a later moment, wakes for a stop. Time does not pass in a model: if nothing wakes
/// the thread, the model says that it hangs.
#[test]
fn a_stop_wakes_the_thread() {
    let now = Instant::now();
    for later in [None, Some(now + Duration::from_secs(3600))] {
        loom::model(move || {
            let moved = Arc::new(AtomicU64::new(0));
            let its = Arc::clone(&moved);
            let watchdog = Watchdog::new(move || {
                count(&its);
            });
            let _later = later.map(|at| watchdog.watch(at));
            let its = watchdog.clone();
            let thread = thread::spawn(move || its.interrupt_until(now, || read(&moved) > 0));
            let stop = watchdog.watch(now);
            thread.join().unwrap();
            drop(stop);
        });
    }
}

/// The alarms of an invocation that ends while the watchdog decides.
#[test]
fn an_alarm_that_goes_off_at_the_end_answers_or_does_nothing() {
    let now = Instant::now();
    loom::model(move || {
        let (process, watchdog) = (Process::new(), Watchdog::new(|| {}));
        let (underway, claim) = process.begin();
        let (its, watched) = (process.clone(), Arc::clone(&underway));
        let alarm = watchdog.alarm(now, move || {
            if let Some(stuck) = watched.give_up() {
                its.report(&stuck);
            }
            None
        });
        let its = watchdog.clone();
        let thread = thread::spawn(move || its.decide(now));
        let _ = process.respond_and_finish(&underway, &claim);
        drop(alarm);
        thread.join().unwrap();
        assert_eq!(process.answered(), 1);
        assert_eq!(process.shutdown.counters(), (0, 0));
        assert!(watchdog.is_idle());
    });
}

//! A thread that is left behind is replaced once, or the process ends.

use std::collections::VecDeque;
use std::sync::Arc;

use loom::thread::{self, JoinHandle};

use super::{Checked, Process, bounded_model};
use crate::relief::{Crew, Relief};
use crate::shutdown::{End, Shutdown};
use crate::sync::{Condvar, Mutex};
use crate::underway::{Left, Stuck};

/// A crew whose system has threads as listed, and none after them.
struct ModelCrew {
    process: Process,
    relief: Relief<Handed>,
    has_thread: std::sync::Mutex<VecDeque<bool>>,
    threads: std::sync::Mutex<Vec<JoinHandle<()>>>,
    fate: Arc<Fate>,
}

/// A stuck invocation, which has to be reported.
struct Handed {
    stuck: Stuck,
    is_reported: bool,
}

/// The state of the crew: how many workers were replaced, and whether the process has ended.
struct Fate {
    now: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Fate {
    fn change(&self, change: impl FnOnce(&mut (usize, bool))) {
        change(&mut self.now.lock().unwrap());
        self.changed.notify_all();
    }

    /// Waits until so many workers were replaced, or the process has ended. A worker that is forgotten makes the model hang.
    fn wait(&self, workers: usize) {
        let mut now = self.now.lock().unwrap();
        while *now != (workers, false) && !now.1 {
            now = self.changed.wait(now).unwrap();
        }
    }
}

struct Noted(Checked, Arc<Fate>);

impl End for Noted {
    fn log(&self, reason: &str) {
        self.0.log(reason);
    }

    fn exit(&self, is_terminated: bool) {
        self.0.exit(is_terminated);
        self.1.change(|now| now.1 = true);
    }
}

impl Crew for ModelCrew {
    type Stuck = Handed;

    fn relief(&self) -> &Relief<Handed> {
        &self.relief
    }

    fn shutdown(&self) -> &Shutdown {
        &self.process.shutdown
    }

    fn spawn(&self, work: impl FnOnce() + Send + 'static) -> bool {
        let has_thread = self.has_thread.lock().unwrap().pop_front();
        if has_thread != Some(true) {
            return false;
        }
        let thread = thread::spawn(work);
        self.threads.lock().unwrap().push(thread);
        true
    }

    fn report(&self, mut handed: Handed, _: bool) -> Option<Left> {
        self.process.report(&handed.stuck);
        handed.is_reported = true;
        handed.stuck.left
    }

    fn work(self: &Arc<Self>) {
        self.fate.change(|now| now.0 += 1);
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        assert!(self.is_reported || std::thread::panicking(), "lost");
    }
}

/// Lets so many workers get stuck, one after the other, where the system has these threads. Returns whether the process ended.
fn replace(workers: usize, has_thread: &[bool]) -> bool {
    let fate = Arc::new(Fate {
        now: Mutex::new((0, false)),
        changed: Condvar::new(),
    });
    let process = Process::with_end(|checked| Noted(checked, Arc::clone(&fate)));
    let crew = Arc::new(ModelCrew {
        process: process.clone(),
        relief: Relief::new(workers),
        has_thread: has_thread.iter().copied().collect::<VecDeque<_>>().into(),
        threads: std::sync::Mutex::default(),
        fate,
    });
    crew.stand_by();
    // All are under way before the first is stuck: the process does not end between two of them.
    let all: Vec<_> = (0..workers).map(|_| process.begin().0).collect();
    for underway in all {
        let stuck = underway.give_up().unwrap();
        assert_eq!(stuck.left, Some(Left::Replaced));
        crew.hand_over(Handed {
            stuck,
            is_reported: false,
        });
    }
    crew.fate.wait(workers);
    crew.relief.dismiss();
    let next = || crew.threads.lock().unwrap().pop();
    while let Some(thread) = next() {
        thread.join().unwrap();
    }
    let (replaced, is_over) = *crew.fate.now.lock().unwrap();
    assert_eq!(process.answered(), workers as u64);
    assert_eq!(is_over, process.shutdown.is_requested());
    assert!(replaced <= workers);
    is_over
}

#[test]
fn with_threads_enough_every_stuck_worker_is_replaced() {
    loom::model(|| assert!(!replace(1, &[true, true])));
    bounded_model(|| assert!(!replace(2, &[true, true, true])));
}

/// The thread that stands by takes the place, even if no other can be had to stand by.
#[test]
fn the_last_thread_takes_a_place() {
    loom::model(|| assert!(!replace(1, &[true])));
    loom::model(|| assert!(!replace(1, &[false, true])));
}

#[test]
fn without_any_thread_the_process_ends() {
    loom::model(|| assert!(replace(1, &[])));
}

/// The system has a thread now and then.
#[test]
fn each_of_two_stuck_workers_is_replaced_or_the_process_ends() {
    for pattern in 0..8 {
        let has_thread = [0, 1, 2].map(|bit| pattern >> bit & 1 == 1);
        bounded_model(move || {
            replace(2, &has_thread);
        });
    }
}

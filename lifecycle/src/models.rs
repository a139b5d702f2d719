//! Every order in which the threads of `bootstrap` can take their steps, and every value that an atomic may have for them:
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release -p lambda-wasm-lifecycle --lib --target-dir target/loom
//! ```
//!
//! A model is run again and again until all orders have been tried; of the largest models, those with at most three
//! interruptions. Its threads are the worker, the watchdog and whoever ends the process. What they do beside the calls into this
//! crate is one step here, before and after which others may come.

mod answers;
mod ends;
mod replacements;
mod wakes;

use std::sync::Arc;

use crate::shutdown::{End, Shutdown};
use crate::sync::{AtomicU64, Ordering};
use crate::underway::{Claim, Stuck, Underway};

/// The events in one run of a model. Each change takes time, in which other threads come between.
struct Ledger {
    begun: AtomicU64,
    answered: AtomicU64,
    log_begun: AtomicU64,
    logged: AtomicU64,
    exits: AtomicU64,
}

/// A process that counts.
#[derive(Clone)]
struct Process {
    ledger: Arc<Ledger>,
    shutdown: Arc<Shutdown>,
}

/// Runs a model of many steps, whose threads are interrupted at most three times in a run. Without that bound, it takes minutes.
fn bounded_model(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::AcqRel) + 1
}

/// The newest value: a plain load may see an older one.
fn read(counter: &AtomicU64) -> u64 {
    counter.fetch_add(0, Ordering::AcqRel)
}

/// The end of a process that must have answered all its invocations, and said why it ends.
struct Checked(Arc<Ledger>);

impl End for Checked {
    fn log(&self, _: &str) {
        assert_eq!(count(&self.0.log_begun), 1, "logged twice");
        count(&self.0.logged);
    }

    fn exit(&self, is_terminated: bool) {
        let ledger = &self.0;
        assert_eq!(count(&ledger.exits), 1, "it ends twice");
        let reasons = u64::from(!is_terminated);
        assert_eq!(read(&ledger.logged), reasons, "it ends without a reason");
        let (begun, answered) = (read(&ledger.begun), read(&ledger.answered));
        assert_eq!(answered, begun, "it ends before it has answered");
    }
}

impl Process {
    fn new() -> Self {
        Self::with_end(|checked| checked)
    }

    fn with_end<E: End + 'static>(end: impl FnOnce(Checked) -> E) -> Self {
        let ledger = Arc::new(Ledger {
            begun: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            log_begun: AtomicU64::new(0),
            logged: AtomicU64::new(0),
            exits: AtomicU64::new(0),
        });
        let shutdown = Arc::new(Shutdown::new(end(Checked(Arc::clone(&ledger)))));
        Self { ledger, shutdown }
    }

    /// A worker gets an event.
    fn begin(&self) -> (Arc<Underway>, Claim) {
        count(&self.ledger.begun);
        let claim = Claim::new();
        (Underway::begin(&self.shutdown, claim.clone()), claim)
    }

    /// Sends a response, or a failure.
    fn answer(&self) {
        count(&self.ledger.answered);
    }

    /// The rest of a worker's invocation. Returns whether its thread goes on.
    fn respond_and_finish(&self, underway: &Underway, claim: &Claim) -> bool {
        if claim.claim() {
            self.answer();
        }
        underway.finish()
    }

    /// Does what is to be done for a stuck thread.
    fn report(&self, stuck: &Stuck) {
        if stuck.is_unanswered {
            self.answer();
        }
    }

    fn answered(&self) -> u64 {
        read(&self.ledger.answered)
    }

    fn exits(&self) -> u64 {
        read(&self.ledger.exits)
    }
}

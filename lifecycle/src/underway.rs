//! One invocation, as its worker and the watchdog see it.

use std::sync::Arc;

use crate::shutdown::{Counted, Shutdown};
use crate::sync::{AtomicBool, AtomicU8, Ordering};

/// The right to answer an invocation. It is claimed once, and never given back. Clones share it, also between threads.
#[derive(Debug, Clone)]
pub struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Creates the right to answer an invocation that has not been answered.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "loom's AtomicBool has a default of its own"
    )]
    pub fn new() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// Claims the right. Returns `false` if it was claimed before.
    #[must_use]
    pub fn claim(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// An invocation that is under way.
pub struct Underway {
    shutdown: Arc<Shutdown>,
    claim: Claim,
    thread: AtomicU8,
}

/// The states of an invocation's thread.
const WORKS: u8 = 0;
const REPLACED: u8 = 1;
const TOO_MANY: u8 = 2;
const FINISHED: u8 = 3;

/// A thread that was left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Another thread takes its place.
    Replaced,
    /// There are too many of these threads: the process ends.
    TooMany,
}

/// The thread of an invocation is stuck. The process does not end before this is dropped.
pub struct Stuck {
    /// Whether the holder has to answer the invocation.
    pub is_unanswered: bool,
    /// The fate of the thread. `None` if it returned after all.
    pub left: Option<Left>,
    _counted: Counted,
}

impl Underway {
    /// Begins an invocation.
    #[must_use]
    pub fn begin(shutdown: &Arc<Shutdown>, claim: Claim) -> Arc<Self> {
        shutdown.begin();
        Arc::new(Self {
            shutdown: Arc::clone(shutdown),
            claim,
            thread: AtomicU8::new(WORKS),
        })
    }

    /// Takes the answer from a thread that is stuck, and leaves the thread behind. Returns `None` if the thread has claimed
    /// the answer: a response that is being sent, or has been, is kept whatever follows it.
    #[must_use]
    pub fn give_up(&self) -> Option<Stuck> {
        // Counted before the claim: from then on the worker may return, and the answer is still to be sent.
        let counted = self.shutdown.count();
        self.claim.claim().then(|| Stuck {
            is_unanswered: true,
            left: self.leave(),
            _counted: counted,
        })
    }

    /// Leaves a thread behind that is stuck after its answer. Returns `None` if that has been done, or the thread has returned.
    #[must_use]
    pub fn abandon(&self) -> Option<Stuck> {
        let counted = self.shutdown.count();
        self.leave().map(|left| Stuck {
            is_unanswered: false,
            left: Some(left),
            _counted: counted,
        })
    }

    /// Leaves the thread behind. Returns what becomes of its work, or `None` if the thread was not stuck after all.
    fn leave(&self) -> Option<Left> {
        // The thread is counted first: it undoes that as soon as it sees that it was left behind.
        let (left, becomes) = match self.shutdown.abandon_thread() {
            true => (Left::Replaced, REPLACED),
            false => (Left::TooMany, TOO_MANY),
        };
        let left_behind =
            self.thread
                .compare_exchange(WORKS, becomes, Ordering::AcqRel, Ordering::Acquire);
        if left_behind.is_err() {
            self.shutdown.recover_thread();
            return None;
        }
        self.shutdown.end();
        Some(left)
    }

    /// Ends the invocation. Returns whether the thread goes on: it does not if another thread has taken its place.
    ///
    /// Ends the process if it waited for that.
    #[must_use]
    pub fn finish(&self) -> bool {
        match self.thread.swap(FINISHED, Ordering::AcqRel) {
            REPLACED => {
                self.shutdown.recover_thread();
                false
            }
            TOO_MANY => {
                self.shutdown.recover_thread();
                true
            }
            _ => {
                self.shutdown.end();
                true
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::*;
    use crate::shutdown::End;

    struct NoEnd;

    impl End for NoEnd {
        fn log(&self, reason: &str) {
            panic!("the process ends: {reason}");
        }

        fn exit(&self, _: bool) {
            panic!("the process ends");
        }
    }

    /// As threads of this machine. The models try all orders; Miri looks at each access to memory.
    #[test]
    fn one_of_the_threads_that_claim_an_answer_has_it() {
        let rounds = if cfg!(miri) { 20 } else { 1000 };
        for _ in 0..rounds {
            let shutdown = Arc::new(Shutdown::new(NoEnd));
            let claim = Claim::new();
            let underway = Underway::begin(&shutdown, claim.clone());
            let (answers, is_given_up, goes_on) = thread::scope(|scope| {
                let worker = scope.spawn(|| (claim.claim(), underway.finish()));
                let watchdog = scope.spawn(|| underway.give_up().map(|stuck| stuck.left));
                let (answers, goes_on) = worker.join().unwrap();
                (answers, watchdog.join().unwrap(), goes_on)
            });
            assert_eq!(answers, is_given_up.is_none());
            let is_replaced = is_given_up == Some(Some(Left::Replaced));
            assert_eq!(goes_on, !is_replaced);
        }
    }
}

//! Replaces stuck workers: a thread stands by, reports the failure of a stuck worker, and takes its place.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use crate::shutdown::Shutdown;
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::underway::Left;

/// Why a process ends that cannot replace a worker.
const NO_REPLACEMENT: &str = "a worker is stuck in a call that does not return, and no thread can be had to take its place: lower AWS_LAMBDA_MAX_CONCURRENCY";

/// The threads that can become workers.
pub trait Crew: Send + Sync + Sized + 'static {
    /// An invocation whose thread is stuck.
    type Stuck: Send + 'static;

    /// Returns the crew's relief.
    fn relief(&self) -> &Relief<Self::Stuck>;

    /// Returns the end of the process.
    fn shutdown(&self) -> &Shutdown;

    /// Starts a thread. Returns `false` if the system has none.
    fn spawn(&self, work: impl FnOnce() + Send + 'static) -> bool;

    /// Reports a stuck invocation, if it has not been answered, in a bounded time, which is short if the thread `watches` other
    /// invocations. Returns the fate of the stuck thread.
    fn report(&self, stuck: Self::Stuck, watches: bool) -> Option<Left>;

    /// Works on this thread until the worker ends.
    fn work(self: &Arc<Self>);

    /// Returns whether no worker asks for another event.
    fn is_ending(&self) -> bool {
        self.shutdown().is_requested()
    }

    /// Counts a stuck worker that is not replaced.
    fn retire(&self) {}

    /// Starts a thread that stands by until a worker is stuck. Returns whether there is such a thread.
    fn stand_by(self: &Arc<Self>) -> bool {
        stand_by(self, &mut self.relief().lock())
    }

    /// Has the work of a stuck thread done. If no thread can be had for that, this one reports the invocation, and the process
    /// ends as soon as nothing is under way.
    fn hand_over(self: &Arc<Self>, stuck: Self::Stuck) {
        let mut waiting = self.relief().lock();
        if waiting.standing_by > 0 || stand_by(self, &mut waiting) {
            waiting.stuck.push_back(stuck);
            self.relief().handed_over.notify_one();
            return;
        }
        drop(waiting);
        self.shutdown().request(NO_REPLACEMENT);
        if self.report(stuck, true) == Some(Left::Replaced) {
            self.retire();
        }
    }
}

/// The stuck invocations that wait for a thread, and the threads that wait for them.
pub struct Relief<S> {
    waiting: Mutex<Waiting<S>>,
    handed_over: Condvar,
}

struct Waiting<S> {
    stuck: VecDeque<S>,
    /// How many threads stand by. The threads that report are among them.
    standing_by: usize,
    /// Whether threads that stand by end, as every thread of a model has to.
    #[cfg(loom)]
    is_dismissed: bool,
}

impl<S: Send + 'static> Relief<S> {
    /// Creates the relief with the memory for so many stuck invocations.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                stuck: VecDeque::with_capacity(capacity),
                standing_by: 0,
                #[cfg(loom)]
                is_dismissed: false,
            }),
            handed_over: Condvar::new(),
        }
    }

    #[cfg(all(loom, test))]
    pub(crate) fn dismiss(&self) {
        self.lock().is_dismissed = true;
        self.handed_over.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<S>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a thread that stands by as soon as the lock is released. Returns whether there is such a thread.
fn stand_by<C: Crew>(crew: &Arc<C>, waiting: &mut Waiting<C::Stuck>) -> bool {
    let its = Arc::clone(crew);
    let is_spawned = crew.spawn(move || relieve(&its));
    waiting.standing_by += usize::from(is_spawned);
    is_spawned
}

/// Waits for a worker that is stuck, reports its failure and takes its place.
fn relieve<C: Crew>(crew: &Arc<C>) {
    let (relief, shutdown) = (crew.relief(), crew.shutdown());
    let mut waiting = relief.lock();
    loop {
        let Some(stuck) = waiting.stuck.pop_front() else {
            #[cfg(loom)]
            if waiting.is_dismissed {
                return;
            }
            let woken = relief.handed_over.wait(waiting);
            waiting = woken.unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        // The next stuck worker does not wait for the report of this one.
        stand_by(crew, &mut waiting);
        drop(waiting);
        let left = crew.report(stuck, false);
        let is_needed = left == Some(Left::Replaced) && !crew.is_ending();
        if left == Some(Left::Replaced) && !is_needed {
            crew.retire();
        }
        waiting = relief.lock();
        let has_successor = waiting.standing_by > 1;
        if has_successor || (is_needed && waiting.stuck.is_empty()) {
            waiting.standing_by -= 1;
            drop(waiting);
            if is_needed {
                crew.work();
            }
            return;
        }
        if is_needed {
            // One thread cannot take two places.
            drop(waiting);
            shutdown.request_and_log(NO_REPLACEMENT);
            waiting = relief.lock();
        }
    }
}

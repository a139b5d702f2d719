//! What becomes of an invocation that nothing can stop, since a call of the host's own does not return: a write to a log
//! that nobody reads. One for a file that is a pipe, or on a disk that hangs, leaves a thread behind, and too many of these
//! are left in the same way.
//!
//! The watchdog then takes the right to answer, and answers. With one worker, the process becomes itself anew, which takes
//! a few milliseconds where Lambda would restart the environment. With several, the thread is left where it is and another
//! takes its place; after too many of these the process ends, once no other invocation is under way.

use std::convert::Infallible;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::Endpoint;
use crate::deadline::Alarm;
use crate::failure::Failure;
use crate::function::Function;
use crate::log::{Level, Log};
use crate::responder::Responder;
use crate::runtime_api::RuntimeClient;
use crate::worker::Worker;

/// How long after its limit an invocation is given up. By then every other way to end it has had its turn, and before
/// Lambda's own deadline there is time to answer: a shorter margin has a shorter patience, down to the least that it takes.
const PATIENCE: Duration = Duration::from_millis(30);
const LEAST_PATIENCE: Duration = Duration::from_millis(10);

/// How long after that a thread is left behind that has answered, and is stuck in what comes after it.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// How many threads are left behind before the process ends: each keeps its memory.
const MOST_ABANDONED: usize = 4;

/// How much memory the host may keep between invocations, in KiB: what it has of the function's for itself.
const MOST_KEPT: u64 = 32 * 1024;

/// How many threads there may be between invocations. The runtime's others end when they had nothing to do for 10 seconds.
const MOST_THREADS: u64 = 32;

/// What became of an invocation's thread: it is at it, another has taken its place, it was left without that, it is over.
const UNDERWAY: u8 = 0;
const REPLACED: u8 = 1;
const LEFT: u8 = 2;
const OVER: u8 = 3;

/// What all workers need to be rescued.
pub struct Rescue {
    pub(crate) function: Arc<Function>,
    endpoint: Arc<Endpoint>,
    pub(crate) log: Log,
    is_only_worker: bool,
    abandoned: AtomicUsize,
    busy: AtomicUsize,
}

/// One invocation that can be rescued.
pub struct Underway<'a> {
    rescue: &'a Rescue,
    state: Arc<AtomicU8>,
    _alarms: [Alarm<'a>; 2],
}

impl Rescue {
    /// For this many workers.
    #[must_use]
    pub fn new(function: Arc<Function>, endpoint: Arc<Endpoint>, log: Log, workers: usize) -> Self {
        Self {
            function,
            endpoint,
            log,
            is_only_worker: workers == 1,
            abandoned: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
        }
    }

    /// A client for a worker's own use.
    #[must_use]
    pub fn client(&self) -> RuntimeClient {
        RuntimeClient::new(Arc::clone(&self.endpoint), self.log)
    }

    /// Watches over an invocation that has to end at `limit`, and that Lambda ends at `deadline`, until what is returned is
    /// dropped.
    pub fn watch<'a>(
        self: &'a Arc<Self>,
        responder: &Responder<'_>,
        limit: Instant,
        deadline: Instant,
    ) -> Underway<'a> {
        self.busy.fetch_add(1, Ordering::AcqRel);
        let state = Arc::new(AtomicU8::new(UNDERWAY));
        let since = Instant::now();
        // One that comes too late has its time to be stopped, too.
        let limit = limit.max(since);
        let end = limit + patience(deadline.saturating_duration_since(limit));
        let (rescue, heir, its) = (Arc::clone(self), responder.heir(), Arc::clone(&state));
        let unanswered = self.function.watchdog.alarm(end, move || {
            // An answer that is out, or on its way, is not given up for what comes after it.
            if let Some(invocation) = heir.claim() {
                let left = rescue.leave(&its);
                let _ = rescue.client().fail(&invocation, &stuck(since));
                rescue.recover(left);
            }
        });
        let (rescue, its) = (Arc::clone(self), Arc::clone(&state));
        let afterwards = self
            .function
            .watchdog
            .alarm(end + AFTERWARDS, move || rescue.recover(rescue.leave(&its)));
        Underway {
            rescue: self,
            state,
            _alarms: [unanswered, afterwards],
        }
    }

    /// Leaves a thread behind. Returns whether another is to take its place; nothing, if it was not stuck after all.
    fn leave(&self, state: &AtomicU8) -> Option<bool> {
        // Counted first: the thread takes it back as soon as it sees that it was left.
        let is_replaced = self.abandoned.fetch_add(1, Ordering::AcqRel) < MOST_ABANDONED;
        let left = if is_replaced { REPLACED } else { LEFT };
        let was = state.compare_exchange(UNDERWAY, left, Ordering::AcqRel, Ordering::Acquire);
        if was.is_err() {
            self.abandoned.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        self.busy.fetch_sub(1, Ordering::AcqRel);
        Some(is_replaced)
    }

    /// Has the process become itself anew if an invocation has left much memory behind, which the allocator keeps and the next
    /// one may need, or many threads, which hang in calls for files. Does nothing if there are other workers.
    pub fn leave_nothing_behind(&self) {
        if !self.is_only_worker {
            return;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        if number("RssAnon:") > Some(MOST_KEPT) || number("Threads:") > Some(MOST_THREADS) {
            let error = become_anew();
            let line = format!(
                "the process has much memory or many threads left, and cannot be started anew: {error}"
            );
            self.log.host(Level::Warn, None, &line);
        }
    }

    fn recover(self: &Arc<Self>, left: Option<bool>) {
        let Some(is_replaced) = left else { return };
        if self.is_only_worker {
            let error = become_anew();
            self.end(&format!("the process cannot be started anew: {error}"));
        }
        if !is_replaced {
            return self.end_if_idle();
        }
        let rescue = Arc::clone(self);
        let thread = thread::Builder::new().name("worker".to_owned());
        let replaced = thread.spawn(move || {
            let worker = Worker::start(&rescue);
            let why = match worker.map(Worker::run) {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(failure) => failure.to_string(),
            };
            rescue.end(&why);
        });
        if let Err(error) = replaced {
            self.end(&format!("a stuck thread cannot be replaced: {error}"));
        }
    }

    /// Ends the process if it has left too many threads behind, and no invocation is under way.
    fn end_if_idle(&self) {
        if self.abandoned.load(Ordering::Acquire) > MOST_ABANDONED
            && self.busy.load(Ordering::Acquire) == 0
        {
            self.end("too many threads are stuck in calls that do not return");
        }
    }

    fn end(&self, why: &str) -> ! {
        // The log may be what is stuck: it gets a moment, and no more.
        let (log, why) = (self.log, why.to_owned());
        let (said, heard) = mpsc::channel();
        thread::spawn(move || {
            log.host(Level::Fatal, None, &why);
            let _ = said.send(());
        });
        let _ = heard.recv_timeout(Duration::from_millis(20));
        std::process::exit(1)
    }
}

impl Underway<'_> {
    /// The invocation is over. Returns whether the thread goes on: not if another has taken its place. One that was left behind
    /// is one less that is stuck.
    #[must_use]
    pub fn over(self) -> bool {
        match self.state.swap(OVER, Ordering::AcqRel) {
            UNDERWAY => {
                self.rescue.busy.fetch_sub(1, Ordering::AcqRel);
                self.rescue.end_if_idle();
                true
            }
            left => {
                self.rescue.abandoned.fetch_sub(1, Ordering::AcqRel);
                left == LEFT
            }
        }
    }
}

/// How long to wait for an invocation that Lambda ends so long after its limit.
fn patience(margin: Duration) -> Duration {
    if margin.is_zero() {
        // Too late for Lambda in any case.
        return PATIENCE;
    }
    (margin * 3 / 5).clamp(LEAST_PATIENCE, PATIENCE)
}

fn stuck(since: Instant) -> Failure {
    Failure {
        is_crash: true,
        ..Failure::new(
            "Function.Timeout",
            format!(
                "the function ran for {} ms and was given up, shortly before Lambda would have ended the process: a call into the host did not return, such as a write to a log that is not read, or the machine was too busy to let it stop",
                since.elapsed().as_millis()
            ),
        )
    }
}

/// Starts this executable in place of itself. Returns only why it cannot.
fn become_anew() -> std::io::Error {
    let anew = || -> std::io::Result<Infallible> {
        let mut arguments = std::env::args_os();
        let mut command = Command::new(std::env::current_exe()?);
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        Err(command.args(arguments).exec())
    };
    let Err(error) = anew();
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stuck_is_given_up_in_time_for_an_answer() {
        for (margin, expected) in [(60_000, 30), (50, 30), (40, 24), (20, 12), (1, 10), (0, 30)] {
            let patience = patience(Duration::from_millis(margin));
            assert_eq!(patience, Duration::from_millis(expected), "{margin}");
        }
    }
}

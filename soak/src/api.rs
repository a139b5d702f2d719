//! A Runtime API that hands out events by plan, with the faults of the plan, and notes what comes back.

mod exchange;

use std::collections::HashSet;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use crate::ledger::{Counts, Ledger, Settlement};
use crate::plan::Function;

/// A Runtime API for one process.
pub struct Api {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// What the process is asked to do.
    load: Load,
    connections: AtomicU64,
    is_closed: AtomicBool,
    /// When the process was last stopped by a signal.
    stopped_at: Mutex<Option<Instant>>,
}

/// The events of one process.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The seed of the plans.
    pub seed: u64,
    /// The function that gets them.
    pub function: Function,
    /// Whether nothing reads the function's log, so that a guest that prints gets stuck.
    pub is_unread: bool,
    /// Whether the process has little of the CPU.
    pub is_slow: bool,
}

#[derive(Default)]
struct State {
    ledger: Ledger,
    /// The number of the next event.
    next: u64,
    /// The number of the first event that is not handed out yet.
    limit: u64,
    /// How many connections wait for an event.
    waiting: usize,
    /// How the environment ends, once it is to end.
    end: Option<End>,
    /// The invocation whose answer got the status that ends the process.
    ended_by: Option<u64>,
    /// How many seconds the clock of the process is ahead of this machine's.
    ahead: i64,
}

/// A reply that ends the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// To a request for the next event.
    Next(u16),
    /// To a response.
    Response(u16),
    /// The Runtime API goes away.
    Gone,
}

impl Api {
    /// Starts a Runtime API at a free port of this machine.
    ///
    /// # Errors
    ///
    /// Returns an error if no port can be had.
    pub fn start(load: Load) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            load,
            connections: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            stopped_at: Mutex::default(),
        });
        let its = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if its.is_closed.load(Ordering::Acquire) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&its)) else {
                    continue;
                };
                let number = its.connections.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || {
                    // The other end may end a connection at any time. What that does to an invocation, the ledger knows.
                    let _ = shared.serve(stream, number);
                });
            }
        });
        Ok(Self { address, shared })
    }

    /// Returns the value of `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Lets so many more events be handed out.
    pub fn release(&self, events: u64) {
        self.shared.lock().limit += events;
        self.shared.changed.notify_all();
    }

    /// Returns whether all released events were handed out, and so many workers ask for the next one.
    #[must_use]
    pub fn is_idle(&self, workers: usize) -> bool {
        let state = self.shared.lock();
        state.next >= state.limit && state.waiting == workers
    }

    /// Returns a sentence about what the process does.
    #[must_use]
    pub fn progress(&self) -> String {
        let state = self.shared.lock();
        format!(
            "{} of {} events were handed out, and {} workers ask for more",
            state.next, state.limit, state.waiting
        )
    }

    /// Notes that the process was just stopped by a signal, and continues.
    pub fn note_stop(&self) {
        let mut stopped = self.shared.stopped_at.lock();
        *stopped.as_deref_mut().unwrap_or(&mut None) = Some(Instant::now());
    }

    /// Has `set` set the clock of the process so many seconds ahead of this machine's, while no event is handed out.
    ///
    /// # Errors
    ///
    /// Returns the error of `set`.
    pub fn set_clock<E>(&self, ahead: i64, set: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let mut state = self.shared.lock();
        set()?;
        state.ahead = ahead;
        state.ledger.set_clock(ahead);
        state.ledger.counts.fault("process: the clock was set");
        Ok(())
    }

    /// Ends the environment.
    pub fn end(&self, end: End) {
        let mut state = self.shared.lock();
        state.end = Some(end);
        state.ledger.is_gone = end == End::Gone;
        drop(state);
        if end == End::Gone {
            self.close();
        }
        self.shared.changed.notify_all();
    }

    /// Settles what was handed out, as [`Ledger::settle`] does.
    pub fn settle(&self, undelivered: Option<&HashSet<String>>, unseen_since: Option<Instant>) {
        let mut state = self.shared.lock();
        let ended_by = state.ended_by;
        state.ledger.settle(&Settlement {
            undelivered,
            unseen_since,
            ended_by,
        });
    }

    /// Changes the numbers.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.shared.lock().ledger.counts);
    }

    /// Returns the numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.lock().ledger.counts.clone()
    }

    fn close(&self) {
        self.shared.is_closed.store(true, Ordering::Release);
        self.shared.changed.notify_all();
        // The listener looks at the flag at its next connection, and is dropped.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.close();
    }
}

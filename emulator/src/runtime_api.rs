//! Lambda's side of the Runtime API: hands events to runtimes, takes their responses, and checks the rules.

mod extensions;
mod invocation;
mod outcome;
mod relay;
mod routes;
mod state;
mod stream;
mod telemetry;

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

pub use extensions::{ExtensionFailure, ShutdownLimits, ShutdownReason};
pub use invocation::Invocation;
pub use outcome::{Outcome, Post, Violation};
pub use state::MAX_ANSWER;
use state::{Failed, State, Timer};
pub use stream::{AnswerStream, Chunk, End, HTTP_INTEGRATION, split_prelude};
pub use telemetry::LogSource;

/// The state, which is shared and can be watched.
type SharedState = Arc<watch::Sender<State>>;

/// A Runtime API that listens, on its own thread, until it is dropped.
///
/// Several runtimes may ask for events at the same time; each event goes to exactly one of them.
/// The methods that wait do so for plain threads; async code awaits [`Pending::outcome`] and
/// [`RuntimeApi::ready`].
pub struct RuntimeApi {
    address: SocketAddr,
    shared: SharedState,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// An invocation that was submitted and has not ended.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Outcome>);

impl RuntimeApi {
    /// Listens on an address. Port 0 takes a free port, which [`address`](Self::address) returns.
    pub fn start(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let shared: SharedState = Arc::new(watch::Sender::new(State::default()));
        let (stop, stopped) = oneshot::channel();
        let served = shared.clone();
        let thread = std::thread::Builder::new()
            .name("runtime-api".to_owned())
            .spawn(move || {
                // Returning drops the runtime and all connections.
                runtime.block_on(async {
                    tokio::select! {
                        _ = serve(listener, served) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            shared,
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Plays SnapStart: the environment fails if the runtime asks for an event before its restore.
    pub fn expect_restore(&self) {
        self.shared
            .send_modify(|state| state.must_be_restored = true);
    }

    /// Returns its address: the value for `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Invokes and waits for the outcome. Panics in async code.
    pub fn invoke(&self, invocation: Invocation) -> Outcome {
        self.submit(invocation).wait()
    }

    /// Queues an invocation for the next runtime that asks.
    pub fn submit(&self, invocation: Invocation) -> Pending {
        let (sender, receiver) = oneshot::channel();
        let (id, patience) = (invocation.request_id.clone(), invocation.patience);
        let shared = self.shared.clone();
        let task = self.handle.spawn(async move {
            tokio::time::sleep(patience).await;
            shared.send_modify(|state| state.give_up(&id));
        });
        let timer = Timer(task.abort_handle());
        self.shared
            .send_modify(|state| state.submit(invocation, sender, timer));
        Pending(receiver)
    }

    /// Waits until a runtime waits in `next` without an event, and all extensions wait too. Returns false
    /// if that takes too long.
    pub fn wait_idle(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, State::is_idle)
    }

    /// Waits until this number of runtimes, or workers of a runtime, wait in `next` at the same time.
    /// Returns false if that takes too long.
    pub fn wait_workers(&self, workers: usize, timeout: Duration) -> bool {
        self.wait_until(timeout, |state| state.waiting >= workers)
    }

    /// Waits for an init error. Returns `None` if that takes too long.
    pub fn wait_init_error(&self, timeout: Duration) -> Option<Post> {
        self.wait_until(timeout, |state| state.init_error().is_some());
        self.init_error()
    }

    /// Waits until `next` was called this number of times in total. Returns false if that takes too long.
    pub fn wait_next_calls(&self, calls: usize, timeout: Duration) -> bool {
        self.wait_until(timeout, |state| state.next_calls >= calls)
    }

    /// Returns when a runtime and all extensions wait in `next`: the start or the last invocation is over.
    ///
    /// # Errors
    ///
    /// Returns the outcome of all events if the environment has failed.
    pub async fn ready(&self) -> Result<(), Outcome> {
        self.settled(State::is_idle).await
    }

    /// Returns when the runtime asks for an event, whatever the extensions do.
    ///
    /// # Errors
    ///
    /// As [`ready`](Self::ready).
    pub async fn runtime_ready(&self) -> Result<(), Outcome> {
        self.settled(|state| state.waiting > 0).await
    }

    /// Returns the init error, if the runtime reported it.
    pub fn init_error(&self) -> Option<Post> {
        self.shared.borrow().init_error().cloned()
    }

    /// Returns whether events can no longer be served: after an init error, a failed extension, or the end
    /// of the runtime's process.
    pub fn has_failed(&self) -> bool {
        self.shared.borrow().failed.is_some()
    }

    /// Returns the number of calls of `next`.
    pub fn next_calls(&self) -> usize {
        self.shared.borrow().next_calls
    }

    /// Returns the number of TCP connections: 1 as long as a single runtime keeps its connection.
    pub fn connections(&self) -> usize {
        self.shared.borrow().connections
    }

    /// Returns the breaches of the contract, oldest first.
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.borrow().violations.clone()
    }

    /// Notes that the runtime's process has ended. All its events, and all later events, end as
    /// [`Outcome::Lost`]. The next process needs a new Runtime API.
    pub fn runtime_exited(&self, why: &str) {
        let failed = Failed::Exited(why.to_owned());
        self.shared.send_modify(|state| state.fail(failed));
    }

    /// Returns once a condition holds, or the outcome of all events if the environment fails before.
    async fn settled(&self, condition: impl Fn(&State) -> bool) -> Result<(), Outcome> {
        let mut changes = self.shared.subscribe();
        let settled = |state: &State| state.failed.is_some() || condition(state);
        // `self` has the sender, so waiting cannot fail.
        drop(changes.wait_for(settled).await);
        match &self.shared.borrow().failed {
            Some(failed) => Err(failed.outcome()),
            None => Ok(()),
        }
    }

    fn wait_until(&self, timeout: Duration, condition: impl Fn(&State) -> bool) -> bool {
        let mut changes = self.shared.subscribe();
        let waiting = async {
            let wait = changes.wait_for(|state| condition(state));
            tokio::time::timeout(timeout, wait).await.is_ok()
        };
        self.handle.block_on(waiting)
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // An error means that the thread panicked, and has printed that.
            drop(thread.join());
        }
    }
}

impl Pending {
    /// Waits for the outcome. Panics in async code.
    pub fn wait(self) -> Outcome {
        self.0.blocking_recv().unwrap_or_else(|_| stopped())
    }

    /// Returns the outcome when the invocation has ended.
    pub async fn outcome(self) -> Outcome {
        self.0.await.unwrap_or_else(|_| stopped())
    }
}

fn stopped() -> Outcome {
    Outcome::Lost("the Runtime API was stopped".to_owned())
}

async fn serve(listener: TcpListener, shared: SharedState) -> io::Result<()> {
    let counted = shared.clone();
    let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(move |stream| {
        counted.send_modify(|state| state.connections += 1);
        // Without this option, responses may wait for an acknowledgement. An error means no more than that.
        drop(stream.set_nodelay(true));
    });
    axum::serve(listener, routes::router(shared)).await
}

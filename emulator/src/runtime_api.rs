//! Lambda's side of the Runtime API: hands events to runtimes, takes their answers, keeps the rules.

mod invocation;
mod outcome;
mod relay;
mod routes;
mod state;
mod stream;

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

pub use invocation::Invocation;
pub use outcome::{Outcome, Post, Violation};
pub use state::MAX_ANSWER;
use state::{State, Timer};
pub use stream::{AnswerStream, Chunk, End, HTTP_INTEGRATION, split_prelude};

/// The one state, which whoever waits for something in it can watch.
type World = Arc<watch::Sender<State>>;

/// A Runtime API that listens, on a thread of its own, until it is dropped.
///
/// Several runtimes may ask for events at the same time; each event goes to exactly one of them.
/// The methods that wait do so for plain threads; async code awaits [`Pending::outcome`] and
/// [`RuntimeApi::ready`].
pub struct RuntimeApi {
    address: SocketAddr,
    world: World,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// An invocation that was submitted and has not ended yet.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Outcome>);

impl RuntimeApi {
    /// Listens on an address; port 0 takes a free one, which [`address`](Self::address) tells.
    pub fn start(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let world: World = Arc::new(watch::Sender::new(State::default()));
        let (stop, stopped) = oneshot::channel();
        let served = world.clone();
        let thread = std::thread::Builder::new()
            .name("runtime-api".to_owned())
            .spawn(move || {
                // When this returns, the runtime is dropped and with it every connection.
                runtime.block_on(async {
                    tokio::select! {
                        _ = serve(listener, served) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            world,
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens: the value for `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Invokes and waits for the outcome. Not for async code: there it panics.
    pub fn invoke(&self, invocation: Invocation) -> Outcome {
        self.submit(invocation).wait()
    }

    /// Queues an invocation for the next runtime that asks.
    pub fn submit(&self, invocation: Invocation) -> Pending {
        let (sender, receiver) = oneshot::channel();
        let (id, patience) = (invocation.request_id.clone(), invocation.patience);
        let world = self.world.clone();
        let task = self.handle.spawn(async move {
            tokio::time::sleep(patience).await;
            world.send_modify(|state| state.give_up(&id));
        });
        let timer = Timer(task.abort_handle());
        self.world
            .send_modify(|state| state.submit(invocation, sender, timer));
        Pending(receiver)
    }

    /// Waits until a runtime waits in `next` with nothing to do; false if none does in time.
    pub fn wait_idle(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, State::is_idle)
    }

    /// Waits until so many runtimes, or workers of one, wait in `next` at once; false if that takes
    /// too long.
    pub fn wait_workers(&self, workers: usize, timeout: Duration) -> bool {
        self.wait_until(timeout, |state| state.waiting >= workers)
    }

    /// Waits for an init error; nothing if none comes in time.
    pub fn wait_init_error(&self, timeout: Duration) -> Option<Post> {
        self.wait_until(timeout, |state| state.init_error.is_some());
        self.init_error()
    }

    /// Waits until `next` was called so many times in all; false if that takes too long.
    pub fn wait_next_calls(&self, calls: usize, timeout: Duration) -> bool {
        self.wait_until(timeout, |state| state.next_calls >= calls)
    }

    /// Returns when a runtime waits in `next`, or with the init error that it reported instead.
    pub async fn ready(&self) -> Result<(), Post> {
        let mut changes = self.world.subscribe();
        let settled = |state: &State| state.is_idle() || state.init_error.is_some();
        // The sender lives in `self`, so that waiting cannot fail.
        drop(changes.wait_for(settled).await);
        match &self.world.borrow().init_error {
            Some(post) => Err(post.clone()),
            None => Ok(()),
        }
    }

    /// The init error, if there was one.
    pub fn init_error(&self) -> Option<Post> {
        self.world.borrow().init_error.clone()
    }

    /// How often `next` was called.
    pub fn next_calls(&self) -> usize {
        self.world.borrow().next_calls
    }

    /// How many TCP connections were made: 1 as long as a single runtime keeps its own.
    pub fn connections(&self) -> usize {
        self.world.borrow().connections
    }

    /// What runtimes did against the contract, oldest first.
    pub fn violations(&self) -> Vec<Violation> {
        self.world.borrow().violations.clone()
    }

    /// Tells that the runtime's process has ended: whatever it held or should have taken, and
    /// whatever comes after it, ends as [`Outcome::Lost`]. The next process needs a new Runtime API.
    pub fn runtime_exited(&self, why: &str) {
        self.world.send_modify(|state| state.runtime_exited(why));
    }

    fn wait_until(&self, timeout: Duration, condition: impl Fn(&State) -> bool) -> bool {
        let mut changes = self.world.subscribe();
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
            // It panicked if this is an error, and has said so.
            drop(thread.join());
        }
    }
}

impl Pending {
    /// Waits for the outcome. Not for async code: there it panics.
    pub fn wait(self) -> Outcome {
        self.0.blocking_recv().unwrap_or_else(|_| stopped())
    }

    /// The outcome, once there is one.
    pub async fn outcome(self) -> Outcome {
        self.0.await.unwrap_or_else(|_| stopped())
    }
}

fn stopped() -> Outcome {
    Outcome::Lost("the Runtime API was stopped".to_owned())
}

async fn serve(listener: TcpListener, world: World) -> io::Result<()> {
    let counted = world.clone();
    let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(move |stream| {
        counted.send_modify(|state| state.connections += 1);
        // Without it answers may wait for an acknowledgement; with an error they only do that.
        drop(stream.set_nodelay(true));
    });
    axum::serve(listener, routes::router(world)).await
}

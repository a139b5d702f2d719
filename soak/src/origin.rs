//! A server that functions send requests to. Its idle connections end while the process is stopped, as they do while Lambda has
//! an environment frozen.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::messages::reply;
use crate::wire::{Pace, Wire};

/// After so long, a reply has been read.
const REST: Duration = Duration::from_millis(300);

/// The server.
pub struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    connections: Mutex<Vec<(Arc<Connection>, JoinHandle<()>)>>,
    is_closed: AtomicBool,
}

/// A connection. Its thread has the lock while it reads a request and replies.
struct Connection {
    stream: TcpStream,
    wire: Mutex<Option<Wire>>,
    /// When the last reply was sent. A connection that has had none is not idle, but new: the process may have been stopped
    /// before its first request.
    replied: Mutex<Option<Instant>>,
}

impl Origin {
    /// Starts a server at a free port of this machine. It replies with the path that was asked for.
    ///
    /// # Errors
    ///
    /// Returns an error if no port can be had.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if its.is_closed.load(Ordering::Acquire) {
                    return;
                }
                // The other end may have ended the connection already.
                let _ = stream.and_then(|stream| its.add(stream));
            }
        });
        Ok(Self { address, shared })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends all connections on which no request is under way, and returns how many. The other end has to be stopped, so that it
    /// sends none at this moment.
    pub fn end_idle(&self, by_reset: bool) -> u64 {
        let mut ended = 0;
        let connections = std::mem::take(&mut *lock(&self.shared.connections));
        let mut kept = Vec::new();
        for (connection, thread) in connections {
            let mut wire = lock(&connection.wire);
            let replied = *lock(&connection.replied);
            match (wire.take(), replied) {
                (Some(idle), Some(replied)) if idle.is_silent() => {
                    // A reset may take a reply with it that has not been read.
                    match by_reset && replied.elapsed() > REST {
                        true => idle.reset(),
                        false => idle.close(),
                    }
                    drop(wire);
                    let _ = connection.stream.shutdown(Shutdown::Read);
                    drop(connection);
                    // The reset leaves when the thread has dropped the connection, too.
                    let _ = thread.join();
                    ended += 1;
                }
                (busy, _) => {
                    *wire = busy;
                    drop(wire);
                    kept.push((connection, thread));
                }
            }
        }
        lock(&self.shared.connections).append(&mut kept);
        ended
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Release);
        // The listener looks at the flag at its next connection, and is dropped.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn add(&self, stream: TcpStream) -> io::Result<()> {
        let wire = Wire::new(stream.try_clone()?)?;
        // Only `end_idle` ends a connection that may be used again.
        stream.set_read_timeout(None)?;
        let connection = Arc::new(Connection {
            stream,
            wire: Mutex::new(Some(wire)),
            replied: Mutex::default(),
        });
        let its = Arc::clone(&connection);
        let thread = thread::spawn(move || {
            // The other end may end a connection at any time.
            let _ = its.serve();
        });
        let mut connections = lock(&self.connections);
        connections.retain(|(_, thread)| !thread.is_finished());
        connections.push((connection, thread));
        Ok(())
    }
}

impl Connection {
    fn serve(&self) -> io::Result<()> {
        // The lock is free while the connection is idle.
        while self.stream.peek(&mut [0])? > 0 {
            let mut wire = lock(&self.wire);
            let Some(wire) = wire.as_mut() else {
                break;
            };
            let Some(head) = wire.head()? else {
                break;
            };
            let word = head.path.trim_start_matches('/');
            wire.write(&reply(200, "", word.as_bytes()), Pace::FAST)?;
            *lock(&self.replied) = Some(Instant::now());
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

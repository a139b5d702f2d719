//! The log of a process, which it writes to a pipe. It is passed on line by line, and the end of an
//! invocation's log is kept.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::unix::pipe;

/// The capacity of a pipe: "Pipe capacity" in <https://man7.org/linux/man-pages/man7/pipe.7.html>.
const CAPACITY: usize = 64 * 1024;

/// The most bytes of an invocation's log that its caller sees: `LogType` of "Invoke" in Lambda's API
/// reference.
const TAIL: usize = 4 * 1024;

/// Takes the lines of a log as they come.
pub struct Destination(Box<Take>);

type Take = dyn Fn(&[u8]) + Send + Sync;

pub(super) struct Log {
    receiver: pipe::Receiver,
    /// The same pipe, for reads that do not wait for a turn of the runtime.
    file: File,
    lines: Mutex<Lines>,
    destination: Destination,
}

#[derive(Default)]
struct Lines {
    /// A line that has not ended.
    begun: Vec<u8>,
    /// The end of the log since an invocation began.
    tail: Vec<u8>,
}

impl Log {
    /// Returns a log, and the pipe to which a process writes it.
    pub fn new(destination: Destination) -> io::Result<(Arc<Self>, OwnedFd)> {
        let (sender, receiver) = pipe::pipe()?;
        let log = Self {
            file: File::from(receiver.as_fd().try_clone_to_owned()?),
            receiver,
            lines: Mutex::default(),
            destination,
        };
        Ok((Arc::new(log), sender.into_blocking_fd()?))
    }

    /// Passes the log on until all processes have closed it.
    pub async fn follow(self: Arc<Self>) {
        while self.receiver.readable().await.is_ok() {
            match self.read(|bytes| self.receiver.try_read(bytes)) {
                Ok(0) => return,
                Err(error) if error.kind() != ErrorKind::WouldBlock => return,
                _ => {}
            }
        }
    }

    /// Begins the log of an invocation.
    pub fn begin(&self) {
        self.pass_on();
        self.lock().tail.clear();
    }

    /// Returns the end of an invocation's log, up to the last byte that the process has written.
    pub fn tail(&self) -> Vec<u8> {
        self.pass_on();
        self.lock().tail.clone()
    }

    /// Passes on the bytes that the process has written.
    pub fn pass_on(&self) {
        // The pipe may be empty, and the task that follows the log sees its end.
        let _ = self.read(|bytes| (&self.file).read(bytes));
    }

    /// Reads once, and returns the number of bytes: 0 at the end.
    fn read(&self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        let mut lines = self.lock();
        let mut bytes = vec![0; CAPACITY];
        let read = read(&mut bytes)?;
        self.destination.take(&lines.add(&bytes[..read]));
        Ok(read)
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Adds bytes that were read, and returns the lines that are complete. An empty slice stands for the
    /// end.
    fn add(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.tail.extend_from_slice(bytes);
        let excess = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.begun.extend_from_slice(bytes);
        let ended = self.begun.iter().rposition(|&byte| byte == b'\n');
        let whole = match ended {
            Some(end) => end + 1,
            None if bytes.is_empty() || self.begun.len() >= CAPACITY => self.begun.len(),
            None => 0,
        };
        self.begun.drain(..whole).collect()
    }
}

impl Destination {
    /// Creates a destination that hands the lines to a function. An empty slice has no lines.
    pub fn new(take: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self(Box::new(take))
    }

    /// Hands lines over.
    pub fn take(&self, lines: &[u8]) {
        (self.0)(lines);
    }

    /// The terminal.
    pub fn stderr() -> Self {
        // `dev` continues without its terminal.
        Self::new(|lines| drop(io::stderr().write_all(lines)))
    }

    /// A buffer that its owner reads later.
    pub fn buffer(buffer: Arc<Mutex<Vec<u8>>>) -> Self {
        Self::new(move |lines| {
            let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
            buffer.extend_from_slice(lines);
        })
    }
}

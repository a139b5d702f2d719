//! A process of its own that connects to the Runtime API. With `lockdown`, and without `[http]`, `bootstrap` can create no socket.
//!
//! It is the same executable with other arguments. It has no environment, so no keys, and does one thing: for each byte it sends
//! a connection to one address, as a file descriptor (`SCM_RIGHTS` in <https://man7.org/linux/man-pages/man7/unix.7.html>). It
//! ends with the process that started it.

use std::env::{args_os, current_exe};
use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio, exit};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use signal_hook::consts::SIGTERM;
use signal_hook::flag;
use tokio::io::Interest;

/// The argument before the addresses.
const ARGUMENT: &str = "--connect-to";

/// The number in place of a reason that the operating system has no number for.
const UNKNOWN: i32 = 0;

/// The other process.
///
/// Any thread takes the next connection that comes: one is as good as the other. So threads need no lock, and one that gives up
/// leaves its connection to the next.
#[derive(Debug)]
pub(crate) struct Connector {
    /// Does not block.
    socket: UnixStream,
    /// The connection of the first request, which does not wait until the other process is there.
    first: Mutex<Option<TcpStream>>,
}

impl Connector {
    /// Starts the process that connects to the first of `addresses` which accepts.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has no process or descriptor left, or if `/proc` is missing.
    pub(super) fn start(addresses: &[SocketAddr]) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        Command::new(current_exe()?)
            .arg(ARGUMENT)
            .args(addresses.iter().map(SocketAddr::to_string))
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // If that fails, so does the first request, which says why.
        let first = TcpStream::connect(addresses).ok();
        Ok(Self {
            socket,
            first: Mutex::new(first),
        })
    }

    /// Returns a connection. With `limit`, does not wait longer.
    ///
    /// # Errors
    ///
    /// Returns why the other process cannot connect, or that it has ended.
    pub(crate) fn connect(&self, limit: Option<Duration>) -> io::Result<TcpStream> {
        if let Some(first) = self.take_first() {
            return Ok(first);
        }
        let until = limit.map(|limit| Instant::now() + limit);
        self.ask()?;
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(
                &mut [PollFd::new(&self.socket, PollFlags::IN)],
                left.as_ref(),
            ) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            match receive(&self.socket) {
                // Another thread has taken it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return received,
            }
        }
    }

    /// Returns a connection. Has to be called inside a tokio runtime with I/O, and can be dropped at any time.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub(crate) async fn connect_async(&self) -> io::Result<tokio::net::TcpStream> {
        let stream = match self.take_first() {
            Some(first) => first,
            None => {
                self.ask()?;
                let socket = tokio::net::UnixStream::from_std(self.socket.try_clone()?)?;
                let received = socket.async_io(Interest::READABLE, || receive(&self.socket));
                received.await?
            }
        };
        stream.set_nonblocking(true)?;
        tokio::net::TcpStream::from_std(stream)
    }

    fn ask(&self) -> io::Result<()> {
        (&self.socket).write_all(&[0]).map_err(|_| ended())
    }

    fn take_first(&self) -> Option<TcpStream> {
        self.first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Takes a connection, without a wait.
fn receive(socket: &UnixStream) -> io::Result<TcpStream> {
    let mut number = [0; size_of::<i32>()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let length = retry_on_intr(|| {
        let number = &mut [IoSliceMut::new(&mut number)];
        recvmsg(socket, number, &mut ancillary, flags)
    })?
    .bytes;
    if length == 0 {
        return Err(ended());
    }
    let received = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    match (received, i32::from_ne_bytes(number)) {
        (Some(stream), _) => Ok(stream.into()),
        (None, UNKNOWN) => Err(io::Error::other("no file descriptor is left")),
        (None, number) => Err(io::Error::from_raw_os_error(number)),
    }
}

fn ended() -> io::Error {
    io::Error::other("the process that connects to the Runtime API has ended")
}

/// Returns the addresses to connect to, if this is the other process.
#[must_use]
pub fn addresses() -> Option<Vec<SocketAddr>> {
    let mut arguments = args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let address = |argument: OsString| argument.to_str()?.parse().ok();
    Some(arguments.filter_map(address).collect())
}

/// Does the work of the other process, whose standard input is the socket to the first one.
pub fn serve(addresses: &[SocketAddr]) -> ! {
    // The invocations under way need it after SIGTERM, too.
    let _ = flag::register(SIGTERM, Arc::default());
    let mut stdin = io::stdin();
    while stdin.read_exact(&mut [0]).is_ok() {
        let connected = TcpStream::connect(addresses);
        let (stream, number) = match &connected {
            Ok(stream) => (Some([stream.as_fd()]), UNKNOWN),
            Err(error) => (None, error.raw_os_error().unwrap_or(UNKNOWN)),
        };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if let Some(stream) = &stream {
            ancillary.push(SendAncillaryMessage::ScmRights(stream));
        }
        let number = number.to_ne_bytes();
        let number = [IoSlice::new(&number)];
        let send = || sendmsg(stdin.as_fd(), &number, &mut ancillary, SendFlags::NOSIGNAL);
        if retry_on_intr(send).is_err() {
            break;
        }
    }
    exit(0)
}

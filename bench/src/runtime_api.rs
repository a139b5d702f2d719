//! Lambda's Runtime API for one bootstrap: it holds `next` until an event is
//! handed out, and acknowledges answers.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    fmt::Write,
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    os::fd::AsFd,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::connection::{Connection, Received, Request};

/// How the server waits for a bootstrap.
#[derive(Clone, Copy)]
pub enum Wait {
    /// Asleep in `poll`, like Lambda's own: the times include waking it.
    Asleep,
    /// Reading in a loop: the times are only the bootstrap's.
    Spinning,
}

/// One bootstrap's side of the Runtime API.
pub struct RuntimeApi {
    listener: TcpListener,
    /// `None` in place of a closed connection, so that the others keep their numbers.
    connections: Vec<Option<Connection>>,
    invocations: u64,
}

/// A request, when it was read to its end, and where its answer goes. All but a
/// `next` are to be answered before another is waited for.
pub struct Arrival {
    pub request: Request,
    pub at: Instant,
    connection: usize,
}

impl RuntimeApi {
    /// Listens on a free port of 127.0.0.1.
    pub fn bind() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("opening a port")?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            connections: Vec::new(),
            invocations: 0,
        })
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// The number of connections that were accepted, closed ones included.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Returns the next request, or `None` if no request arrives for a while.
    pub fn receive(&mut self, wait: Wait) -> anyhow::Result<Option<Arrival>> {
        const A_WHILE: Duration = Duration::from_millis(200);
        let give_up = Instant::now() + A_WHILE;
        loop {
            if let Wait::Asleep = wait {
                self.sleep(A_WHILE)?;
            }
            if let Some(arrival) = self.look()? {
                return Ok(Some(arrival));
            }
            if Instant::now() > give_up {
                return Ok(None);
            }
        }
    }

    /// Hands out `event` to a held `next`, to be answered until `deadline`. Gives
    /// the invocation's id and when the first byte was about to leave.
    pub fn hand_out(
        &mut self,
        next: &Arrival,
        event: &str,
        deadline: SystemTime,
    ) -> anyhow::Result<(String, Instant)> {
        self.invocations += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012x}", self.invocations);
        let deadline = deadline.duration_since(UNIX_EPOCH)?;
        let mut answer = String::with_capacity(512 + event.len());
        write!(
            answer,
            "HTTP/1.1 200 OK\r\n\
             Content-Type: application/json\r\n\
             Lambda-Runtime-Aws-Request-Id: {id}\r\n\
             Lambda-Runtime-Deadline-Ms: {}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: \
             arn:aws:lambda:us-east-1:123456789012:function:hello\r\n\
             Lambda-Runtime-Trace-Id: \
             Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n\
             Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
             Content-Length: {}\r\n\r\n{event}",
            deadline.as_millis(),
            event.len(),
        )?;
        let leaving = Instant::now();
        self.send(next, answer.as_bytes())?;
        Ok((id, leaving))
    }

    /// Acknowledges an answer, as Lambda does.
    pub fn accept(&mut self, answer: &Arrival) -> anyhow::Result<()> {
        const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\n\
            Content-Type: application/json\r\n\
            Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
            Content-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
        self.send(answer, ACCEPTED)
    }

    fn send(&mut self, to: &Arrival, bytes: &[u8]) -> anyhow::Result<()> {
        let connection = self.connections[to.connection].as_mut();
        connection.context("it closed its connection")?.send(bytes)
    }

    /// Looks once at each connection, and for new ones where none has anything.
    fn look(&mut self) -> anyhow::Result<Option<Arrival>> {
        for (index, slot) in self.connections.iter_mut().enumerate() {
            let Some(connection) = slot else {
                continue;
            };
            match connection.receive()? {
                Received::Request(request, _) if request.is_of_extension() => {
                    greet(connection, &request)?;
                }
                Received::Request(request, at) => {
                    return Ok(Some(Arrival {
                        request,
                        at,
                        connection: index,
                    }));
                }
                Received::NothingYet => {}
                Received::Closed => {
                    *slot = None;
                    return Ok(None);
                }
            }
        }
        self.accept_new()?;
        Ok(None)
    }

    /// Takes a new connection, if there is one.
    fn accept_new(&mut self) -> anyhow::Result<()> {
        match self.listener.accept() {
            Ok((stream, _)) => self.connections.push(Some(Connection::new(stream)?)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("accepting a connection"),
        }
        Ok(())
    }

    /// Waits until something is readable, and returns all requests that have arrived: of many connections, only those are
    /// looked at that have something.
    pub fn receive_all(&mut self) -> anyhow::Result<Vec<Arrival>> {
        const A_WHILE: Duration = Duration::from_millis(50);
        let (has_new, readable) = self.sleep(A_WHILE)?;
        let mut arrivals = Vec::new();
        for index in readable {
            let Some(connection) = &mut self.connections[index] else {
                continue;
            };
            match connection.receive()? {
                Received::Request(request, _) if request.is_of_extension() => {
                    greet(connection, &request)?;
                }
                Received::Request(request, at) => arrivals.push(Arrival {
                    request,
                    at,
                    connection: index,
                }),
                Received::NothingYet => {}
                Received::Closed => self.connections[index] = None,
            }
        }
        if has_new {
            self.accept_new()?;
        }
        Ok(arrivals)
    }

    /// Sleeps until something is readable. Returns whether there are new connections, and which of the others have something.
    fn sleep(&self, at_most: Duration) -> anyhow::Result<(bool, Vec<usize>)> {
        let source = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let open = self.connections.iter().enumerate();
        let open = open.filter_map(|(index, slot)| Some((index, slot.as_ref()?)));
        let (indices, connections): (Vec<usize>, Vec<_>) = open.unzip();
        let mut sources = vec![source(self.listener.as_fd())];
        sources.extend(
            connections
                .iter()
                .map(|connection| source(connection.as_fd())),
        );
        poll(&mut sources, PollTimeout::try_from(at_most)?)?;
        let mut readable = sources.iter().map(|source| source.any() == Some(true));
        let has_new = readable.next() == Some(true);
        let ready = indices.into_iter().zip(readable);
        Ok((
            has_new,
            ready
                .filter_map(|(index, ready)| ready.then_some(index))
                .collect(),
        ))
    }
}

/// Registers an extension. Its request for an event is held for good, as Lambda does before an end.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>
fn greet(connection: &mut Connection, request: &Request) -> anyhow::Result<()> {
    const REGISTERED: &[u8] = b"HTTP/1.1 200 OK\r\n\
        Content-Type: application/json\r\n\
        Lambda-Extension-Identifier: 5f4e4a1c-0000-4000-8000-000000000001\r\n\
        Content-Length: 70\r\n\r\n\
        {\"functionName\":\"hello\",\"functionVersion\":\"$LATEST\",\"handler\":\"hello\"}";
    if request.path.ends_with("/register") {
        connection.send(REGISTERED)?;
    }
    Ok(())
}

//! One kept-alive HTTP/1.1 connection from a bootstrap: parses the requests that
//! it reads, and sends each answer in one write.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    ops::ControlFlow,
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

use anyhow::{Context, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::chunked::Chunked;

/// The first capacity for a request, and the largest.
const SMALLEST_BUFFER: usize = 64 * 1024;
const LARGEST_BUFFER: usize = 16 * 1024 * 1024;

/// A request, read to its end.
pub struct Request {
    pub path: String,
    /// The body, or its start if it came in chunks.
    pub body: Vec<u8>,
    /// The size of the body in bytes.
    pub length: u64,
}

impl Request {
    /// Whether it is one of the Extensions API.
    pub fn is_of_extension(&self) -> bool {
        self.path.starts_with("/2020-01-01/extension/")
    }
}

/// The result of one look at the connection.
pub enum Received {
    /// A request, and the time at which its last byte was read.
    Request(Request, Instant),
    NothingYet,
    Closed,
}

/// A connection that never blocks on reading.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    /// The path of a request whose body is chunked, and the part of the body that has arrived.
    chunked: Option<(String, Chunked)>,
}

impl Connection {
    /// Takes over an accepted connection.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; SMALLEST_BUFFER],
            filled: 0,
            chunked: None,
        })
    }

    /// Reads the bytes that have arrived, and returns a request if it is complete.
    pub fn receive(&mut self) -> anyhow::Result<Received> {
        if self.filled == self.buffer.len() {
            ensure!(self.filled < LARGEST_BUFFER, "a request without an end");
            self.buffer.resize(2 * self.filled, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => return Ok(Received::Closed),
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Received::NothingYet),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Ok(Received::Closed);
            }
            Err(error) => return Err(error.into()),
        }
        let at = Instant::now();
        Ok(match self.request()? {
            Some(request) => Received::Request(request, at),
            None => Received::NothingYet,
        })
    }

    /// Returns the request if it has been read to its end.
    fn request(&mut self) -> anyhow::Result<Option<Request>> {
        if self.chunked.is_none() {
            let Some(head) = Head::parse(&self.buffer[..self.filled])? else {
                return Ok(None);
            };
            let Head { path, .. } = head;
            match head.body {
                Body::Chunked => {
                    self.chunked = Some((path, Chunked::default()));
                    self.take_out(head.length);
                }
                Body::Length(length) => {
                    let end = head.length + length;
                    let body = self.buffer[..self.filled].get(head.length..end);
                    let Some(body) = body.map(<[u8]>::to_vec) else {
                        return Ok(None);
                    };
                    self.take_out(end);
                    let length = length as u64;
                    return Ok(Some(Request { path, body, length }));
                }
            }
        }
        let Some((path, mut chunked)) = self.chunked.take() else {
            return Ok(None);
        };
        Ok(match chunked.take(&self.buffer[..self.filled])? {
            ControlFlow::Continue(taken) => {
                self.take_out(taken);
                self.chunked = Some((path, chunked));
                None
            }
            ControlFlow::Break(taken) => {
                self.take_out(taken);
                let Chunked {
                    start: body,
                    length,
                    ..
                } = chunked;
                Some(Request { path, body, length })
            }
        })
    }

    /// Forgets this number of the bytes that were read.
    fn take_out(&mut self, length: usize) {
        self.buffer.copy_within(length..self.filled, 0);
        self.filled -= length;
    }

    /// Sends a whole answer.
    pub fn send(&mut self, mut answer: &[u8]) -> anyhow::Result<()> {
        while !answer.is_empty() {
            match self.stream.write(answer) {
                Ok(count) => answer = &answer[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut room = [PollFd::new(self.stream.as_fd(), PollFlags::POLLOUT)];
                    poll(&mut room, PollTimeout::NONE)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The start of a request.
struct Head {
    path: String,
    /// Its own length.
    length: usize,
    body: Body,
}

/// The framing of a body.
enum Body {
    Length(usize),
    Chunked,
}

impl Head {
    /// Returns the head at the start of `bytes`, or `None` while it is incomplete.
    fn parse(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = head.parse(bytes)? else {
            return Ok(None);
        };
        let header = |name: &str| {
            let mut headers = head.headers.iter();
            let found = headers.find(|header| header.name.eq_ignore_ascii_case(name));
            found.map(|header| String::from_utf8_lossy(header.value))
        };
        let body = match header("content-length") {
            _ if header("transfer-encoding").is_some() => Body::Chunked,
            Some(length) => {
                let length = length.trim().parse();
                Body::Length(length.context("a strange Content-Length")?)
            }
            None => Body::Length(0),
        };
        let path = head.path.unwrap_or_default().to_owned();
        Ok(Some(Self { path, length, body }))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// The paths and bodies of the requests in `bytes`, which come in pieces of this length.
    fn requests(bytes: &str, piece: usize) -> Vec<(String, String)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut connection = Connection::new(listener.accept().unwrap().0).unwrap();
        connection.stream.set_nonblocking(false).unwrap();
        let mut found = Vec::new();
        for piece in bytes.as_bytes().chunks(piece) {
            client.write_all(piece).unwrap();
            if let Received::Request(request, _) = connection.receive().unwrap() {
                let body = String::from_utf8(request.body).unwrap();
                assert_eq!(body.len() as u64, request.length);
                found.push((request.path, body));
            }
        }
        found
    }

    #[test]
    fn reads_bodies_by_their_length_whatever_the_case_and_by_chunks() {
        let three = "POST /a HTTP/1.1\r\nHOST: a\r\ncontent-LENGTH: 5\r\n\r\nhello\
                     POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                     3\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n\
                     GET /c HTTP/1.1\r\n\r\n";
        let expected = [("/a", "hello"), ("/b", "hello"), ("/c", "")];
        for piece in 1..20 {
            let expected = expected.map(|(path, body)| (path.to_owned(), body.to_owned()));
            assert_eq!(requests(three, piece), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn makes_room_for_a_large_body() {
        let body = "x".repeat(3 * SMALLEST_BUFFER);
        let length = body.len();
        let bytes = format!("POST /a HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
        assert_eq!(
            requests(&bytes, SMALLEST_BUFFER / 2),
            [("/a".to_owned(), body)]
        );
    }
}

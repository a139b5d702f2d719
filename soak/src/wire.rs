//! One connection of the Runtime API: reads requests and writes replies, as slowly and in as small pieces as a fault wants.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use rustix::net::{RecvFlags, recv, sockopt::set_socket_linger};

/// The pause between two pieces.
const PAUSE: Duration = Duration::from_micros(200);

/// How many pauses a message has at most.
const MAX_PAUSES: usize = 50;

/// How long a message may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A connection, and what was read of it and not used.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The head of a request.
#[derive(Debug)]
pub struct Head {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    headers: Vec<(String, String)>,
}

/// The body of a request.
#[derive(Debug, Default)]
pub struct Body {
    /// The bytes that were read.
    pub bytes: Vec<u8>,
    /// The trailers of a chunked body.
    pub trailers: Vec<(String, String)>,
    /// Whether the body was read to its end.
    pub is_whole: bool,
}

/// How a message is read or written.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The size of a piece in bytes.
    pub piece: usize,
    pauses: usize,
}

impl Pace {
    /// As fast as it goes.
    pub const FAST: Self = Self {
        piece: 64 * 1024,
        pauses: 0,
    };

    /// In pieces of so many bytes, with pauses.
    #[must_use]
    pub fn slow(piece: usize) -> Self {
        Self {
            piece,
            pauses: MAX_PAUSES,
        }
    }

    fn pause(&mut self) {
        if self.pauses > 0 {
            self.pauses -= 1;
            std::thread::sleep(PAUSE);
        }
    }
}

impl Head {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// The value of a header in a list.
#[must_use]
pub fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = headers
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name))?;
    Some(value)
}

impl Wire {
    /// Takes over a connection.
    ///
    /// # Errors
    ///
    /// Returns an error if the options of the socket cannot be set.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Reads the head of the next request. `None` if the connection ends before it.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection ends within the head, or the head is no HTTP.
    pub fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut request = httparse::Request::new(&mut fields);
            let parsed = request.parse(&self.buffer).map_err(io::Error::other)?;
            if let httparse::Status::Complete(length) = parsed {
                let head = Head {
                    method: request.method.unwrap_or_default().to_owned(),
                    path: request.path.unwrap_or_default().to_owned(),
                    headers: owned(request.headers),
                };
                self.buffer.drain(..length);
                return Ok(Some(head));
            }
            if self.fill(Pace::FAST.piece)? == 0 {
                return match self.buffer.is_empty() {
                    true => Ok(None),
                    false => Err(ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// Reads the body of a request, or at most about so many bytes of it.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection ends within the body.
    pub fn body(&mut self, head: &Head, mut pace: Pace, at_most: usize) -> io::Result<Body> {
        let is_chunked = head.header("transfer-encoding").is_some();
        if is_chunked {
            return self.chunks(pace, at_most);
        }
        let length = head.header("content-length").unwrap_or("0");
        let length: usize = length.parse().map_err(io::Error::other)?;
        while self.buffer.len() < length.min(at_most) {
            pace.pause();
            if self.fill(pace.piece)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let is_whole = self.buffer.len() >= length;
        let bytes = self.buffer.drain(..length.min(self.buffer.len())).collect();
        Ok(Body {
            bytes,
            is_whole,
            ..Body::default()
        })
    }

    fn chunks(&mut self, mut pace: Pace, at_most: usize) -> io::Result<Body> {
        let mut body = Body::default();
        loop {
            let size = httparse::parse_chunk_size(&self.buffer)
                .map_err(|_| io::Error::other("a chunk has no size"))?;
            match size {
                httparse::Status::Complete((start, 0)) => {
                    let mut fields = [httparse::EMPTY_HEADER; 16];
                    // After the last chunk come the trailers, or an empty line.
                    let trailers = httparse::parse_headers(&self.buffer[start..], &mut fields)
                        .map_err(io::Error::other)?;
                    if let httparse::Status::Complete((length, trailers)) = trailers {
                        body.trailers = owned(trailers);
                        body.is_whole = true;
                        self.buffer.drain(..start + length);
                        return Ok(body);
                    }
                }
                httparse::Status::Complete((start, size)) => {
                    let end = start + usize::try_from(size).map_err(io::Error::other)?;
                    if self.buffer.len() >= end + 2 {
                        body.bytes.extend_from_slice(&self.buffer[start..end]);
                        self.buffer.drain(..end + 2);
                        if body.bytes.len() >= at_most {
                            return Ok(body);
                        }
                        continue;
                    }
                }
                httparse::Status::Partial => {}
            }
            pace.pause();
            if self.fill(pace.piece)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self, piece: usize) -> io::Result<usize> {
        let start = self.buffer.len();
        self.buffer.resize(start + piece, 0);
        let read = self.stream.read(&mut self.buffer[start..]);
        self.buffer
            .truncate(start + read.as_ref().copied().unwrap_or(0));
        read
    }

    /// Writes bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection has ended.
    pub fn write(&mut self, bytes: &[u8], mut pace: Pace) -> io::Result<()> {
        for piece in bytes.chunks(pace.piece) {
            pace.pause();
            self.stream.write_all(piece)?;
        }
        Ok(())
    }

    /// Returns whether the other end has neither closed the connection nor sent anything.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        recv(&self.stream, &mut [0_u8; 1], flags) == Err(rustix::io::Errno::AGAIN)
    }

    /// Ends the connection in the orderly way.
    pub fn close(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Resets the connection: the other end gets an error, whatever it has not read.
    pub fn reset(self) {
        let _ = set_socket_linger(&self.stream, Some(Duration::ZERO));
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    let owned = |header: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(header.value).into_owned();
        (header.name.to_owned(), value)
    };
    headers.iter().map(owned).collect()
}

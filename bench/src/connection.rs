//! One kept-alive HTTP/1.1 connection from a bootstrap: takes requests out of
//! what was read, and sends each answer in one write.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    os::fd::{AsFd, BorrowedFd},
};

use anyhow::{Context, bail};

/// A request, read to its end.
pub struct Request {
    pub path: String,
    pub body: Vec<u8>,
}

/// What one look at the connection found.
pub enum Received {
    Request(Request),
    NothingYet,
    Closed,
}

/// A connection that never blocks on reading.
pub struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    filled: usize,
}

impl Connection {
    /// Takes over an accepted connection.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 64 * 1024].into(),
            filled: 0,
        })
    }

    /// Reads what has arrived, and gives a request if one is complete.
    pub fn receive(&mut self) -> anyhow::Result<Received> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) if self.filled == self.buffer.len() => bail!("a request of over 64 KiB"),
            Ok(0) => return Ok(Received::Closed),
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Received::NothingYet),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Ok(Received::Closed);
            }
            Err(error) => return Err(error.into()),
        }
        let Some((request, length)) = parse(&self.buffer[..self.filled])? else {
            return Ok(Received::NothingYet);
        };
        self.buffer.copy_within(length..self.filled, 0);
        self.filled -= length;
        Ok(Received::Request(request))
    }

    /// Sends a whole answer.
    pub fn send(&mut self, answer: &[u8]) -> io::Result<()> {
        self.stream.write_all(answer)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The request at the start of `bytes` and its length, or `None` while it is
/// incomplete.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head_length) = head.parse(bytes)? else {
        return Ok(None);
    };
    let header = |name: &str| {
        let found = head
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value))
    };
    let rest = &bytes[head_length..];
    let body = if header("transfer-encoding").is_some() {
        unchunked(rest)?
    } else {
        let length = match header("content-length") {
            Some(length) => length.trim().parse().context("a strange Content-Length")?,
            None => 0,
        };
        rest.get(..length).map(|body| (body.to_vec(), length))
    };
    Ok(body.map(|(body, length)| {
        let path = head.path.unwrap_or_default().to_owned();
        (Request { path, body }, head_length + length)
    }))
}

/// The data of a chunked body and the length of its encoding, trailers and all,
/// or `None` while it is incomplete.
fn unchunked(bytes: &[u8]) -> anyhow::Result<Option<(Vec<u8>, usize)>> {
    let mut data = Vec::new();
    let mut at = 0;
    loop {
        let size = httparse::parse_chunk_size(&bytes[at..]);
        let size = size.map_err(|_| anyhow::anyhow!("a chunk without a size"))?;
        let httparse::Status::Complete((line, size)) = size else {
            return Ok(None);
        };
        at += line;
        if size == 0 {
            let trailers = &mut [httparse::EMPTY_HEADER; 8];
            return Ok(match httparse::parse_headers(&bytes[at..], trailers)? {
                httparse::Status::Complete((length, _)) => Some((data, at + length)),
                httparse::Status::Partial => None,
            });
        }
        let end = at + usize::try_from(size)?;
        let Some(chunk) = bytes.get(at..end) else {
            return Ok(None);
        };
        data.extend_from_slice(chunk);
        at = end + "\r\n".len();
        if at > bytes.len() {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &str) -> Option<(String, usize)> {
        let (request, length) = parse(bytes.as_bytes()).unwrap()?;
        Some((String::from_utf8(request.body).unwrap(), length))
    }

    #[test]
    fn reads_a_body_by_its_length_whatever_the_case() {
        let whole = "POST /x HTTP/1.1\r\nHOST: a\r\ncontent-LENGTH: 5\r\n\r\nhello";
        assert_eq!(body(whole), Some(("hello".to_owned(), whole.len())));
        assert_eq!(body(&whole[..whole.len() - 1]), None);
    }

    #[test]
    fn reads_chunks_and_trailers() {
        let whole = "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                     3\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n";
        assert_eq!(body(whole), Some(("hello".to_owned(), whole.len())));
        for cut in 1..whole.len() {
            assert_eq!(body(&whole[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn leaves_what_follows_a_request() {
        let two = "GET /a HTTP/1.1\r\n\r\nGET /b";
        assert_eq!(body(two), Some((String::new(), two.len() - "GET /b".len())));
    }
}

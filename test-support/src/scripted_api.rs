//! A Runtime API that misbehaves: each test says, connection by connection and byte by byte, what it does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use super::PATIENCE;

/// Listens where the host looks for the Runtime API.
pub struct ScriptedApi(TcpListener);

/// One connection of the host's.
pub struct Connection(BufReader<TcpStream>);

/// One request of the host's.
#[derive(Debug)]
pub struct Request {
    /// The request line, without the line's end.
    pub line: String,
    /// The other lines of the head, as they came.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

impl ScriptedApi {
    /// Listens at a free port of this machine.
    pub fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// Returns the value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Waits for the next connection.
    pub fn accept(&self) -> Connection {
        self.0.set_nonblocking(false).unwrap();
        let (stream, _) = self.0.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection(BufReader::new(stream))
    }

    /// How many more connections come, until none has for a while.
    pub fn count_connections(&self, quiet: Duration) -> usize {
        self.0.set_nonblocking(true).unwrap();
        let mut count = 0;
        let mut last = std::time::Instant::now();
        while last.elapsed() < quiet {
            match self.0.accept() {
                Ok(_) => {
                    count += 1;
                    last = std::time::Instant::now();
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        count
    }
}

impl Connection {
    /// The next request on this connection.
    pub fn request(&mut self) -> Request {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let mut headers = String::new();
        while !headers.ends_with("\r\n\r\n") && headers != "\r\n" {
            let read = self.0.read_line(&mut headers).unwrap();
            assert!(
                read > 0,
                "the connection ended within a request: {line}{headers}"
            );
        }
        let length = headers
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Request {
            line: line.trim_end().to_owned(),
            headers,
            body,
        }
    }

    /// Sends bytes, whatever they are.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// An answer with a length.
    pub fn answer(&mut self, status: &str, headers: &str, body: &str) {
        self.write(format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    /// An event under an id, with a deadline far enough away.
    pub fn event(&mut self, id: &str, event: &str) {
        self.event_within(Duration::from_secs(5), id, event);
    }

    /// An event under an id, which has to be answered within this time.
    pub fn event_within(&mut self, timeout: Duration, id: &str, event: &str) {
        let deadline = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis()
            + timeout.as_millis();
        self.answer(
            "200 OK",
            &format!(
                "Lambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n"
            ),
            event,
        );
    }

    /// Waits for the next request, and returns `false` if the host has ended the connection.
    pub fn is_open(&mut self) -> bool {
        self.0.fill_buf().is_ok_and(|bytes| !bytes.is_empty())
    }

    /// Takes a `GET next`.
    pub fn expect_next(&mut self) -> Request {
        let request = self.request();
        assert_eq!(
            request.line,
            "GET /2018-06-01/runtime/invocation/next HTTP/1.1"
        );
        request
    }

    /// Takes the answer for an id and says that it is taken.
    pub fn take_response(&mut self, id: &str) -> Request {
        let request = self.request();
        assert_eq!(
            request.line,
            format!("POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1")
        );
        self.answer("202 Accepted", "", "{\"status\":\"OK\"}");
        request
    }

    /// Takes what is left of a body in chunks, and says that it is taken.
    pub fn take_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = self.line();
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            if size == 0 {
                break;
            }
            let mut chunk = vec![0; size];
            self.0.read_exact(&mut chunk).unwrap();
            body.extend(chunk);
            assert_eq!(self.line(), "\r\n");
        }
        // Trailers end with an empty line.
        while self.line() != "\r\n" {}
        self.answer("202 Accepted", "", "{\"status\":\"OK\"}");
        body
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap();
        assert!(read > 0, "the connection ended within a body");
        line
    }

    /// Waits until the host has ended the connection, without another word.
    pub fn expect_end(&mut self) {
        let rest = self.0.read(&mut [0]);
        assert!(matches!(rest, Ok(0)), "{rest:?}");
    }

    /// Ends the connection in the orderly way.
    pub fn close(self) {
        self.0.get_ref().shutdown(Shutdown::Both).unwrap();
    }
}

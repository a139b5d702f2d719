//! A runtime that streams its answers, byte by byte as a test wants it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use lambda_wasm_emulator::RuntimeApi;

/// Longer than anything here takes.
pub const SOON: Duration = Duration::from_secs(10);

/// Takes the next event: its request id, and the event.
pub fn next(api: &RuntimeApi) -> (String, String) {
    let mut stream = connect(api.address());
    let request = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let head = head(&mut reader);
    let mut event = vec![0; value(&head, "content-length").unwrap().parse().unwrap()];
    reader.read_exact(&mut event).unwrap();
    let id = value(&head, "lambda-runtime-aws-request-id").unwrap();
    (id, String::from_utf8(event).unwrap())
}

/// A POST of an answer that is under way.
pub struct Answer {
    pub stream: TcpStream,
}

impl Answer {
    /// Begins an answer in the response mode `streaming`, with these headers besides.
    pub fn begin(api: &RuntimeApi, id: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = connect(api.address());
        let more: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: x\r\n\
             Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n{more}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        Self { stream }
    }

    /// Begins one that is an HTTP response.
    pub fn http(api: &RuntimeApi, id: &str) -> Self {
        let content_type = "application/vnd.awslambda.http-integration-response";
        let declared = "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body";
        let headers = [("Content-Type", content_type), ("Trailer", declared)];
        Self::begin(api, id, &headers)
    }

    pub fn chunk(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.stream.write_all(&chunk).unwrap();
    }

    /// Sends the last chunk and trailers; returns the status of the reply.
    pub fn finish(mut self, trailers: &[(&str, &str)]) -> u16 {
        let trailers: String = trailers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        write!(self.stream, "0\r\n{trailers}\r\n").unwrap();
        let head = head(&mut BufReader::new(&self.stream));
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Closes the connection as it is.
    pub fn cut(self) {
        self.stream.shutdown(Shutdown::Both).unwrap();
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The lines up to the empty one.
pub fn head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "it ends: {head}");
    }
    head
}

/// The value of a header.
pub fn value(head: &str, name: &str) -> Option<String> {
    let pairs = head.lines().filter_map(|line| line.split_once(": "));
    let mut values = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value.to_owned())
}

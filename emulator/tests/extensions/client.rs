//! An extension and a runtime that do as a test tells them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use lambda_wasm_emulator::RuntimeApi;
use serde_json::Value;

/// Longer than anything here takes.
pub const SOON: Duration = Duration::from_secs(10);

/// An extension that has registered.
pub struct Extension {
    pub id: String,
    address: SocketAddr,
}

impl Extension {
    /// Registers, and returns the status, the identifier and the body.
    pub fn register(
        api: &RuntimeApi,
        name: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> (u16, String, Value) {
        let mut sent = vec![("Lambda-Extension-Name", name)];
        sent.extend(headers);
        let request = request("POST", "/2020-01-01/extension/register", &sent, body);
        let (head, body) = receive(send(api.address(), &request));
        let id = value(&head, "lambda-extension-identifier");
        (status(&head), id.unwrap_or_default(), body)
    }

    /// Registers for events.
    pub fn registered(api: &RuntimeApi, name: &str, body: &str) -> Self {
        let (status, id, body) = Self::register(api, name, body, &[]);
        assert_eq!(status, 200, "{body}");
        Self::with_id(api, &id)
    }

    pub fn with_id(api: &RuntimeApi, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            address: api.address(),
        }
    }

    /// Begins a call of `next`, which ends when the connection is dropped.
    pub fn ask(&self) -> TcpStream {
        let headers = [("Lambda-Extension-Identifier", self.id.as_str())];
        let request = request("GET", "/2020-01-01/extension/event/next", &headers, "");
        send(self.address, &request)
    }

    /// Waits for an event, and returns the status and the body.
    pub fn next(&self) -> (u16, Value) {
        let (head, body) = receive(self.ask());
        (status(&head), body)
    }

    /// Reports an error to a path.
    pub fn report(&self, path: &str, error_type: Option<&str>, body: &str) -> (u16, Value) {
        let mut headers = vec![("Lambda-Extension-Identifier", self.id.as_str())];
        headers.extend(error_type.map(|kind| ("Lambda-Extension-Function-Error-Type", kind)));
        let request = request(
            "POST",
            &format!("/2020-01-01/extension/{path}"),
            &headers,
            body,
        );
        let (head, body) = receive(send(self.address, &request));
        (status(&head), body)
    }

    /// Subscribes to telemetry.
    pub fn subscribe(&self, body: &Value) -> (u16, Value) {
        let headers = [("Lambda-Extension-Identifier", self.id.as_str())];
        let request = request("PUT", "/2022-07-01/telemetry", &headers, &body.to_string());
        let (head, body) = receive(send(self.address, &request));
        (status(&head), body)
    }
}

/// Takes the next event as the runtime: its request id, and the event.
pub fn next(api: &RuntimeApi) -> (String, String) {
    let request = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
    let (head, event) = receive(send(api.address(), request));
    let id = value(&head, "lambda-runtime-aws-request-id").unwrap();
    (id, event.to_string())
}

/// Answers as the runtime, and returns the status.
pub fn respond(api: &RuntimeApi, id: &str, body: &str) -> u16 {
    let length = body.len();
    let path = format!("/2018-06-01/runtime/invocation/{id}/response");
    let request =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    status(&receive(send(api.address(), &request)).0)
}

/// Sends a request on a connection of its own.
pub fn send(address: SocketAddr, request: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(request.as_ref()).unwrap();
    stream
}

/// Returns the head of a response, and its body.
pub fn receive(stream: TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "it ends: {head}");
    }
    let length = value(&head, "content-length").unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let json = serde_json::from_slice(&body).unwrap_or_default();
    (head, json)
}

pub fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let lines = headers.iter();
    let lines: String = lines
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{lines}\r\n{body}")
}

fn value(head: &str, name: &str) -> Option<String> {
    let pairs = head.lines().filter_map(|line| line.split_once(": "));
    let mut values = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value.to_owned())
}

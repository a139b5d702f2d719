//! A runtime that echoes events, with the bug that its argument names: the suite has to find it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How often the bug shows, in invocations.
const EVERY: u64 = 100;

static SERVED: AtomicU64 = AtomicU64::new(0);

fn main() -> io::Result<()> {
    let bug = std::env::args().nth(1).unwrap_or_default();
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let workers = std::env::var("AWS_LAMBDA_MAX_CONCURRENCY").map_err(io::Error::other)?;
    let workers: usize = workers.parse().map_err(io::Error::other)?;
    let threads: Vec<_> = (0..workers)
        .map(|_| {
            let (bug, address) = (bug.clone(), address.clone());
            thread::spawn(move || serve(&bug, &address))
        })
        .collect();
    for thread in threads {
        // Its connection has ended.
        let _ = thread.join();
    }
    std::process::exit(1)
}

fn serve(bug: &str, address: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut leaked: Vec<Vec<u8>> = Vec::new();
    let mut files = Vec::new();
    let mut last = Vec::new();
    loop {
        let next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1";
        stream.write_all(format!("{next}\r\nHost: {address}\r\n\r\n").as_bytes())?;
        let (headers, event) = read(&mut stream)?;
        let header = |name: &str| {
            let found = headers.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (id, attempt) = (
            header("lambda-runtime-aws-request-id"),
            header("lambda-runtime-invocation-id"),
        );
        let number = SERVED.fetch_add(1, Ordering::Relaxed);
        let shows = number % EVERY == EVERY - 1;
        let mut answer = event.clone();
        match bug {
            "leaks-memory" => leaked.push(vec![1; 64 * 1024]),
            "leaks-descriptors" => files.push(File::open("/dev/null")?),
            "leaks-threads" if number.is_multiple_of(20) => {
                thread::spawn(|| thread::sleep(Duration::from_secs(3600)));
            }
            "loses" if shows => continue,
            "crosses" if shows => answer.clone_from(&last),
            "hangs" if shows => thread::sleep(Duration::from_secs(3600)),
            "dies" if shows => std::process::exit(7),
            "tears-its-log" if shows => println!("{{\"timestamp\": "),
            "misnames" if shows => {
                let other = format!("{}0", &id[..id.len() - 1]);
                post(&mut stream, &other, &attempt, "response", &answer)?;
                continue;
            }
            "fails" if shows => {
                let failure = br#"{"errorType":"Function.Trap","errorMessage":""}"#;
                post(&mut stream, &id, &attempt, "error", failure)?;
                continue;
            }
            "invents" if shows => post(&mut stream, &id, "attempt-999999", "response", b"1")?,
            "doubles" if shows => post(&mut stream, &id, &attempt, "response", &answer)?,
            _ => {}
        }
        post(&mut stream, &id, &attempt, "response", &answer)?;
        last = event;
    }
}

fn post(
    stream: &mut TcpStream,
    id: &str,
    attempt: &str,
    route: &str,
    body: &[u8],
) -> io::Result<()> {
    let head = format!(
        "POST /2018-06-01/runtime/invocation/{id}/{route} HTTP/1.1\r\nHost: x\r\nLambda-Runtime-Invocation-Id: {attempt}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    read(stream).map(drop)
}

type Reply = (Vec<(String, String)>, Vec<u8>);

/// Reads a reply that has a length.
fn read(stream: &mut TcpStream) -> io::Result<Reply> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response.parse(&bytes).map_err(io::Error::other)?;
        if let httparse::Status::Complete(head) = parsed {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let headers: Vec<_> = response
                .headers
                .iter()
                .map(|header| (header.name.to_lowercase(), text(header.value)))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length = length.and_then(|(_, value)| value.parse().ok());
            let end = head + length.unwrap_or(0);
            if bytes.len() >= end {
                return Ok((headers, bytes[head..end].to_vec()));
            }
        }
        let read = stream.read(&mut part)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&part[..read]);
    }
}

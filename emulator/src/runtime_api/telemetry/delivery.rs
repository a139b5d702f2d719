//! Delivers telemetry to a subscriber, in batches.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::subscription::{Buffering, Destination};

/// The time that a subscriber may take for a batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes that are read of a subscriber's response.
const MAX_RESPONSE: u64 = 64 * 1024;

/// A message to a subscriber's task.
pub(super) enum Message {
    /// An event, as JSON.
    Event(String),
    /// The batch is complete.
    Flush,
}

/// Delivers events until there are no more. Calls `failed` if a batch is not taken.
pub(super) async fn deliver(
    mut messages: mpsc::Receiver<Message>,
    destination: Destination,
    buffering: Buffering,
    failed: impl Fn(io::Error),
) {
    while let Some(message) = messages.recv().await {
        let Message::Event(first) = message else {
            continue;
        };
        let until = Instant::now() + buffering.time;
        let mut bytes = first.len();
        let mut batch = vec![first];
        while batch.len() < buffering.items && bytes < buffering.bytes {
            let Ok(Some(Message::Event(event))) = timeout_at(until, messages.recv()).await else {
                break;
            };
            bytes += event.len();
            batch.push(event);
        }
        let body = format!("[{}]", batch.join(","));
        let posted = timeout(PATIENCE, post(&destination, &body)).await;
        if let Err(error) = posted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            failed(error);
        }
    }
}

/// Posts a batch on a connection of its own, and waits for a response that accepts it.
async fn post(destination: &Destination, body: &str) -> io::Result<()> {
    let Destination { port, path } = destination;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: sandbox.localdomain:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut response = Vec::new();
    let read = stream.take(MAX_RESPONSE).read_to_end(&mut response).await;
    // The status is enough: some servers reset the connection.
    let status = response.get(9..12).unwrap_or_default();
    match (status.first(), read) {
        (Some(b'2'), _) => Ok(()),
        (None, Err(error)) => Err(error),
        _ => Err(io::Error::other(format!(
            "status {}",
            String::from_utf8_lossy(status)
        ))),
    }
}

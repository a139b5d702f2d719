//! The guest's stdout and stderr, cut into lines for the log.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{io, mem};

use bytes::Bytes;
use thiserror::Error;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::log::{Log, Stream};

/// A line that is longer is written in parts, so that a guest which never ends its line cannot fill the host's memory.
/// CloudWatch Logs takes events of 256 KiB, and JSON may escape.
const LONGEST_LINE: usize = 64 * 1024;

/// How much of what it last wrote to stderr is kept, in bytes: usually the message of a panic.
const LAST_WORDS: usize = 1024;

/// How much a guest may write at once, in bytes. A write cannot be interrupted, and may be all line ends, each a line of the
/// log: more of them would take the guest beyond its deadline.
const PERMIT: usize = 4 * 1024;

/// That a guest has written as much as one invocation may.
#[derive(Debug, Clone, Copy, Error)]
#[error("it may write no more to the log")]
pub struct TooMuchOutput;

/// Both streams of one instance. Clones are the same streams.
#[derive(Debug, Clone)]
pub struct GuestOutput(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    log: Log,
    request_id: Option<String>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    last_words: Vec<u8>,
    /// How many bytes of the log one invocation may fill, how many it has, and whether it wanted more. What the host adds to
    /// its lines counts too: as JSON, an empty one has a hundred bytes.
    limit: usize,
    written: usize,
    is_denied: bool,
}

impl GuestOutput {
    /// Streams that write to `log`, so many bytes for each invocation.
    #[must_use]
    pub fn new(log: Log, limit: usize) -> Self {
        let (stdout, stderr, last_words) = Default::default();
        Self(Arc::new(Mutex::new(Lines {
            log,
            request_id: None,
            stdout,
            stderr,
            last_words,
            limit,
            written: 0,
            is_denied: false,
        })))
    }

    /// From here on lines belong to this invocation.
    pub fn bind(&self, request_id: &str) {
        let mut lines = self.lock();
        lines.finish();
        lines.request_id = Some(request_id.to_owned());
        lines.last_words.clear();
        lines.written = 0;
        lines.is_denied = false;
    }

    /// How many bytes it may write, if it wanted to write more.
    #[must_use]
    pub fn denied(&self) -> Option<usize> {
        let lines = self.lock();
        lines.is_denied.then_some(lines.limit)
    }

    /// Writes lines that have no end yet.
    pub fn finish(&self) {
        self.lock().finish();
    }

    /// The end of what was written to stderr.
    #[must_use]
    pub fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.lock().last_words)
            .trim()
            .to_owned()
    }

    /// One of the two, for WASI.
    #[must_use]
    pub fn stream(&self, stream: Stream) -> GuestStream {
        GuestStream {
            output: self.clone(),
            stream,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn buffer(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), TooMuchOutput> {
        self.written = self.written.saturating_add(bytes.len());
        self.check()?;
        if stream == Stream::Stderr {
            self.last_words.extend_from_slice(bytes);
            let excess = self.last_words.len().saturating_sub(LAST_WORDS);
            self.last_words.drain(..excess);
        }
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            for part in part.chunks(LONGEST_LINE) {
                let buffer = self.buffer(stream);
                buffer.extend_from_slice(part);
                if part.ends_with(b"\n") {
                    self.flush(stream);
                } else if buffer.len() >= LONGEST_LINE {
                    let rest = buffer.split_off(whole_characters(buffer));
                    self.flush(stream);
                    self.buffer(stream).extend(rest);
                }
                self.check()?;
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), TooMuchOutput> {
        self.is_denied |= self.written > self.limit;
        match self.is_denied {
            true => Err(TooMuchOutput),
            false => Ok(()),
        }
    }

    fn flush(&mut self, stream: Stream) {
        let mut line = mem::take(self.buffer(stream));
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let length = self.log.guest(stream, self.request_id.as_deref(), text);
        self.written = self
            .written
            .saturating_add(length.saturating_sub(line.len()));
        line.clear();
        *self.buffer(stream) = line;
    }

    fn finish(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !self.buffer(stream).is_empty() {
                self.flush(stream);
            }
        }
    }
}

/// How many of these bytes come before a character of UTF-8 that is cut off at their end; all, if none is.
fn whole_characters(bytes: &[u8]) -> usize {
    const LONGEST_CHARACTER: usize = 4;
    let first_byte = bytes
        .iter()
        .rev()
        .take(LONGEST_CHARACTER)
        .position(|byte| byte.leading_ones() != 1);
    match first_byte {
        Some(back) if bytes[bytes.len() - 1 - back].leading_ones() as usize > back + 1 => {
            bytes.len() - 1 - back
        }
        _ => bytes.len(),
    }
}

/// One of the two streams, as WASI wants it. Writing never waits: the log is written at once.
#[derive(Debug)]
pub struct GuestStream {
    output: GuestOutput,
    stream: Stream,
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.output.stream(self.stream))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.output.stream(self.stream))
    }
}

#[async_trait::async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > PERMIT {
            return Err(StreamError::trap(
                "it wrote more at once than `check-write` allows",
            ));
        }
        let written = self.output.lock().write(self.stream, &bytes);
        written.map_err(|error| StreamError::Trap(error.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

impl AsyncWrite for GuestStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.output.lock().write(self.stream, bytes);
        Poll::Ready(written.map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_between_characters() {
        for (text, whole) in [
            (&b""[..], 0),
            (b"ab", 2),
            ("a\u{20ac}".as_bytes(), 4),
            (b"a\xe2\x82", 1),
            (b"a\xe2", 1),
            (b"a\xf0\x9f\x98", 1),
            // No character: nothing is there to be kept whole.
            (b"\x82\x82\x82\x82\x82", 5),
        ] {
            assert_eq!(whole_characters(text), whole, "{text:?}");
        }
    }
}

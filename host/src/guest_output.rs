//! The guest's stdout and stderr, cut into lines for the log.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::{io, mem};

use bytes::Bytes;
use thiserror::Error;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::failure::Failure;
use crate::log::{Field, Level, Log, Stream};
use crate::policy::StreamLevels;

/// The longest line, in bytes. A longer line is written in parts, so that a guest which never ends its line cannot fill the
/// host's memory. CloudWatch Logs takes events of 256 KiB, and JSON may escape characters.
const MAX_LINE: usize = 64 * 1024;

/// How many of the last bytes on stderr are kept: usually the message of a panic.
const STDERR_TAIL: usize = 1024;

/// How many bytes a guest may write at once. A write cannot be interrupted, and each byte may end a line of the log: with more
/// bytes, the guest would run beyond its stop.
const PERMIT: usize = 4 * 1024;

/// How many bytes of a failure are logged at least, however much the invocation has written: a failure has to be readable.
pub(crate) const MIN_FAILURE: usize = 8 * 1024;

/// How many different lines the host writes about the actions of one invocation, if it writes each line once.
const MAX_ONCE: usize = 10;

/// The error that stops a guest which has written as much as one invocation may.
#[derive(Debug, Clone, Copy, Error)]
#[error("it may write no more to the log")]
pub(crate) struct TooMuchOutput;

/// The stdout and stderr of one instance. Clones are the same streams.
#[derive(Debug, Clone)]
pub struct GuestOutput(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    log: Log,
    levels: StreamLevels,
    request_id: Option<String>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    last_words: Vec<u8>,
    /// The lines that the host has written and does not write again.
    once: Vec<String>,
    /// How many bytes of the log one invocation may fill. The host's additions count too: as JSON, an empty line has a hundred
    /// bytes.
    limit: usize,
    /// How many bytes the invocation has written.
    written: usize,
    /// Whether the invocation wanted to write more than the limit.
    is_denied: bool,
    /// Wakes the task that waits for the denial.
    waker: Option<Waker>,
}

impl GuestOutput {
    /// Creates streams that write to `log`, at most `limit` bytes for each invocation. A line that does not say its level has
    /// that of its stream.
    #[must_use]
    pub fn new(log: Log, levels: StreamLevels, limit: usize) -> Self {
        let (stdout, stderr, last_words, once) = Default::default();
        Self(Arc::new(Mutex::new(Lines {
            log,
            levels,
            request_id: None,
            stdout,
            stderr,
            last_words,
            once,
            limit,
            written: 0,
            is_denied: false,
            waker: None,
        })))
    }

    /// Begins the output of an invocation.
    pub fn bind(&self, request_id: &str) {
        let mut lines = self.lock();
        lines.finish();
        lines.request_id = Some(request_id.to_owned());
        lines.last_words.clear();
        lines.once.clear();
        lines.written = 0;
        lines.is_denied = false;
    }

    /// Returns the limit in bytes, if the invocation wanted to write more.
    #[must_use]
    pub fn denied(&self) -> Option<usize> {
        let lines = self.lock();
        lines.is_denied.then_some(lines.limit)
    }

    /// Waits until the invocation wants to write more than it may. The write itself does not stop a guest of WASI 0.3.
    pub fn exceeded(&self) -> impl Future<Output = ()> + use<> {
        let output = self.clone();
        poll_fn(move |context| {
            let mut lines = output.lock();
            if lines.is_denied {
                return Poll::Ready(());
            }
            if !lines
                .waker
                .as_ref()
                .is_some_and(|waker| waker.will_wake(context.waker()))
            {
                lines.waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
    }

    /// Writes the lines that have not ended.
    pub fn finish(&self) {
        self.lock().finish();
    }

    /// Writes a line of the host about an action of the guest. The line counts as the guest's output, because the guest may
    /// repeat the action as often as it likes.
    pub fn host(&self, level: Level, line: &str, fields: &[Field]) {
        self.lock().host(level, line, fields);
    }

    /// Writes a line as [`Self::host`] does, but each line once in an invocation, and at most ten lines.
    pub fn host_once(&self, level: Level, line: &str, fields: &[Field]) {
        let mut lines = self.lock();
        let is_known = lines.once.iter().any(|known| known == line);
        if lines.once.len() < MAX_ONCE && !is_known {
            lines.host(level, line, fields);
            lines.once.push(line.to_owned());
        }
    }

    /// Writes a failure. It is cut to the bytes that the invocation may still write, or to [`MIN_FAILURE`] if these are fewer.
    pub fn failure(&self, level: Level, failure: &Failure, fields: &[Field]) {
        let mut lines = self.lock();
        let room = lines.limit.saturating_sub(lines.written);
        let failure = failure.cut(room.max(MIN_FAILURE));
        let id = lines.request_id.as_deref();
        let length = lines.log.counted_failure(level, id, &failure, fields);
        lines.written = lines.written.saturating_add(length);
    }

    /// Returns the last bytes on stderr, as text.
    #[must_use]
    pub fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.lock().last_words)
            .trim()
            .to_owned()
    }

    /// Returns one of the two streams, for WASI.
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

    fn host(&mut self, level: Level, line: &str, fields: &[Field]) {
        if self.check().is_ok() {
            let id = self.request_id.as_deref();
            let length = self.log.host_with(level, id, line, fields);
            self.charge(length);
        }
    }

    fn charge(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(bytes);
        let _ = self.check();
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), TooMuchOutput> {
        self.charge(bytes.len());
        self.check()?;
        if stream == Stream::Stderr {
            self.last_words.extend_from_slice(bytes);
            let excess = self.last_words.len().saturating_sub(STDERR_TAIL);
            self.last_words.drain(..excess);
        }
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            for part in part.chunks(MAX_LINE) {
                let buffer = self.buffer(stream);
                buffer.extend_from_slice(part);
                if part.ends_with(b"\n") {
                    self.flush(stream);
                } else if buffer.len() >= MAX_LINE {
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
        if self.written > self.limit {
            self.is_denied = true;
        }
        if !self.is_denied {
            return Ok(());
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Err(TooMuchOutput)
    }

    fn flush(&mut self, stream: Stream) {
        let mut line = mem::take(self.buffer(stream));
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let level = self.levels.for_stream(stream);
        let id = self.request_id.as_deref();
        let length = self.log.guest(stream, level, id, text);
        self.charge(length.saturating_sub(line.len()));
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

/// Returns how many bytes come before a character of UTF-8 that is cut off at the end: all bytes, if the last character is
/// whole.
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

/// One of the two streams, for WASI. A write does not wait: it writes to the log itself.
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
        let permitted = &bytes[..bytes.len().min(PERMIT)];
        match self.output.lock().write(self.stream, permitted) {
            Ok(()) => Poll::Ready(Ok(permitted.len())),
            // The guest would go on after an error. `GuestOutput::exceeded` ends the call instead.
            Err(TooMuchOutput) => Poll::Pending,
        }
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

//! The log: lines on this process's stdout and stderr, which Lambda sends to CloudWatch Logs.
//!
//! Lambda's formats are those of <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>.

mod level;
mod levels;

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use serde_json::{Map, Value};

pub use self::level::Level;
use crate::failure::Failure;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As they are.
    Text,
    /// Each as a JSON object with `timestamp`, `level`, `requestId` and `message`.
    Json,
}

/// Which of the two streams a line goes to. Both end in the same log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A fact of a line, by its name in JSON. Text has the facts in its message.
pub type Field = (&'static str, Value);

/// Writes lines.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    format: Format,
    level: Level,
    /// How long a line may wait for its turn, and for the reader. `None` means that a line of an invocation waits until it is
    /// read, as the invocation's deadline is watched, and another line for [`UNWATCHED`].
    patience: Option<Duration>,
    /// Whether all lines go to stderr.
    leaves_stdout: bool,
}

impl Log {
    /// A log of this format that leaves out the host's own lines below `level`.
    #[must_use]
    pub fn new((format, level): (Format, Level)) -> Self {
        Self {
            format,
            level,
            patience: None,
            leaves_stdout: false,
        }
    }

    /// The same log, on stderr alone: stdout has something else.
    #[must_use]
    pub fn on_stderr(self) -> Self {
        Self {
            leaves_stdout: true,
            ..self
        }
    }

    /// The same log, whose lines are left out or cut if they cannot be written within this time, for those who must not wait for
    /// a reader.
    #[must_use]
    pub fn waiting_at_most(self, patience: Duration) -> Self {
        let patience = Some(patience);
        Self { patience, ..self }
    }

    /// Returns whether the host's own lines of this level are written.
    #[must_use]
    pub fn writes(self, level: Level) -> bool {
        level >= self.level
    }

    /// Writes a line of the host's own, and returns how many bytes it has in the log.
    pub fn host(self, level: Level, request_id: Option<&str>, message: &str) -> usize {
        self.host_with(level, request_id, message, &[])
    }

    /// Writes a line of the host's own that has these fields in JSON, and returns how many bytes it has in the log.
    pub fn host_with(
        self,
        level: Level,
        request_id: Option<&str>,
        message: &str,
        fields: &[Field],
    ) -> usize {
        if !self.writes(level) {
            return 0;
        }
        let line = match self.format {
            Format::Text => match request_id {
                Some(id) => format!("[{}] RequestId: {id} {message}", level.name()),
                None => format!("[{}] {message}", level.name()),
            },
            Format::Json => json_line(object(fields), level, request_id, message),
        };
        self.write(Stream::Stderr, request_id, line)
    }

    /// Writes what went wrong, with its stack trace.
    pub fn failure(
        self,
        level: Level,
        request_id: Option<&str>,
        failure: &Failure,
        fields: &[Field],
    ) {
        self.counted_failure(level, request_id, failure, fields);
    }

    /// Returns a failure as it stands in a line. In JSON each line stands for itself, and may repeat the function's output.
    #[must_use]
    pub fn text_of(self, failure: &Failure) -> String {
        match self.format {
            Format::Text => failure.after_output(),
            Format::Json => failure.to_string(),
        }
    }

    /// Writes the same, and returns how many bytes it has in the log.
    pub(crate) fn counted_failure(
        self,
        level: Level,
        request_id: Option<&str>,
        failure: &Failure,
        fields: &[Field],
    ) -> usize {
        if !self.writes(level) {
            return 0;
        }
        match self.format {
            Format::Text => self.host(level, request_id, &self.text_of(failure)),
            Format::Json => {
                let mut line = object(fields);
                line.insert("errorType".to_owned(), failure.error_type.as_str().into());
                line.insert("stackTrace".to_owned(), failure.stack_trace.clone().into());
                self.write(
                    Stream::Stderr,
                    request_id,
                    json_line(line, level, request_id, &failure.error_message),
                )
            }
        }
    }

    /// Writes a line of the guest's, without its line end, and returns how many bytes it has in the log. It has `level` if it
    /// does not say another.
    pub fn guest(
        self,
        stream: Stream,
        level: Level,
        request_id: Option<&str>,
        line: &[u8],
    ) -> usize {
        let text = String::from_utf8_lossy(line);
        let line = match self.format {
            Format::Text => text.into_owned(),
            Format::Json => match serde_json::from_str::<Map<String, Value>>(&text) {
                Ok(object) => merged_line(object, level, request_id),
                Err(_) => json_line(Map::new(), level, request_id, &text),
            },
        };
        self.write(stream, request_id, line)
    }

    /// Writes a whole line, so that no two are mixed, and returns its length. A log that is not read is not an error.
    fn write(self, mut stream: Stream, request_id: Option<&str>, mut line: String) -> usize {
        if self.leaves_stdout {
            stream = Stream::Stderr;
        }
        line.push('\n');
        #[cfg(feature = "fuzzing")]
        if crate::fuzzing::keep(stream, &line) {
            return line.len();
        }
        let unwatched = request_id.is_none().then_some(UNWATCHED);
        // An error has nowhere to be told.
        let _ = match self.patience.or(unwatched) {
            Some(patience) => write_within(stream, line.as_bytes(), patience),
            None => write_all(stream, line.as_bytes()),
        };
        line.len()
    }
}

/// How long a line of no invocation may wait: nothing ends its thread's wait for a log that is not read.
const UNWATCHED: Duration = Duration::from_millis(100);

/// How many bytes a pipe takes whole or not at all: <https://man7.org/linux/man-pages/man7/pipe.7.html>.
const PIPE_BUF: usize = 4096;

/// The turn to write: both streams are one log.
static TURN: Mutex<()> = Mutex::new(());

/// The streams on which a line was begun and is not ended, as bits.
static BEGUN: AtomicU8 = AtomicU8::new(0);

/// Whether the last line that had to be written within some time was not. The next one does not wait then.
static IS_UNREAD: AtomicBool = AtomicBool::new(false);

/// The variable that says so to the program that replaces this process.
pub const BEGUN_VARIABLE: &str = "LAMBDA_WASM_LINES_BEGUN";

/// Tells the program that replaces this process which lines are half written, so that it ends them before its own.
pub fn hand_on(command: &mut Command) {
    let begun = BEGUN.load(Ordering::Acquire);
    command.env(BEGUN_VARIABLE, begun.to_string());
}

/// Takes over what the process before said of its lines, by the value of [`BEGUN_VARIABLE`].
pub fn take_over(begun: &str) {
    BEGUN.store(begun.parse().unwrap_or(0), Ordering::Release);
}

impl Stream {
    fn bit(self) -> u8 {
        match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
        }
    }

    /// Whether a line was begun on it and is not ended.
    fn is_begun(self) -> bool {
        BEGUN.load(Ordering::Acquire) & self.bit() != 0
    }

    fn set_begun(self, is_begun: bool) {
        match is_begun {
            true => BEGUN.fetch_or(self.bit(), Ordering::AcqRel),
            false => BEGUN.fetch_and(!self.bit(), Ordering::AcqRel),
        };
    }
}

/// Writes to one of the streams, however long it takes.
fn write_all(stream: Stream, line: &[u8]) -> io::Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    write_pieces(stream, line, || Ok(true))?;
    IS_UNREAD.store(false, Ordering::Relaxed);
    Ok(())
}

/// Writes what can be written in this time. The turn may be a thread's that is stuck in its write.
fn write_within(stream: Stream, line: &[u8], patience: Duration) -> io::Result<()> {
    const RETRY: Duration = Duration::from_millis(1);
    let patience = match IS_UNREAD.load(Ordering::Relaxed) {
        true => Duration::ZERO,
        false => patience,
    };
    let until = Instant::now() + patience;
    let _turn = loop {
        match TURN.try_lock() {
            Ok(turn) => break turn,
            Err(TryLockError::Poisoned(turn)) => break turn.into_inner(),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                IS_UNREAD.store(true, Ordering::Relaxed);
                return Ok(());
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(RETRY),
        }
    };
    let is_whole = write_pieces(stream, line, || match stream {
        Stream::Stdout => takes_more(&io::stdout(), until),
        Stream::Stderr => takes_more(&io::stderr(), until),
    })?;
    IS_UNREAD.store(!is_whole, Ordering::Relaxed);
    Ok(())
}

/// Waits until a stream takes a piece, or until this time. Returns whether it does.
fn takes_more(stream: &impl AsFd, until: Instant) -> io::Result<bool> {
    let left = until.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).ok();
    let mut ready = [PollFd::new(stream, PollFlags::OUT)];
    // SIGTERM interrupts it.
    Ok(retry_on_intr(|| poll(&mut ready, left.as_ref()))? > 0)
}

/// Writes a line in pieces of which each arrives whole or not at all, so that it is known whether a line was begun when the
/// process is replaced. Returns whether it is written: it is cut where `is_ready` says `false`.
fn write_pieces(
    stream: Stream,
    line: &[u8],
    mut is_ready: impl FnMut() -> io::Result<bool>,
) -> io::Result<bool> {
    let mut write = |piece: &[u8]| {
        if !is_ready()? {
            return Ok(false);
        }
        match stream {
            Stream::Stdout => write_piece(&mut io::stdout().lock(), piece),
            Stream::Stderr => write_piece(&mut io::stderr().lock(), piece),
        }?;
        io::Result::Ok(true)
    };
    if stream.is_begun() {
        if !write(b"\n")? {
            return Ok(false);
        }
        stream.set_begun(false);
    }
    let mut pieces = line.chunks(PIPE_BUF);
    let last = pieces.next_back().unwrap_or_default();
    for piece in pieces {
        if !write(piece)? {
            return Ok(false);
        }
        stream.set_begun(true);
    }
    if !write(last)? {
        return Ok(false);
    }
    if line.len() > PIPE_BUF {
        stream.set_begun(false);
    }
    Ok(true)
}

fn write_piece(to: &mut impl Write, piece: &[u8]) -> io::Result<()> {
    to.write_all(piece)?;
    to.flush()
}

fn object(fields: &[Field]) -> Map<String, Value> {
    let fields = fields.iter().cloned();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn timestamp() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

fn json_line(
    mut object: Map<String, Value>,
    level: Level,
    request_id: Option<&str>,
    message: &str,
) -> String {
    object.insert("level".to_owned(), level.name().into());
    object.insert("message".to_owned(), message.into());
    stamp(object, request_id)
}

/// A line that is an object of the guest's: its fields stay, but whose line it is and when it came is the host's to say. What
/// the guest said of level and time is kept beside that, if it is another.
fn merged_line(mut object: Map<String, Value>, level: Level, request_id: Option<&str>) -> String {
    let level = levels::level_of(&object).unwrap_or(level);
    let said = object.insert("level".to_owned(), level.name().into());
    if let Some(said) = said.filter(|said| !levels::is_lambdas(said)) {
        object.entry("originalLevel").or_insert(said);
    }
    if let Some(said) = object.remove("timestamp") {
        object.entry("originalTimestamp").or_insert(said);
    }
    stamp(object, request_id)
}

fn stamp(mut object: Map<String, Value>, request_id: Option<&str>) -> String {
    object.insert("timestamp".to_owned(), timestamp().into());
    match request_id {
        Some(id) => object.insert("requestId".to_owned(), id.into()),
        None => object.remove("requestId"),
    };
    Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Map<String, Value> {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_line_becomes_an_object() {
        let line = parsed(&json_line(
            Map::new(),
            Level::Warn,
            Some("id-1"),
            "say \"hi\"",
        ));
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["requestId"], "id-1");
        assert_eq!(line["message"], "say \"hi\"");
        line["timestamp"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap();
    }

    #[test]
    fn an_object_is_merged_and_cannot_pose_as_another_invocations() {
        let forged = parsed(
            r#"{"message":"m","level":"error","requestId":"other","timestamp":"1970-01-01T00:00:00Z","n":1}"#,
        );
        let line = parsed(&merged_line(forged, Level::Info, Some("id-1")));
        assert_eq!(
            (&line["requestId"], &line["level"], &line["n"]),
            (&"id-1".into(), &"ERROR".into(), &1.into())
        );
        assert_ne!(line["timestamp"], "1970-01-01T00:00:00Z");
        assert_eq!(line["originalTimestamp"], "1970-01-01T00:00:00Z");
        assert!(!line.contains_key("originalLevel"));
        let other = parsed(r#"{"requestId":"other"}"#);
        assert!(!merged_line(other, Level::Info, None).contains("other"));
    }

    #[test]
    fn levels_have_lambdas_names() {
        assert_eq!(Level::from_name("warn"), Some(Level::Warn));
        assert_eq!(Level::from_name("loud"), None);
        assert!(Level::Trace < Level::Fatal);
    }
}

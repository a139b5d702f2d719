//! The log: lines on this process's stdout and stderr, which Lambda sends to CloudWatch Logs.
//!
//! Lambda's formats are those of <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As they are.
    Text,
    /// Each as a JSON object with `timestamp`, `level`, `requestId` and `message`.
    Json,
}

/// How bad a line is; those below the function's level are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Most detail.
    Trace,
    /// Detail.
    Debug,
    /// The course of events.
    Info,
    /// Something is wrong, and it goes on.
    Warn,
    /// An invocation failed.
    Error,
    /// The process ends.
    Fatal,
}

impl Level {
    const ALL: [Self; 6] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// The level of this name, in upper or lower case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

/// Which of the two streams a line goes to. Both end in the same log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Writes lines.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    format: Format,
    level: Level,
    /// How long a line may wait for its turn, and for the reader; `None` means until it is read.
    patience: Option<Duration>,
}

impl Log {
    /// A log of this format that leaves out the host's own lines below `level`.
    #[must_use]
    pub fn new((format, level): (Format, Level)) -> Self {
        Self {
            format,
            level,
            patience: None,
        }
    }

    /// The same log, whose lines are left out if they cannot be written within this time, for those who must not wait for a
    /// reader. So are those that are longer than what the kernel takes at once.
    #[must_use]
    pub fn waiting_at_most(self, patience: Duration) -> Self {
        let patience = Some(patience);
        Self { patience, ..self }
    }

    /// Writes a line of the host's own.
    pub fn host(self, level: Level, request_id: Option<&str>, message: &str) {
        if level < self.level {
            return;
        }
        let line = match self.format {
            Format::Text => match request_id {
                Some(id) => format!("[{}] RequestId: {id} {message}", level.name()),
                None => format!("[{}] {message}", level.name()),
            },
            Format::Json => json_line(Map::new(), level, request_id, message),
        };
        self.write(Stream::Stderr, line);
    }

    /// Writes what went wrong, with its stack trace.
    pub fn failure(self, level: Level, request_id: Option<&str>, failure: &Failure) {
        if level < self.level {
            return;
        }
        match self.format {
            Format::Text => self.host(level, request_id, &failure.to_string()),
            Format::Json => {
                let mut line = Map::new();
                line.insert("errorType".to_owned(), failure.error_type.clone().into());
                line.insert("stackTrace".to_owned(), failure.stack_trace.clone().into());
                self.write(
                    Stream::Stderr,
                    json_line(line, level, request_id, &failure.error_message),
                );
            }
        }
    }

    /// Writes a line of the guest's, without its line end, and returns how many bytes it has in the log.
    pub fn guest(self, stream: Stream, request_id: Option<&str>, line: &[u8]) -> usize {
        let text = String::from_utf8_lossy(line);
        let line = match self.format {
            Format::Text => text.into_owned(),
            Format::Json => match serde_json::from_str::<Map<String, Value>>(&text) {
                Ok(object) => merged_line(object, request_id),
                Err(_) => json_line(Map::new(), Level::Info, request_id, &text),
            },
        };
        let length = line.len() + 1;
        self.write(stream, line);
        length
    }

    /// Writes a whole line at once, so that no two are mixed. A log that nobody reads is no reason to fail.
    fn write(self, stream: Stream, mut line: String) {
        line.push('\n');
        let line = line.as_bytes();
        // An error has nowhere to be told.
        let _ = match self.patience {
            Some(patience) => write_within(line, patience),
            None => write_all(stream, line),
        };
    }
}

/// Whose turn it is to write: both streams are one log.
static TURN: Mutex<()> = Mutex::new(());

/// Writes to one of the streams, however long it takes.
fn write_all(stream: Stream, line: &[u8]) -> io::Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    match stream {
        Stream::Stderr => io::stderr().lock().write_all(line),
        Stream::Stdout => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(line).and_then(|()| stdout.flush())
        }
    }
}

/// Writes to stderr, if that can be done in this time. The turn may be a thread's that is stuck in its write.
fn write_within(line: &[u8], patience: Duration) -> io::Result<()> {
    /// How much a pipe that is ready takes without waiting, in bytes: <https://man7.org/linux/man-pages/man7/pipe.7.html>.
    const PIPE_BUF: usize = 4096;
    const RETRY: Duration = Duration::from_millis(1);
    let until = Instant::now() + patience;
    let _turn: MutexGuard<'_, ()> = loop {
        match TURN.try_lock() {
            Ok(turn) => break turn,
            Err(TryLockError::Poisoned(turn)) => break turn.into_inner(),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(RETRY),
        }
    };
    let stderr = io::stderr();
    let left = until.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).ok();
    let mut ready = [PollFd::new(&stderr, PollFlags::OUT)];
    if line.len() > PIPE_BUF || poll(&mut ready, left.as_ref())? == 0 {
        return Ok(());
    }
    stderr.lock().write_all(line)
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

/// A line that is an object of the guest's: its fields stay, but whose line it is and when it came is the host's to say.
fn merged_line(mut object: Map<String, Value>, request_id: Option<&str>) -> String {
    let level = object
        .get("level")
        .and_then(Value::as_str)
        .and_then(Level::from_name)
        .unwrap_or(Level::Info);
    object.insert("level".to_owned(), level.name().into());
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

    fn object(line: &str) -> Map<String, Value> {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_line_becomes_an_object() {
        let line = object(&json_line(
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
        let forged = object(
            r#"{"message":"m","level":"error","requestId":"other","timestamp":"1970-01-01T00:00:00Z","n":1}"#,
        );
        let line = object(&merged_line(forged, Some("id-1")));
        assert_eq!(
            (&line["requestId"], &line["level"], &line["n"]),
            (&"id-1".into(), &"ERROR".into(), &1.into())
        );
        assert_ne!(line["timestamp"], "1970-01-01T00:00:00Z");
        assert!(!merged_line(object(r#"{"requestId":"other"}"#), None).contains("other"));
    }

    #[test]
    fn levels_have_lambdas_names() {
        assert_eq!(Level::from_name("warn"), Some(Level::Warn));
        assert_eq!(Level::from_name("loud"), None);
        assert!(Level::Trace < Level::Fatal);
    }
}

//! Which levels lines of the function's log have that do not say theirs.

use super::value::{Entry, Said};
use crate::log::{Level, Stream};

/// The levels of a function's two streams, where the log is JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLevels {
    /// The level of a line on stdout.
    pub stdout: Level,
    /// The level of a line on stderr.
    pub stderr: Level,
}

const KEYS: &[&str] = &["stderr", "stdout"];

impl Default for StreamLevels {
    fn default() -> Self {
        Self {
            stdout: Level::Info,
            // A panic's message, and what JavaScript's console.error writes: a filter must not lose them.
            stderr: Level::Error,
        }
    }
}

impl StreamLevels {
    pub(super) fn read(entry: &Entry<'_>) -> Said<Self> {
        let words = Level::ALL.map(|level| (level.name(), level));
        let mut levels = Self::default();
        for entry in entry.table()? {
            match entry.key {
                "stderr" => levels.stderr = entry.word(&words)?,
                "stdout" => levels.stdout = entry.word(&words)?,
                _ => return Err(entry.unknown("[log] has", KEYS)),
            }
        }
        Ok(levels)
    }

    /// Returns the level of this stream.
    #[must_use]
    pub fn of(&self, stream: Stream) -> Level {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }
}

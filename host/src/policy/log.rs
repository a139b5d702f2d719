//! The levels of lines of the function's log that do not say their level.

use serde::de::{Deserialize, Deserializer, Error};

use super::value;
use crate::log::{Level, Stream};

/// The levels of a function's two streams, where the log is JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: [log]")]
pub struct StreamLevels {
    /// The level of a line on stdout.
    #[serde(deserialize_with = "level")]
    pub stdout: Level,
    /// The level of a line on stderr.
    #[serde(deserialize_with = "level")]
    pub stderr: Level,
}

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
    /// Returns the level of this stream.
    #[must_use]
    pub fn for_stream(&self, stream: Stream) -> Level {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }
}

fn level<'de, D: Deserializer<'de>>(from: D) -> Result<Level, D::Error> {
    let word = String::deserialize(from)?;
    let known = Level::ALL.map(|level| (level.name(), level));
    value::word(&word, &known).map_err(D::Error::custom)
}

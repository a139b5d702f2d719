//! The levels of other logging libraries as Lambda's six.
//!
//! Lambda's own are in <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>.

use serde_json::{Map, Value};

use super::level::Level::{self, Debug, Error, Fatal, Info, Trace, Warn};

/// The fields that libraries put a level in. The first that a line has counts.
const FIELDS: &[&str] = &[
    "level",
    "severity",
    "levelname",
    "log.level",
    "severityText",
    "loglevel",
    "lvl",
    "@l",
];

/// Words of levels, in lower case, with the libraries that have them.
const WORDS: &[(&str, Level)] = &[
    // Lambda, log4j, slf4j, Rust's tracing, pino, bunyan.
    ("trace", Trace),
    ("debug", Debug),
    ("info", Info),
    ("warn", Warn),
    ("error", Error),
    ("fatal", Fatal),
    // Python's logging: https://docs.python.org/3/library/logging.html#logging-levels
    ("notset", Trace),
    ("warning", Warn),
    ("critical", Fatal),
    // loguru: https://loguru.readthedocs.io/en/stable/api/logger.html#levels
    ("success", Info),
    // java.util.logging: https://docs.oracle.com/en/java/javase/21/docs/api/java.logging/java/util/logging/Level.html
    ("all", Trace),
    ("finest", Trace),
    ("finer", Trace),
    ("fine", Debug),
    ("config", Debug),
    ("severe", Error),
    // syslog, by RFC 5424, 6.2.1, and its usual short forms.
    ("notice", Info),
    ("informational", Info),
    ("err", Error),
    ("crit", Fatal),
    ("alert", Fatal),
    ("emerg", Fatal),
    ("emergency", Fatal),
    // .NET: https://learn.microsoft.com/dotnet/api/microsoft.extensions.logging.loglevel
    ("information", Info),
    // winston and npm: https://github.com/winstonjs/winston#logging-levels
    ("http", Info),
    ("verbose", Debug),
    ("silly", Trace),
    // JavaScript's console: https://console.spec.whatwg.org/#loglevel
    ("log", Info),
    // Google Cloud: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#LogSeverity
    ("default", Info),
    // zap, zerolog and logrus.
    ("dpanic", Fatal),
    ("panic", Fatal),
    // Three letters and one, as zerolog's console, Serilog and glog write them.
    ("trc", Trace),
    ("vrb", Trace),
    ("dbg", Debug),
    ("inf", Info),
    ("wrn", Warn),
    ("ftl", Fatal),
    ("t", Trace),
    ("v", Trace),
    ("d", Debug),
    ("i", Info),
    ("w", Warn),
    ("e", Error),
    ("c", Fatal),
    ("f", Fatal),
];

/// Returns the level that a line says, if one of its fields says one that is known.
pub(super) fn level_of(line: &Map<String, Value>) -> Option<Level> {
    let said = FIELDS.iter().find_map(|field| line.get(*field))?;
    match said {
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().map_or_else(|| word(text), number)
        }
        Value::Number(said) => number(said.as_f64()?),
        _ => None,
    }
}

/// Whether a level is one of Lambda's, in upper or lower case.
pub(super) fn is_lambdas(said: &Value) -> bool {
    said.as_str().and_then(Level::from_name).is_some()
}

fn word(text: &str) -> Option<Level> {
    if let Some(level) = slog(text) {
        return Some(level);
    }
    let known = WORDS.iter();
    let mut known = known.filter(|(word, _)| word.eq_ignore_ascii_case(text));
    known.next().map(|(_, level)| *level)
}

/// Returns the level of `INFO+2` and its like, which Go's slog writes for the levels between those that have names:
/// <https://pkg.go.dev/log/slog#Level>.
fn slog(text: &str) -> Option<Level> {
    let (name, offset) = text.split_at(text.find(['+', '-'])?);
    let names = [("DEBUG", -4), ("INFO", 0), ("WARN", 4), ("ERROR", 8)];
    let (_, value) = names
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(match offset.parse::<i32>().ok()?.saturating_add(value) {
        ..-4 => Trace,
        -4..0 => Debug,
        0..4 => Info,
        4..8 => Warn,
        8..12 => Error,
        12.. => Fatal,
    })
}

/// Returns the level of a number: of pino and bunyan from 10 on (<https://getpino.io/#/docs/api?id=loggerlevels-object>), and of
/// syslog and GELF up to 7 (RFC 5424, 6.2.1).
fn number(said: f64) -> Option<Level> {
    /// Larger ones are other libraries', and do not agree.
    const LARGEST: f64 = 99.0;
    Some(match said {
        0.0..3.0 => Fatal,
        3.0..4.0 => Error,
        4.0..5.0 => Warn,
        5.0..7.0 => Info,
        7.0 => Debug,
        10.0..20.0 => Trace,
        20.0..30.0 => Debug,
        30.0..40.0 => Info,
        40.0..50.0 => Warn,
        50.0..60.0 => Error,
        60.0..=LARGEST => Fatal,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn levels_of_other_libraries_are_known() {
        for (said, level) in [
            (json!("WARNING"), Some(Warn)),
            (json!("critical"), Some(Fatal)),
            (json!("SEVERE"), Some(Error)),
            (json!("Information"), Some(Info)),
            (json!("INFO+2"), Some(Info)),
            (json!("DEBUG-4"), Some(Trace)),
            (json!("ERROR+4"), Some(Fatal)),
            (json!(10), Some(Trace)),
            (json!(35), Some(Info)),
            (json!(50), Some(Error)),
            (json!("50"), Some(Error)),
            (json!(60), Some(Fatal)),
            (json!(4), Some(Warn)),
            (json!(0), Some(Fatal)),
            (json!(8), None),
            (json!(-1), None),
            (json!(30000), None),
            (json!("loud"), None),
            (json!("INFO+"), None),
            (json!("NaN"), None),
            (json!(null), None),
            (json!({ "a": 1 }), None),
        ] {
            let line = json!({ "level": said });
            assert_eq!(level_of(line.as_object().unwrap()), level, "{said}");
        }
        let line = json!({ "severity": "NOTICE" });
        assert_eq!(level_of(line.as_object().unwrap()), Some(Info));
    }
}

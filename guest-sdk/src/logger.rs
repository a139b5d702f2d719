//! The log: lines with the level that the function's log format needs.

use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};
use serde_json::json;

/// Has the macros of [`log`] print lines: JSON if that is the function's log format, otherwise `LEVEL message`.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let variable = |name| std::env::var(name).unwrap_or_default();
        let logger = Lines {
            is_json: variable("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json"),
        };
        // A function may have a logger of its own.
        if log::set_boxed_logger(Box::new(logger)).is_ok() {
            // Lambda's levels are those of `log`, and FATAL.
            log::set_max_level(match variable("AWS_LAMBDA_LOG_LEVEL").as_str() {
                "FATAL" => LevelFilter::Error,
                level => level.parse().unwrap_or(LevelFilter::Info),
            });
        }
    });
}

struct Lines {
    is_json: bool,
}

impl Log for Lines {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        let level = record.level();
        if self.is_json {
            println!(
                "{}",
                json!({ "level": level.as_str(), "message": record.args().to_string(), "target": record.target() })
            );
        } else {
            println!("{} {}", level, record.args());
        }
    }

    fn flush(&self) {}
}

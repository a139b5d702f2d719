//! The line about each request and its invocation, in the shape of Lambda's `REPORT`.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde_json::json;

/// The form of the lines on standard output.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// Text, in colours or not.
    Text(ColorChoice),
    /// A JSON object on each line.
    Json,
}

impl Format {
    /// Returns the form that the user chose. Text has colours on a terminal, unless `NO_COLOR` is set.
    pub fn new(json: bool) -> Self {
        match json {
            true => Self::Json,
            false => Self::Text(AutoStream::choice(&io::stdout())),
        }
    }
}

/// A request that was answered, or an invocation that no request waits for.
#[derive(Debug)]
pub(super) struct Request {
    pub function: Option<String>,
    /// The method and path, `invoke`, or `event` for an asynchronous invocation.
    pub request: String,
    pub status: Option<u16>,
}

/// The measures of an invocation.
#[derive(Debug)]
pub(super) struct Metrics {
    /// The time until the end of the response, unless the process did not start.
    pub duration: Option<Duration>,
    /// The duration of the process's start, at its first invocation.
    pub init: Option<Duration>,
    pub memory_mb: u32,
    /// The most memory that the process has used.
    pub used_mb: Option<u64>,
}

/// The requests and invocations that have not been reported. The second half of a pair prints the line:
/// the response may be complete before the invocation ends, and the reverse.
#[derive(Debug)]
pub(super) struct Reports {
    format: Format,
    halves: Mutex<HashMap<String, Half>>,
}

#[derive(Debug)]
enum Half {
    Begun,
    Answered(Request),
    Ended(Metrics),
}

impl Default for Reports {
    fn default() -> Self {
        Self::new(Format::Text(ColorChoice::Never))
    }
}

impl Reports {
    /// Creates an empty set of reports.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            halves: Mutex::default(),
        }
    }

    /// Notes that the invocation of a request has begun.
    pub fn begin(&self, id: Option<&str>) {
        if let Some(id) = id {
            self.swap(id, Some(Half::Begun));
        }
    }

    /// Reports a request, once its invocation has ended if there is an invocation.
    pub fn answered(&self, id: &str, request: Request) {
        match self.swap(id, None) {
            Some(Half::Begun) => drop(self.swap(id, Some(Half::Answered(request)))),
            Some(Half::Ended(metrics)) => self.print(&request, Some(&metrics)),
            _ => self.print(&request, None),
        }
    }

    /// Reports the invocation of a request, once the request is answered. Without a request, the
    /// invocation has a line of its own.
    pub fn end(&self, id: Option<&str>, function: &str, metrics: Metrics) {
        let Some(id) = id else {
            let event = Request {
                function: Some(function.to_owned()),
                request: "event".to_owned(),
                status: None,
            };
            return self.print(&event, Some(&metrics));
        };
        match self.swap(id, None) {
            Some(Half::Answered(request)) => self.print(&request, Some(&metrics)),
            _ => drop(self.swap(id, Some(Half::Ended(metrics)))),
        }
    }

    fn swap(&self, id: &str, half: Option<Half>) -> Option<Half> {
        let halves = self.halves.lock();
        let mut halves = halves.unwrap_or_else(PoisonError::into_inner);
        match half {
            Some(half) => halves.insert(id.to_owned(), half),
            None => halves.remove(id),
        }
    }

    fn print(&self, request: &Request, metrics: Option<&Metrics>) {
        let line = match self.format {
            Format::Json => json(request, metrics),
            Format::Text(ColorChoice::Never) => text(request, metrics, |_| Style::new()),
            Format::Text(_) => text(request, metrics, style),
        };
        // `dev` continues without its terminal.
        let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
    }
}

/// The style of a status.
fn style(status: u16) -> Style {
    let colour = match status {
        ..400 => AnsiColor::Green,
        400..500 => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    colour.on_default()
}

fn text(request: &Request, metrics: Option<&Metrics>, style: impl Fn(u16) -> Style) -> String {
    let mut line = String::new();
    if let Some(function) = &request.function {
        line += &format!("{function}: ");
    }
    line += &request.request;
    if let Some(status) = request.status {
        let style = style(status);
        line += &format!(" {style}{status}{style:#}");
    }
    let Some(metrics) = metrics else {
        return line;
    };
    if let Some(duration) = metrics.duration {
        line += &format!("  Duration: {} ms", Milliseconds(duration));
    }
    line += &format!("  Memory Size: {} MB", metrics.memory_mb);
    if let Some(used) = metrics.used_mb {
        line += &format!("  Max Memory Used: {used} MB");
    }
    match (metrics.init, metrics.duration) {
        (Some(init), _) => line += &format!("  Init Duration: {} ms (cold)", Milliseconds(init)),
        (None, Some(_)) => line += "  (warm)",
        (None, None) => {}
    }
    line
}

/// The same as JSON, with the names of Lambda's `platform.report`.
fn json(request: &Request, metrics: Option<&Metrics>) -> String {
    let ms = |duration: Duration| (duration.as_secs_f64() * 1e5).round() / 100.0;
    let mut line = json!({
        "type": "report",
        "function": request.function,
        "request": request.request,
        "status": request.status,
    });
    if let Some(metrics) = metrics {
        line["metrics"] = json!({
            "durationMs": metrics.duration.map(ms),
            "memorySizeMB": metrics.memory_mb,
            "maxMemoryUsedMB": metrics.used_mb,
            "initDurationMs": metrics.init.map(ms),
        });
    }
    line.to_string()
}

/// A duration as Lambda writes it.
struct Milliseconds(Duration);

impl Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0.as_secs_f64() * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(status: u16) -> Request {
        Request {
            function: Some("Api".to_owned()),
            request: "GET /".to_owned(),
            status: Some(status),
        }
    }

    const COLD: Metrics = Metrics {
        duration: Some(Duration::from_micros(12_345)),
        init: Some(Duration::from_micros(8_104)),
        memory_mb: 128,
        used_mb: Some(14),
    };

    #[test]
    fn a_line_has_the_measures_of_lambdas_report() {
        let plain = |_| Style::new();
        assert_eq!(
            text(&request(200), Some(&COLD), plain),
            "Api: GET / 200  Duration: 12.35 ms  Memory Size: 128 MB  Max Memory Used: 14 MB  Init Duration: 8.10 ms (cold)"
        );
        let warm = Metrics { init: None, ..COLD };
        assert_eq!(
            text(&request(200), Some(&warm), plain),
            "Api: GET / 200  Duration: 12.35 ms  Memory Size: 128 MB  Max Memory Used: 14 MB  (warm)"
        );
        assert_eq!(text(&request(404), None, plain), "Api: GET / 404");
    }

    #[test]
    fn a_status_has_a_colour() {
        let line = |status| text(&request(status), None, style);
        assert_eq!(line(200), "Api: GET / \x1b[32m200\x1b[0m");
        assert_eq!(line(404), "Api: GET / \x1b[33m404\x1b[0m");
        assert_eq!(line(502), "Api: GET / \x1b[31m502\x1b[0m");
    }

    #[test]
    fn json_has_the_names_of_lambdas_report() {
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json(&request(200), Some(&COLD))).unwrap(),
            json!({
                "type": "report", "function": "Api", "request": "GET /", "status": 200,
                "metrics": {
                    "durationMs": 12.35, "initDurationMs": 8.1, "memorySizeMB": 128, "maxMemoryUsedMB": 14
                }
            })
        );
    }
}

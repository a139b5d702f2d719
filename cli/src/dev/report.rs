//! The line about each request and its invocation, in the shape of Lambda's `REPORT`.

use std::fmt::{self, Display};
use std::io;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

/// The form of the lines on standard output.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// Text, in colours or not.
    Text(ColorChoice),
    /// A JSON object on each line.
    Json,
}

impl Default for Format {
    fn default() -> Self {
        Self::Text(ColorChoice::Never)
    }
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

/// Returns the line about a request that was answered, or about an invocation for which no request waits.
pub(super) fn line(
    format: Format,
    function: Option<&str>,
    request: &str,
    status: Option<u16>,
    metrics: Option<&Metrics>,
) -> String {
    let report = Report {
        function,
        request,
        status,
        metrics,
    };
    match format {
        Format::Json => report.json(),
        Format::Text(ColorChoice::Never) => report.text(|_| Style::new()),
        Format::Text(_) => report.text(style),
    }
}

struct Report<'a> {
    function: Option<&'a str>,
    request: &'a str,
    status: Option<u16>,
    metrics: Option<&'a Metrics>,
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

impl Report<'_> {
    fn text(&self, style: impl Fn(u16) -> Style) -> String {
        let mut line = String::new();
        if let Some(function) = self.function {
            line += &format!("{function}: ");
        }
        line += self.request;
        if let Some(status) = self.status {
            let style = style(status);
            line += &format!(" {style}{status}{style:#}");
        }
        let Some(metrics) = self.metrics else {
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
            (Some(init), _) => {
                line += &format!("  Init Duration: {} ms (cold)", Milliseconds(init));
            }
            (None, Some(_)) => line += "  (warm)",
            (None, None) => {}
        }
        line
    }

    fn json(&self) -> String {
        let mut line = json!({
            "type": "report",
            "function": self.function,
            "request": self.request,
            "status": self.status,
        });
        if let Some(measured) = self.metrics {
            line["metrics"] = metrics(measured);
        }
        line.to_string()
    }
}

/// Returns the measures as JSON, with the names of Lambda's `platform.report`.
pub(super) fn metrics(metrics: &Metrics) -> Value {
    let ms = |duration: Duration| (duration.as_secs_f64() * 1e5).round() / 100.0;
    json!({
        "durationMs": metrics.duration.map(ms),
        "memorySizeMB": metrics.memory_mb,
        "maxMemoryUsedMB": metrics.used_mb,
        "initDurationMs": metrics.init.map(ms),
    })
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

    fn report(status: u16, metrics: Option<&Metrics>) -> Report<'_> {
        Report {
            function: Some("Api"),
            request: "GET /",
            status: Some(status),
            metrics,
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
            report(200, Some(&COLD)).text(plain),
            "Api: GET / 200  Duration: 12.35 ms  Memory Size: 128 MB  Max Memory Used: 14 MB  Init Duration: 8.10 ms (cold)"
        );
        let warm = Metrics { init: None, ..COLD };
        assert_eq!(
            report(200, Some(&warm)).text(plain),
            "Api: GET / 200  Duration: 12.35 ms  Memory Size: 128 MB  Max Memory Used: 14 MB  (warm)"
        );
        assert_eq!(report(404, None).text(plain), "Api: GET / 404");
    }

    #[test]
    fn a_status_has_a_colour() {
        let line = |status| report(status, None).text(style);
        assert_eq!(line(200), "Api: GET / \x1b[32m200\x1b[0m");
        assert_eq!(line(404), "Api: GET / \x1b[33m404\x1b[0m");
        assert_eq!(line(502), "Api: GET / \x1b[31m502\x1b[0m");
    }

    #[test]
    fn json_has_the_names_of_lambdas_report() {
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&report(200, Some(&COLD)).json()).unwrap(),
            json!({
                "type": "report", "function": "Api", "request": "GET /", "status": 200,
                "metrics": {
                    "durationMs": 12.35, "initDurationMs": 8.1, "memorySizeMB": 128, "maxMemoryUsedMB": 14
                }
            })
        );
    }
}

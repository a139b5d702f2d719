//! How long many invocations took.

use std::fmt;
use std::time::Duration;

/// The width of the longest bar.
const WIDTH: usize = 40;

/// The percentiles that are shown.
const PERCENTILES: [(&str, f64); 5] = [
    ("min", 0.0),
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("max", 1.0),
];

/// The durations of invocations.
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    /// Creates a summary of at least one duration.
    pub fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    /// Returns the percentiles in milliseconds.
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::json!({ "invocations": self.0.len() });
        for (name, share) in PERCENTILES {
            json[format!("{name}Ms")] = (self.percentile(share).as_secs_f64() * 1000.0).into();
        }
        json
    }

    /// The duration that this share of the invocations did not exceed.
    fn percentile(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let index = (share * self.0.len() as f64).ceil() as usize;
        self.0
            .get(index.saturating_sub(1).min(last))
            .copied()
            .unwrap_or_default()
    }
}

impl fmt::Display for Latencies {
    /// Percentiles, then a bar for each power of two of microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} invocations:", self.0.len())?;
        for (name, share) in PERCENTILES {
            write!(f, " {name} {}", Milliseconds(self.percentile(share)))?;
        }
        writeln!(f)?;
        let bucket = |duration: &Duration| duration.as_micros().max(1).ilog2();
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else {
            return Ok(());
        };
        let counts: Vec<_> = (bucket(first)..=bucket(last))
            .map(|each| {
                (
                    each,
                    self.0
                        .iter()
                        .filter(|duration| bucket(duration) == each)
                        .count(),
                )
            })
            .collect();
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1);
        for (each, count) in counts {
            let upper = Milliseconds(Duration::from_micros(1 << (each + 1)));
            let bar = "#".repeat((count * WIDTH).div_ceil(most));
            writeln!(f, "  < {upper:>10}  {count:>6}  {bar}")?;
        }
        Ok(())
    }
}

struct Milliseconds(Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.3} ms", self.0.as_secs_f64() * 1000.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_bars_are_shown() {
        let durations = (1..=100).map(|n| Duration::from_micros(n * 10)).collect();
        let text = Latencies::new(durations).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[0],
            "100 invocations: min 0.010 ms p50 0.500 ms p90 0.900 ms p99 0.990 ms max 1.000 ms"
        );
        assert_eq!(lines[1], "  <   0.016 ms       1  #");
        let bar = "#".repeat(WIDTH);
        assert_eq!(
            *lines.last().unwrap(),
            format!("  <   1.024 ms      49  {bar}")
        );
        assert_eq!(
            lines[6],
            format!("  <   0.512 ms      26  {}", "#".repeat(22))
        );
    }
}

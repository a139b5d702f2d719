//! One row of the report: a value of every subject, measured round by round.

use crate::statistics::Median;

/// The unit of a value.
#[derive(Clone, Copy)]
pub enum Unit {
    Nanoseconds,
    Bytes,
    BytesPerSecond,
    Count,
    /// Connections opened for one call.
    Connections,
}

/// Values of all subjects; the same index is the same round.
pub struct Measurement {
    pub what: String,
    pub unit: Unit,
    pub by_subject: Vec<Vec<f64>>,
}

impl Measurement {
    /// Creates an empty measurement of this number of subjects.
    pub fn new(what: impl Into<String>, unit: Unit, subjects: usize) -> Self {
        Self {
            what: what.into(),
            unit,
            by_subject: vec![Vec::new(); subjects],
        }
    }

    /// Adds a subject's value of the current round.
    pub fn push(&mut self, subject: usize, value: f64) {
        self.by_subject[subject].push(value);
    }

    /// `-` without values; or else the median and, for all but the reference, the ratio to it with its
    /// confidence interval, unless that is too narrow to show: `1.21 ms, 0.95 (0.93-0.97)`.
    pub fn cell(&self, subject: usize, reference: usize) -> String {
        let (values, of_reference) = (&self.by_subject[subject], &self.by_subject[reference]);
        if values.is_empty() {
            return "-".to_owned();
        }
        let median = self.unit.show(Median::of(values).value);
        let is_alone = subject == reference || of_reference.is_empty();
        if is_alone || matches!(self.unit, Unit::Connections) {
            return median;
        }
        let ratio = Median::of_paired_ratios(values, of_reference);
        let shown = |value: f64| format!("{value:.2}");
        let (lower, upper) = (shown(ratio.lower), shown(ratio.upper));
        if lower == upper {
            format!("{median}, {}", shown(ratio.value))
        } else {
            format!("{median}, {} ({lower}-{upper})", shown(ratio.value))
        }
    }
}

impl Unit {
    /// Formats three or four significant digits.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Nanoseconds if value >= 1e9 => format!("{:.1} s", value / 1e9),
            Self::Nanoseconds if value >= 1e6 => format!("{:.2} ms", value / 1e6),
            Self::Nanoseconds => format!("{:.1} us", value / 1e3),
            Self::Bytes => format!("{:.2} MiB", value / f64::from(1 << 20)),
            Self::BytesPerSecond => format!("{:.0} MB/s", value / 1e6),
            Self::Count if value >= 1e6 => format!("{:.2} million", value / 1e6),
            Self::Count => format!("{value:.0}"),
            Self::Connections if value == 0.0 => "kept".to_owned(),
            Self::Connections => format!("**{value:.2} new ones a call**"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_ratio_and_its_interval_but_not_of_the_reference() {
        let row = Measurement {
            what: "start".to_owned(),
            unit: Unit::Nanoseconds,
            by_subject: vec![vec![1e6, 2e6, 3e6], vec![2e6, 2e6, 2e6]],
        };
        assert_eq!(row.cell(0, 1), "2.00 ms, 1.00 (0.50-1.50)");
        assert_eq!(row.cell(1, 1), "2.00 ms");
    }

    #[test]
    fn shows_what_was_not_measured() {
        let row = Measurement {
            what: "artifact".to_owned(),
            unit: Unit::Bytes,
            by_subject: vec![vec![1048576.0], vec![]],
        };
        assert_eq!(row.cell(0, 1), "1.00 MiB");
        assert_eq!(row.cell(1, 1), "-");
    }
}

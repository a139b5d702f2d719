//! The statuses of responses that count as failures.

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// Reads `"500-599"`, `"404"`, or several of them with commas between.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<RangeInclusive<u16>>, D::Error> {
    from.deserialize_str(Statuses)
}

struct Statuses;

impl Visitor<'_> for Statuses {
    type Value = Vec<RangeInclusive<u16>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HTTP statuses from 200 to 599, such as \"500-599\" or \"404, 500-599\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let ranges = text.split(',').map(range).collect::<Option<_>>();
        ranges.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let status = |text: &str| -> Option<u16> {
        let status = text.trim().parse().ok();
        status.filter(|status| (200..=599).contains(status))
    };
    let (first, last) = (status(first)?, status(last)?);
    (first <= last).then_some(first..=last)
}

//! How long an instance is kept.

use std::time::Duration;

use super::value::{Entry, Said};

/// Why the policy's `reuse` has no effect.
pub const ONE_REQUEST: &str = "the policy has `reuse`, which has no effect: the component's JavaScript engine (StarlingMonkey) answers one HTTP request an instance\nhint: remove `reuse` from the policy";

/// That an instance is kept between invocations, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reuse {
    /// How many invocations one instance has at most.
    pub max_invocations: Option<usize>,
    /// How old it may be when an invocation begins.
    pub max_age: Option<Duration>,
}

const KEYS: &[&str] = &["max-age", "max-invocations"];

impl Reuse {
    /// `true`, `false`, or a table.
    pub(super) fn read(entry: &Entry<'_>) -> Said<Option<Self>> {
        const A_DAY: Duration = Duration::from_secs(24 * 3600);
        if !entry.is_table() {
            let said = entry.flag();
            let is_kept = said.map_err(|_| entry.wrong("is true, false, or a table: [reuse]"))?;
            return Ok(is_kept.then(Self::default));
        }
        let mut reuse = Self::default();
        for entry in entry.table()? {
            match entry.key {
                "max-invocations" => {
                    reuse.max_invocations = Some(entry.count(1..=1_000_000_000)?);
                }
                "max-age" => {
                    let range = Duration::from_millis(1)..=A_DAY;
                    reuse.max_age = Some(entry.duration("10m", range)?);
                }
                _ => return Err(entry.unknown("[reuse] has", KEYS)),
            }
        }
        Ok(Some(reuse))
    }

    /// Whether an instance may have one more invocation.
    #[must_use]
    pub fn allows(&self, invocations: usize, age: Duration) -> bool {
        self.max_invocations.is_none_or(|most| invocations < most)
            && self.max_age.is_none_or(|most| age < most)
    }
}

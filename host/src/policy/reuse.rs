//! How long an instance is kept.

use std::time::Duration;

use serde::Deserialize;

use super::value;

/// Why the policy's `reuse` has no effect.
pub const ONE_REQUEST: &str = "the policy has `reuse`, which has no effect: the component's JavaScript engine (StarlingMonkey) answers one HTTP request an instance\nhint: remove `reuse` from the policy";

/// How long an instance is kept between invocations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reuse {
    /// The most invocations of one instance.
    #[serde(deserialize_with = "value::count::<1, 1_000_000_000, _, _>")]
    pub max_invocations: Option<usize>,
    /// The greatest age of an instance at the beginning of an invocation.
    #[serde(deserialize_with = "value::duration::<1, 86_400_000, _, _>")]
    pub max_age: Option<Duration>,
}

impl Reuse {
    /// Returns `true` if an instance may have one more invocation.
    #[must_use]
    pub fn allows(&self, invocations: usize, age: Duration) -> bool {
        self.max_invocations.is_none_or(|most| invocations < most)
            && self.max_age.is_none_or(|most| age < most)
    }
}

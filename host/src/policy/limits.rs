//! The limits of a function's instances.

use std::time::Duration;

use serde::Deserialize;

use super::value::{self, GIB, KIB};

/// The limits of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: [limits]")]
pub struct Limits {
    /// The memory of all memories and tables together, in bytes. `None` depends on the function's own size.
    #[serde(deserialize_with = "value::size::<{ 64 * KIB }, { 10 * GIB }, _, _>")]
    pub memory: Option<usize>,
    /// The time before Lambda's deadline at which the instance is stopped. `None` depends on the function's own size.
    #[serde(deserialize_with = "value::duration::<1, 60_000, _, _>")]
    pub margin: Option<Duration>,
    /// The elements of one table.
    #[serde(deserialize_with = "value::count::<1, 10_000_000, _, _>")]
    pub tables: usize,
    /// The core instances, the memories and the tables, of each as many.
    #[serde(deserialize_with = "value::count::<1, 100_000, _, _>")]
    pub instances: usize,
    /// The handles that it may hold.
    #[serde(deserialize_with = "value::count::<16, 1_000_000, _, _>")]
    pub handles: usize,
    /// The part of the log that one invocation may fill, in bytes.
    #[serde(deserialize_with = "value::size::<KIB, { 10 * GIB }, _, _>")]
    pub output: usize,
}

const MIB: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: None,
            margin: None,
            tables: 1_000_000,
            instances: 1000,
            handles: 10_000,
            output: 64 * MIB,
        }
    }
}

/// The memory that the host holds for an instance without counting it, in bytes: an event, perhaps in two forms, or a response.
/// They have 6 MiB at most. More than that counts as the instance's memory.
pub const FREE_OF_CHARGE: usize = 16 * MIB;

/// Returns the memory that one instance may have, in bytes, in a function of `memory_mib` that runs `concurrency` of them at once.
///
/// A function that grows beyond it gets an error, where Lambda would kill the whole process.
#[must_use]
pub fn memory_limit(memory_mib: u32, concurrency: usize) -> usize {
    /// The host's own part of the function's memory.
    const HOST_MEMORY: usize = 16 * MIB;
    const MIN_MEMORY: usize = 16 * MIB;
    let all = (memory_mib as usize).saturating_mul(MIB);
    let share = all.saturating_sub(HOST_MEMORY) / concurrency.max(1);
    share.saturating_sub(FREE_OF_CHARGE).max(MIN_MEMORY)
}

/// Returns the time before Lambda's deadline at which a function of `memory_mib` is stopped, so that the response leaves and the
/// host asks for the next event in time.
#[must_use]
pub fn margin(memory_mib: u32) -> Duration {
    /// With a whole CPU.
    const MIN_MARGIN: Duration = Duration::from_millis(50);
    /// How much CPU time it takes to stop a guest, report it and make the next instance.
    const CPU_TIME: Duration = Duration::from_millis(8);
    MIN_MARGIN + at_cpu_share(memory_mib, CPU_TIME) - CPU_TIME
}

/// Returns how long work takes in a function of `memory_mib` that takes `cpu_time` on a whole CPU.
///
/// Lambda gives a function CPU in proportion to its memory, and one whole CPU at 1,769 MB:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
#[must_use]
pub fn at_cpu_share(memory_mib: u32, cpu_time: Duration) -> Duration {
    const WHOLE_CPU: u32 = 1769;
    cpu_time * WHOLE_CPU / memory_mib.clamp(128, WHOLE_CPU)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_grows_as_the_share_of_the_cpu_shrinks() {
        for (memory, millis) in [
            (0, 152),
            (128, 152),
            (256, 97),
            (512, 69),
            (1769, 50),
            (10_240, 50),
        ] {
            assert_eq!(margin(memory).as_millis(), millis, "{memory}");
        }
    }

    #[test]
    fn memory_leaves_room_for_the_host() {
        assert_eq!(memory_limit(128, 1), 96 * MIB);
        assert_eq!(memory_limit(0, 1), 16 * MIB);
        assert_eq!(memory_limit(2064, 16), 112 * MIB);
    }
}

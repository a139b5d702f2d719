//! How much a function may take.

use std::time::Duration;

use super::value::{Entry, Said};

/// What one instance may take, if the file says so or by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How much memory, in bytes, all its memories and tables together; `None` leaves it to the function's own size.
    pub memory: Option<usize>,
    /// How long before Lambda's deadline it is stopped; `None` leaves it to the function's own size.
    pub margin: Option<Duration>,
    /// How many elements one of its tables may have.
    pub tables: usize,
    /// How many core instances, memories and tables it may have, of each.
    pub instances: usize,
    /// How many handles it may hold.
    pub handles: usize,
    /// How much one invocation may write to the log, in bytes.
    pub output: usize,
}

const KEYS: &[&str] = &[
    "handles",
    "instances",
    "margin",
    "memory",
    "output",
    "tables",
];

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

impl Limits {
    pub(super) fn read(entry: &Entry<'_>) -> Said<Self> {
        let mut limits = Self::default();
        for entry in entry.table()? {
            match entry.key {
                "memory" => limits.memory = Some(entry.size(64 * 1024..=10_240 * MIB)?),
                "margin" => {
                    let range = Duration::from_millis(1)..=Duration::from_secs(60);
                    limits.margin = Some(entry.duration("50ms", range)?);
                }
                "tables" => limits.tables = entry.count(1..=10_000_000)?,
                "instances" => limits.instances = entry.count(1..=100_000)?,
                "handles" => limits.handles = entry.count(16..=1_000_000)?,
                "output" => limits.output = entry.size(1024..=10_240 * MIB)?,
                _ => return Err(entry.unknown("[limits] has", KEYS)),
            }
        }
        Ok(limits)
    }
}

/// How much the host holds for an instance at no charge, in bytes: an event, perhaps in two forms, or an answer. They have
/// 6 MiB at most. More than that counts as the instance's memory.
pub const FREE_OF_CHARGE: usize = 16 * MIB;

/// How much memory one instance may have, in bytes, in a function of `memory_mib` that runs `concurrency` of them at once.
///
/// A function that grows beyond it gets an error, where Lambda would kill the whole process.
#[must_use]
pub fn memory_limit(memory_mib: u32, concurrency: usize) -> usize {
    /// What the host needs of the function's memory for itself.
    const HOST: usize = 16 * MIB;
    const LEAST: usize = 16 * MIB;
    let all = (memory_mib as usize).saturating_mul(MIB);
    let share = all.saturating_sub(HOST) / concurrency.max(1);
    share.saturating_sub(FREE_OF_CHARGE).max(LEAST)
}

/// How long before Lambda's deadline a function of `memory_mib` is stopped, so that its answer still gets out, and the next
/// event is asked for.
#[must_use]
pub fn margin(memory_mib: u32) -> Duration {
    /// With a whole CPU.
    const LEAST: Duration = Duration::from_millis(50);
    /// How much CPU time it takes to stop a guest, report it and make the next instance.
    const CPU_TIME: Duration = Duration::from_millis(8);
    LEAST + at_cpu_share(memory_mib, CPU_TIME) - CPU_TIME
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

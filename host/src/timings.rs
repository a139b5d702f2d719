//! The phases of a start, measured by the host's own clock if the bench asks for it.

use std::time::Instant;

/// The steps of a start and when each ended. Costs nothing unless it is asked for.
#[derive(Debug)]
pub struct Timings(Option<Steps>);

#[derive(Debug)]
struct Steps {
    /// The time at which this was created, and the nanoseconds from the spawn until then.
    origin: (Instant, u64),
    marks: Vec<(&'static str, u64)>,
}

impl Timings {
    /// Timings since the spawn, if `spawned_at`, in nanoseconds of the monotonic clock, is given. The first mark is now.
    #[must_use]
    pub fn new(spawned_at: Option<u64>, main: Instant) -> Self {
        Self(spawned_at.map(|spawned_at| {
            let since_main = u64::try_from(main.elapsed().as_nanos()).unwrap_or(0);
            let before_main = monotonic_ns()
                .saturating_sub(spawned_at)
                .saturating_sub(since_main);
            Steps {
                origin: (main, before_main),
                marks: vec![("main", before_main)],
            }
        }))
    }

    /// A step has ended.
    pub fn mark(&mut self, step: &'static str) {
        if let Some(steps) = &mut self.0 {
            let since_main = u64::try_from(steps.origin.0.elapsed().as_nanos()).unwrap_or(0);
            steps.marks.push((step, steps.origin.1 + since_main));
        }
    }

    /// Prints them as one line on stderr, `timings: step=nanoseconds …`, each since the spawn.
    pub fn print(&self) {
        if let Some(steps) = &self.0 {
            let marks: Vec<String> = steps
                .marks
                .iter()
                .map(|(step, ns)| format!("{step}={ns}"))
                .collect();
            eprintln!("timings: {}", marks.join(" "));
        }
    }
}

/// The monotonic clock, in nanoseconds, as other processes see it too.
fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

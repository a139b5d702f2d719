//! The moments of one invocation: each enforcer takes its own from here.
//!
//! ```text
//!  /next                stop  +5 ms   stuck          ask_next_by  lambda       abandon
//!    |---- the guest ----|------|-------|--- answer, next instance ---|------|- - - -|
//!                        |<-------------------- margin ------------->|
//! ```

use std::time::{Duration, Instant};

/// How soon the watch looks again at a thread that was not blocked, or was blocked for the first time.
pub const RECHECK: Duration = Duration::from_millis(5);

/// How long a line waits for a log that is not read, once a thread is stuck or the process ends.
pub const MAX_LOG_WAIT: Duration = Duration::from_millis(5);

/// How long after `stop` a guest that computes may take to notice, before it counts as one that waits.
const GRACE: Duration = Duration::from_millis(5);

/// How long after `stop` an invocation that has not ended is looked at by the supervisor. By then every other way to end
/// it has had its turn.
const PATIENCE: Duration = Duration::from_millis(30);

/// The least patience, for short margins.
const LEAST_PATIENCE: Duration = Duration::from_millis(10);

/// How long a thread that has answered may take for what comes after its answer.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// How long after `stop` the end of a streamed response may take.
const STREAM_CLOSE: Duration = Duration::from_millis(20);

/// How long a report may take that is late already: its reader may have its own idea of the deadline.
const LEAST_REPORT: Duration = Duration::from_millis(20);

/// The moments of one invocation, in the order in which they come.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    /// When the guest is stopped.
    pub stop: Instant,
    /// From when on a thread that is blocked counts as stuck.
    pub stuck: Instant,
    /// By when the next event has to be asked for: AWS counts an invocation as timed out if that does not happen before its
    /// deadline.
    pub ask_next_by: Instant,
    /// From when on a thread counts as stuck that has answered.
    pub abandon: Instant,
}

impl Timeline {
    /// Creates the moments of an invocation that begins at `now`, and that Lambda ends at `lambda`.
    ///
    /// The guest is stopped earlier by `margin`, or by half of the time that is left if that is less than two margins.
    #[must_use]
    pub fn new(now: Instant, lambda: Instant, margin: Duration) -> Self {
        let left = lambda.saturating_duration_since(now);
        let margin = margin.min(left / 2);
        // An invocation that comes too late has its time to be stopped, too.
        let stop = lambda.checked_sub(margin).unwrap_or(lambda);
        let stuck = stop.max(now) + patience(margin);
        Self {
            stop,
            stuck,
            ask_next_by: lambda.checked_sub(margin / 4).unwrap_or(lambda),
            abandon: stuck + AFTERWARDS,
        }
    }

    /// Returns when a guest that had to stop at `stop` counts as one that waits in the host.
    #[must_use]
    pub fn give_up(stop: Instant) -> Instant {
        stop + GRACE
    }

    /// Returns until when the end of a streamed response may leave.
    #[must_use]
    pub fn close_stream(&self) -> Instant {
        self.stop + STREAM_CLOSE
    }

    /// Returns whether something that takes so long ends before the next event has to be asked for.
    #[must_use]
    pub fn has_time_for(&self, duration: Duration) -> bool {
        Instant::now() + duration < self.ask_next_by
    }

    /// Returns how long the supervisor may take to report a stuck invocation, so that `restart` ends before the next
    /// event has to be asked for.
    #[must_use]
    pub fn report_within(&self, restart: Duration) -> Duration {
        let left = self.ask_next_by.saturating_duration_since(Instant::now());
        left.saturating_sub(restart).clamp(LEAST_REPORT, AFTERWARDS)
    }
}

/// Returns how long to wait for an invocation that Lambda ends so long after its stop.
fn patience(margin: Duration) -> Duration {
    if margin.is_zero() {
        // Too late for Lambda in any case.
        return PATIENCE;
    }
    (margin * 3 / 5).clamp(LEAST_PATIENCE, PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stuck_invocation_is_noticed_in_time_for_an_answer() {
        for (margin, expected) in [(60_000, 30), (50, 30), (40, 24), (20, 12), (1, 10), (0, 30)] {
            let patience = patience(Duration::from_millis(margin));
            assert_eq!(patience, Duration::from_millis(expected), "{margin}");
        }
    }

    #[test]
    fn a_margin_is_at_most_half_of_the_time() {
        let now = Instant::now();
        let millis = Duration::from_millis;
        let long = Timeline::new(now, now + millis(1000), millis(80));
        assert_eq!(long.stop, now + millis(920));
        assert_eq!(long.ask_next_by, now + millis(980));
        let short = Timeline::new(now, now + millis(100), millis(80));
        assert_eq!(short.stop, now + millis(50));
        let late = Timeline::new(now, now - millis(100), millis(80));
        assert_eq!(late.stop, now - millis(100));
        assert_eq!(late.stuck, now + PATIENCE);
        assert!(!late.has_time_for(Duration::ZERO));
    }
}

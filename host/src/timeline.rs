//! The moments of one invocation. Each enforcer takes its moment from here.
//!
//! ```text
//!  /next                stop  +5 ms   stuck          ask_next_by  deadline     abandon
//!    |---- the guest ----|------|-------|--- answer, next instance ---|------|- - - -|
//!                        |<-------------------- margin ------------->|
//! ```

use std::time::{Duration, Instant};

/// How soon the watch looks again at a thread that was not blocked, or was blocked for the first time.
pub(crate) const RECHECK: Duration = Duration::from_millis(5);

/// How long a line waits for a log that is not read, once a thread is stuck or the process ends.
pub(crate) const MAX_LOG_WAIT: Duration = Duration::from_millis(5);

/// How long after `stop` a guest that computes may take to notice, before it counts as one that waits.
const GRACE: Duration = Duration::from_millis(5);

/// How long after `stop` the watch looks at the thread of an invocation that has not ended. Every other way to end it has had
/// its turn by then.
const STUCK_AFTER: Duration = Duration::from_millis(30);

/// The same, for the shortest margin.
const MIN_STUCK_AFTER: Duration = Duration::from_millis(10);

/// How long a thread may take after its response.
const ABANDON_AFTER: Duration = Duration::from_secs(1);

/// How long after `stop` the end of a streamed response may take.
const STREAM_CLOSE: Duration = Duration::from_millis(20);

/// How long each step of a report may take at least, even after the deadline: the Runtime API may have its own clock. The watchdog
/// takes no longer if no other thread can be had.
pub(crate) const MIN_REPORT: Duration = Duration::from_millis(20);

/// The moments of one invocation, in the order in which they come.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    /// When the guest is stopped.
    pub stop: Instant,
    /// From when on a blocked thread counts as stuck.
    pub stuck: Instant,
    /// By when the worker has to ask for the next event: AWS counts an invocation as timed out if that does not happen before
    /// the deadline.
    pub ask_next_by: Instant,
    /// From when on a blocked thread counts as stuck although it has answered.
    pub abandon: Instant,
    /// Until when the end of a streamed response may leave.
    pub close_stream: Instant,
}

impl Timeline {
    /// Creates the moments of an invocation that begins at `now` and has this deadline.
    ///
    /// The guest is stopped `margin` before the deadline. If there is less time than two margins, it is stopped after half of
    /// the time.
    #[must_use]
    pub fn new(now: Instant, deadline: Instant, margin: Duration) -> Self {
        let left = deadline.saturating_duration_since(now);
        let margin = margin.min(left / 2);
        let stop = deadline.checked_sub(margin).unwrap_or(deadline);
        // An invocation that comes too late also gets the time to be stopped and answered.
        let stopped = stop.max(now);
        let stuck = stopped + stuck_after(margin);
        Self {
            stop,
            stuck,
            ask_next_by: deadline.checked_sub(margin / 4).unwrap_or(deadline),
            abandon: stuck + ABANDON_AFTER,
            close_stream: stopped + STREAM_CLOSE,
        }
    }

    /// Returns when a guest that had to stop at `stop` counts as one that waits in the host.
    #[must_use]
    pub fn give_up(stop: Instant) -> Instant {
        stop + GRACE
    }

    /// Returns whether work that takes so long ends before the worker has to ask for the next event.
    #[must_use]
    pub fn has_time_for(&self, duration: Duration) -> bool {
        Instant::now() + duration < self.ask_next_by
    }

    /// Returns how long the supervisor may take to report a stuck invocation, so that `restart` ends before the next event has
    /// to be asked for.
    #[must_use]
    pub fn report_within(&self, restart: Duration) -> Duration {
        let left = self.ask_next_by.saturating_duration_since(Instant::now());
        left.saturating_sub(restart)
            .clamp(MIN_REPORT, ABANDON_AFTER)
    }
}

/// Returns how long after its stop an invocation counts as stuck, if its deadline is so long after the stop.
fn stuck_after(margin: Duration) -> Duration {
    if margin.is_zero() {
        // The deadline has passed in any case.
        return STUCK_AFTER;
    }
    (margin * 3 / 5).clamp(MIN_STUCK_AFTER, STUCK_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stuck_invocation_is_noticed_in_time_for_an_answer() {
        for (margin, expected) in [(60_000, 30), (50, 30), (40, 24), (20, 12), (1, 10), (0, 30)] {
            let after = stuck_after(Duration::from_millis(margin));
            assert_eq!(after, Duration::from_millis(expected), "{margin}");
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
        assert_eq!(late.stuck, now + STUCK_AFTER);
        assert_eq!(late.close_stream, now + STREAM_CLOSE);
        assert!(!late.has_time_for(Duration::ZERO));
    }
}

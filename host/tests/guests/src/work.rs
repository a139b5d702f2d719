//! What a guest does while it neither waits nor answers.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A duration in milliseconds.
pub fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How many invocations this instance has had, if each asks.
pub fn visits() -> String {
    static VISITS: AtomicU32 = AtomicU32::new(0);
    (VISITS.fetch_add(1, Ordering::Relaxed) + 1).to_string()
}

/// Computes for so long, and asks for nothing but the time, now and then.
#[inline(never)]
pub fn spin(duration: Duration) {
    let started = Instant::now();
    while started.elapsed() < duration {
        for turn in 0..10_000_u32 {
            black_box(turn);
        }
    }
}

/// Computes until it is stopped.
#[inline(never)]
pub fn run_forever() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Traps, with a line on stderr.
#[inline(never)]
pub fn panics() -> ! {
    panic!("the guest panics")
}

//! A frame of a stack trace, of names that a component chose: it is short, one line, and takes little time.

use std::time::{Duration, Instant};

use lambda_wasm_host::fuzzing::{MAX_NAME, frame};
use rustix::time::{ClockId, clock_gettime};

use crate::within;

/// The CPU time for a frame. It is far more than `MAX_TIME`, since this program is slow, and far less than a hang.
const MOST_TIME: Duration = Duration::from_millis(400);

/// The first byte is a compiler's prefix. The rest is a name, which may be repeated.
pub fn run(data: &[u8]) {
    let Some((&[kind, times], name)) = data.split_first_chunk::<2>() else {
        return;
    };
    let name = String::from_utf8_lossy(name).repeat(1 << (times % 6));
    let prefix = [
        "",
        "_R",
        "_RN",
        "_ZN",
        "_Z",
        "__Z",
        "_Z1fSt4pairI",
        "_RINvC1a1bT",
    ][usize::from(kind % 8)];
    let name = format!("{prefix}{name}");
    let started = cpu();
    // The text of a frame, and what parsing a name of 2 KiB takes.
    let shown = within(2 * 1024 * 1024 + 4 * name.len(), || {
        frame(
            Some(1),
            Some(&name),
            Some(&name),
            Instant::now() + Duration::from_millis(5),
        )
    });
    let took = cpu() - started;
    assert!(took < MOST_TIME, "{took:?} for {name:?}");
    // `!`, two marks for the rest of a name, and the offset.
    assert!(shown.len() <= 2 * MAX_NAME + 32, "{} bytes", shown.len());
    assert!(!shown.contains(char::is_control), "{shown:?}");
}

/// Returns the CPU time of this thread: other programs may keep the machine busy.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

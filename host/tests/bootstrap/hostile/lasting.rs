//! What is left of thousands of guests that trapped.

use std::fs;

use lambda_wasm_test_support::{Deployment, Host, PATIENCE};

use super::status;

/// How large a process is.
#[derive(Clone, Copy, Debug)]
struct Size {
    kib: u64,
    threads: u64,
    files: usize,
}

impl Size {
    fn of(host: &Host) -> Self {
        // Its next instance is made by then.
        assert!(host.api.wait_idle(PATIENCE));
        let files = fs::read_dir(format!("/proc/{}/fd", host.pid())).unwrap();
        Self {
            kib: status(host.pid(), "VmRSS:"),
            threads: status(host.pid(), "Threads:"),
            files: files.count(),
        }
    }
}

#[test]
fn ten_thousand_traps_leave_nothing_behind() {
    /// What the allocator may keep more of at one time than at another.
    const NOISE: u64 = 1024;
    let host = Deployment::of("handler").start();
    let trap = |count: usize| {
        for _ in 0..count {
            let error = host.command("out-of-bounds").error();
            let header = error.header("lambda-runtime-function-error-type");
            assert_eq!(header, Some("Function.Trap"));
        }
        Size::of(&host)
    };
    let warm = trap(500);
    let since = std::time::Instant::now();
    let after = trap(10_000);
    println!("{warm:?}, then {after:?} after {:?}", since.elapsed());
    assert!(after.kib <= warm.kib + NOISE, "{warm:?}, then {after:?}");
    assert_eq!((after.threads, after.files), (warm.threads, warm.files));
    assert_eq!(host.ask("count"), "1");
    assert_eq!(host.api.connections(), 1);
    host.finish();
}

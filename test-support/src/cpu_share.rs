//! A process's share of the CPU, as Lambda gives it to a function by its memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::PATIENCE;

/// A control group with a CPU quota, until this is dropped.
pub struct CpuShare(PathBuf);

impl CpuShare {
    /// Gives a process what a function of 128 MB has on Lambda: 128 parts of 1,769, in periods of 20 ms. `None` where this
    /// machine cannot limit it, so that the process has what it can get.
    pub fn of_128_mb(pid: u32) -> Option<Self> {
        const PERIOD: u32 = 20_000;
        const QUOTA: u32 = PERIOD * 128 / 1769;
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lambda-wasm-test-{}-{count}", std::process::id());
        let first = Path::new("/sys/fs/cgroup/cpu");
        let (group, limits) = if first.exists() {
            let quota = ("cpu.cfs_quota_us", QUOTA.to_string());
            let period = ("cpu.cfs_period_us", PERIOD.to_string());
            (first.join(name), vec![period, quota])
        } else {
            let group = Path::new("/sys/fs/cgroup").join(name);
            (group, vec![("cpu.max", format!("{QUOTA} {PERIOD}"))])
        };
        fs::create_dir(&group).ok()?;
        let group = Self(group);
        for (file, value) in limits {
            fs::write(group.0.join(file), value).ok()?;
        }
        fs::write(group.0.join("cgroup.procs"), pid.to_string()).ok()?;
        Some(group)
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // It can be removed once its processes are gone.
        let until = std::time::Instant::now() + PATIENCE;
        while fs::remove_dir(&self.0).is_err() && std::time::Instant::now() < until {
            std::thread::yield_now();
        }
    }
}

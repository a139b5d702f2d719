//! A share of one CPU, as Lambda gives it to a function by its memory size.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The memory size in MB at which a function has one whole CPU:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const ONE_CPU: u32 = 1769;

/// How often the kernel gives a group its quota, in microseconds. AWS does not document it; 20 ms were seen from inside:
/// <https://mustafaakin.dev/posts/2018-01-25-how-does-proportional-cpu-allocation-work-with-aws-lambda/>
const PERIOD: u32 = 20_000;

/// A control group with a CPU quota, until this is dropped.
#[derive(Debug)]
pub struct CpuShare(PathBuf);

impl CpuShare {
    /// Gives processes together the CPU of a function of this memory size in MB. Processes that they start later share it.
    ///
    /// # Errors
    ///
    /// If this machine has no control groups for CPU time, or if the user may not make one.
    pub fn of(memory: u32, processes: impl IntoIterator<Item = u32>) -> io::Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lambda-wasm-{}-{count}", std::process::id());
        let quota = PERIOD * memory / ONE_CPU;
        let first = Path::new("/sys/fs/cgroup/cpu");
        let (group, limits) = if first.exists() {
            let period = ("cpu.cfs_period_us", PERIOD.to_string());
            let quota = ("cpu.cfs_quota_us", quota.to_string());
            (first.join(name), vec![period, quota])
        } else {
            let root = Path::new("/sys/fs/cgroup");
            // Without it a group has no `cpu.max`, and writing that fails.
            let _ = fs::write(root.join("cgroup.subtree_control"), "+cpu");
            (
                root.join(name),
                vec![("cpu.max", format!("{quota} {PERIOD}"))],
            )
        };
        fs::create_dir(&group)?;
        let group = Self(group);
        for (file, value) in limits {
            fs::write(group.0.join(file), value)?;
        }
        for process in processes {
            fs::write(group.0.join("cgroup.procs"), process.to_string())?;
        }
        Ok(group)
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // The group can be removed once its processes are gone.
        let until = Instant::now() + Duration::from_secs(20);
        while fs::remove_dir(&self.0).is_err() && Instant::now() < until {
            thread::yield_now();
        }
    }
}

//! Limits of processes that the kernel keeps, as Lambda has them by a function's memory size.

use std::collections::BTreeMap;
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

/// Where the kernel has control groups.
const ROOT: &str = "/sys/fs/cgroup";

/// A control group of processes, and of those that they start later, until this is dropped.
#[derive(Debug)]
pub struct ControlGroup {
    name: String,
    processes: Vec<u32>,
    /// The directory of each controller. In version 2 it is the same one.
    folders: BTreeMap<&'static str, PathBuf>,
}

impl ControlGroup {
    /// Makes a group of processes, which has no limit yet.
    pub fn of(processes: impl IntoIterator<Item = u32>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("lambda-wasm-{}-{count}", std::process::id()),
            processes: processes.into_iter().collect(),
            folders: BTreeMap::new(),
        }
    }

    /// Gives the processes together the CPU of a function of this memory size in MB.
    ///
    /// # Errors
    ///
    /// Returns an error if this machine has no control groups for CPU time, or if the user may not make one.
    pub fn limit_cpu(&mut self, memory_mb: u32) -> io::Result<()> {
        let quota = PERIOD * memory_mb / ONE_CPU;
        self.limit(
            "cpu",
            &[
                ("cpu.cfs_period_us", PERIOD.to_string()),
                ("cpu.cfs_quota_us", quota.to_string()),
            ],
            &[("cpu.max", format!("{quota} {PERIOD}"))],
        )
    }

    /// Lets the kernel end the processes when they have more memory together than so many MB.
    ///
    /// # Errors
    ///
    /// Returns an error if this machine has no control groups for memory, or if the user may not make one.
    pub fn limit_memory(&mut self, memory_mb: u32) -> io::Result<()> {
        let bytes = (u64::from(memory_mb) << 20).to_string();
        self.limit(
            "memory",
            &[("memory.limit_in_bytes", bytes.clone())],
            &[("memory.max", bytes)],
        )
    }

    /// Lets the processes have at most so many threads together.
    ///
    /// # Errors
    ///
    /// Returns an error if this machine has no control groups for processes, or if the user may not make one.
    pub fn limit_threads(&mut self, threads: usize) -> io::Result<()> {
        let limit = [("pids.max", threads.to_string())];
        self.limit("pids", &limit, &limit)
    }

    /// Returns whether the kernel has ended a process for its memory.
    #[must_use]
    pub fn ended_for_memory(&self) -> bool {
        let Some(folder) = self.folders.get("memory") else {
            return false;
        };
        let files = ["memory.events", "memory.oom_control"].map(|file| folder.join(file));
        let text = files.iter().find_map(|file| fs::read_to_string(file).ok());
        let text = text.unwrap_or_default();
        let mut counts = text
            .lines()
            .filter_map(|line| line.strip_prefix("oom_kill "));
        counts.any(|count| count.trim() != "0")
    }

    /// Sets the limits of a controller: the files and values of version 1, and of version 2.
    fn limit(
        &mut self,
        controller: &'static str,
        first: &[(&str, String)],
        second: &[(&str, String)],
    ) -> io::Result<()> {
        let root = Path::new(ROOT).join(controller);
        let (root, limits) = match root.is_dir() {
            true => (root, first),
            false => {
                let root = PathBuf::from(ROOT);
                // Without it a group has no files of the controller, and writing those fails.
                let control = root.join("cgroup.subtree_control");
                let _ = fs::write(control, format!("+{controller}"));
                (root, second)
            }
        };
        let folder = root.join(&self.name);
        if !folder.is_dir() {
            fs::create_dir(&folder)?;
        }
        self.folders.insert(controller, folder.clone());
        for (file, value) in limits {
            fs::write(folder.join(file), value)?;
        }
        for process in &self.processes {
            fs::write(folder.join("cgroup.procs"), process.to_string())?;
        }
        Ok(())
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // A group can be removed once its processes are gone.
        let until = Instant::now() + Duration::from_secs(20);
        for folder in self.folders.values() {
            while folder.is_dir() && fs::remove_dir(folder).is_err() && Instant::now() < until {
                thread::yield_now();
            }
        }
    }
}

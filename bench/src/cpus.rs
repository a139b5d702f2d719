//! The CPUs: the server has one and the bootstraps have another, so that
//! neither takes time from the other.

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// The CPUs of the server and of the bootstraps.
pub struct Cpus {
    server: CpuSet,
    bootstraps: CpuSet,
    /// The number of CPUs that this process could use before it was moved to one.
    pub usable: usize,
}

impl Cpus {
    /// Takes the first two CPUs that this process may use, and moves it to the
    /// first. With one CPU, both share it.
    pub fn share_out() -> anyhow::Result<Self> {
        let allowed = sched_getaffinity(THIS_THREAD)?;
        let may_use = |&cpu: &usize| allowed.is_set(cpu).unwrap_or(false);
        let usable: Vec<usize> = (0..CpuSet::count()).filter(may_use).collect();
        let server = usable.first().copied().unwrap_or(0);
        let bootstraps = usable.get(1).copied().unwrap_or(server);
        Self::of(only(server)?, only(bootstraps)?, usable.len())
    }

    /// Moves this process to all CPUs of the machine. The bootstraps have them too.
    pub fn all_together() -> anyhow::Result<Self> {
        let mut every = CpuSet::new();
        for cpu in 0..CpuSet::count() {
            every.set(cpu)?;
        }
        // The kernel takes those out that there are not.
        sched_setaffinity(THIS_THREAD, &every)?;
        let usable = std::thread::available_parallelism()?.get();
        Self::of(every, every, usable)
    }

    fn of(server: CpuSet, bootstraps: CpuSet, usable: usize) -> anyhow::Result<Self> {
        sched_setaffinity(THIS_THREAD, &server)?;
        Ok(Self {
            server,
            bootstraps,
            usable,
        })
    }

    /// Runs `spawn` on the bootstraps' CPU, since a child inherits its parent's
    /// affinity, and returns to the server's.
    pub fn spawning<T>(&self, spawn: impl FnOnce() -> T) -> anyhow::Result<T> {
        sched_setaffinity(THIS_THREAD, &self.bootstraps)?;
        let child = spawn();
        sched_setaffinity(THIS_THREAD, &self.server)?;
        Ok(child)
    }

    /// The CPUs of the server and of the bootstraps.
    pub fn placed(&self) -> &'static str {
        if self.server == self.bootstraps {
            "server and bootstraps on the same CPU"
        } else {
            "server and bootstraps on a CPU each"
        }
    }
}

const THIS_THREAD: Pid = Pid::from_raw(0);

fn only(cpu: usize) -> anyhow::Result<CpuSet> {
    let mut only = CpuSet::new();
    only.set(cpu)?;
    Ok(only)
}

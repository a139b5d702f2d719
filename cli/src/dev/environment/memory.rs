//! The memory of an environment's processes.

use std::time::Duration;

use tokio::time::sleep;

/// How the memory of a process is limited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MemoryLimit {
    None,
    /// By its control group.
    Group,
    /// By looking now and then whether it is over so many MB.
    Looks(u32),
}

/// Returns the most memory that processes have used, in MB, or `None` if all have ended.
pub(super) fn used_mb(processes: &[u32]) -> Option<u64> {
    let used = |process: &u32| status_kb(*process, "VmHWM:");
    let used = processes.iter().filter_map(used).reduce(|sum, kb| sum + kb);
    Some(used?.div_ceil(1024))
}

/// Returns when processes have more memory together than a limit that nothing else keeps.
pub(super) async fn over_memory(processes: &[u32], limit: MemoryLimit) {
    const PAUSE: Duration = Duration::from_millis(20);
    let MemoryLimit::Looks(memory_mb) = limit else {
        return std::future::pending().await;
    };
    // Files that are mapped do not count: the kernel can take their pages back.
    let anonymous = |process: &u32| status_kb(*process, "RssAnon:");
    while processes.iter().filter_map(anonymous).sum::<u64>() <= u64::from(memory_mb) * 1024 {
        sleep(PAUSE).await;
    }
}

/// Returns a value of `/proc/PROCESS/status` in kB:
/// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.
fn status_kb(process: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim_end().parse().ok()
}

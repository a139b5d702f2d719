//! The kernel's figures about a process, and its clocks.

use std::{fs, time::Duration};

use anyhow::Context;
use nix::{
    time::{ClockId, clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};

/// The memory that a process has needed so far.
pub struct Footprint {
    /// Most bytes resident at once.
    pub peak: f64,
    /// Page faults that needed no disk.
    pub minor_faults: f64,
    /// Page faults that waited for the disk.
    pub major_faults: f64,
    /// Bytes read from the disk.
    pub bytes_read: f64,
}

impl Footprint {
    /// `VmHWM` of `/proc/PID/status`, `minflt` and `majflt` of `/proc/PID/stat`, and `read_bytes` of `/proc/PID/io`.
    pub fn of(process: Pid) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next());
        let kibibytes: f64 = kibibytes.context("no VmHWM in /proc/PID/status")?.parse()?;

        // The second field is the program's name in parentheses and may hold
        // spaces; minflt is the eighth after it, and majflt the tenth.
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let fields = stat
            .rsplit_once(')')
            .map(|(_, fields)| fields)
            .unwrap_or_default();
        let field = |index: usize| -> anyhow::Result<f64> {
            let field = fields.split_whitespace().nth(index);
            Ok(field
                .context("fields of /proc/PID/stat are missing")?
                .parse()?)
        };

        let io = fs::read_to_string(format!("/proc/{process}/io"))?;
        let bytes = io.lines().find_map(|line| line.strip_prefix("read_bytes:"));
        let bytes = bytes.context("no read_bytes in /proc/PID/io")?;
        Ok(Self {
            peak: kibibytes * 1024.0,
            minor_faults: field(7)?,
            major_faults: field(9)?,
            bytes_read: bytes.trim().parse()?,
        })
    }
}

/// User and system time of all threads of a process, ended ones too, to the
/// nanosecond.
pub fn cpu_time(process: Pid) -> anyhow::Result<Duration> {
    let clock = clock_getcpuclockid(process)?;
    Ok(clock_gettime(clock)?.into())
}

/// `CLOCK_MONOTONIC`, as a child can read it too.
pub fn monotonic_ns() -> anyhow::Result<u128> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    Ok(Duration::from(now).as_nanos())
}

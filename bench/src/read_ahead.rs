//! How much the kernel reads from the disk at once, which decides what a start from the disk takes. Lambda's is not
//! documented.
//!
//! <https://docs.kernel.org/block/queue-sysfs.html>, `read_ahead_kb`

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// Linux's default and a larger size, in KiB.
const SIZES: [u32; 2] = [128, 512];

/// The read-ahead of the disk that a directory is on; dropping it restores the machine's own.
pub struct ReadAhead {
    setting: PathBuf,
    /// The machine's own, in KiB.
    own: u32,
}

impl ReadAhead {
    /// Finds the disk of a directory; `None` if it has none, as an overlay or a tmpfs.
    pub fn of(folder: &Path) -> anyhow::Result<Option<Self>> {
        let device = fs::metadata(folder)?.dev();
        let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
        let Ok(disk) = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")) else {
            return Ok(None);
        };
        // A partition has the queue of its disk.
        let mut settings = disk
            .ancestors()
            .take(2)
            .map(|disk| disk.join("queue/read_ahead_kb"));
        let Some(setting) = settings.find(|setting| setting.is_file()) else {
            return Ok(None);
        };
        let own = fs::read_to_string(&setting)?;
        let own = own
            .trim()
            .parse()
            .context("read_ahead_kb is not a number")?;
        Ok(Some(Self { setting, own }))
    }

    /// The sizes in KiB that can be measured here: two that are common and the machine's own, or only its own if it may not
    /// be set.
    pub fn sizes(&self) -> Vec<u32> {
        let mut sizes = vec![self.own];
        if self.set(self.own).is_ok() {
            sizes.extend(SIZES);
        }
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Sets it, for files that are opened from now on.
    ///
    /// # Errors
    ///
    /// Returns an error if only root may.
    pub fn set(&self, kibibytes: u32) -> anyhow::Result<()> {
        fs::write(&self.setting, kibibytes.to_string())
            .with_context(|| format!("setting {}", self.setting.display()))
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        // It may not be set, and then it was not changed.
        let _ = self.set(self.own);
    }
}

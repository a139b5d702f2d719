//! Tells when files in `dist/` are replaced.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// A build replaces several files: wait so long for the others before anything is restarted.
const SETTLE: Duration = Duration::from_millis(150);

/// Something that tells of changes for as long as it lives.
pub(super) struct Changes {
    events: mpsc::Receiver<()>,
    _watcher: RecommendedWatcher,
}

/// Watches folders.
pub(super) fn changes(folders: &[PathBuf]) -> anyhow::Result<Changes> {
    let (sender, events) = mpsc::channel(1);
    let notify = move |event: notify::Result<notify::Event>| {
        // Reading a file is an event too, and a bootstrap does that when it starts.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            // One event that waits already says it all.
            let _ = sender.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(notify).context("cannot watch files")?;
    for folder in folders.iter().collect::<BTreeSet<_>>() {
        let watched = watcher.watch(folder, RecursiveMode::NonRecursive);
        watched.with_context(|| format!("cannot watch {}", folder.display()))?;
    }
    Ok(Changes {
        events,
        _watcher: watcher,
    })
}

impl Changes {
    /// Waits until something has changed and the changes have settled; false if there will be none.
    pub async fn next(&mut self) -> bool {
        let changed = self.events.recv().await.is_some();
        tokio::time::sleep(SETTLE).await;
        let _ = self.events.try_recv();
        changed
    }
}

/// Tells one state of the files that a function consists of from another: what each is and how long,
/// and when it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp([Option<(u64, u64, SystemTime)>; 3]);

impl Stamp {
    /// The state of `bootstrap`, and of the component and the policy of a handler, in a folder.
    pub fn of(folder: &Path, handler: &str) -> Self {
        let names = [
            "bootstrap".to_owned(),
            format!("{handler}.cwasm"),
            format!("{handler}.toml"),
        ];
        // What cannot be read counts as not there: a start that needs it says what is wrong.
        Self(names.map(|name| {
            let meta = fs::metadata(folder.join(name)).ok()?;
            Some((meta.ino(), meta.len(), meta.modified().ok()?))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_counts_changes_the_stamp_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), "1").unwrap();
        let stamp = || Stamp::of(folder.path(), "hello");
        write("hello.cwasm");
        let first = stamp();
        for other in ["README.md", "other.cwasm", "other.toml"] {
            write(other);
            assert_eq!(stamp(), first);
        }
        write("new.cwasm");
        let [new, hello] = ["new.cwasm", "hello.cwasm"].map(|name| folder.path().join(name));
        fs::rename(new, hello).unwrap();
        let second = stamp();
        assert_ne!(second, first);
        write("hello.toml");
        let third = stamp();
        assert_ne!(third, second);
        write("bootstrap");
        assert_ne!(stamp(), third);
    }
}

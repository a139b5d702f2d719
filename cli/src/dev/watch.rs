//! Tells when files in `dist/` are replaced.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
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

/// Watches a folder.
pub(super) fn changes(folder: &Path) -> anyhow::Result<Changes> {
    let (sender, events) = mpsc::channel(1);
    let notify = move |event: notify::Result<notify::Event>| {
        // Reading a file is an event too, and a bootstrap does that when it starts.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            // One event that waits already says it all.
            let _ = sender.try_send(());
        }
    };
    let watched = notify::recommended_watcher(notify).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    Ok(Changes {
        events,
        _watcher: watched.with_context(|| format!("cannot watch {}", folder.display()))?,
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

/// Tells one state of the files that a function consists of from another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp(Vec<(OsString, u64, u64, SystemTime)>);

impl Stamp {
    /// The state of `bootstrap`, the components and the policies in a folder.
    pub fn of(folder: &Path) -> Self {
        // What cannot be read counts as not there: a start that needs it says what is wrong.
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .filter(|entry| is_part(Path::new(&entry.file_name())))
            .filter_map(|entry| {
                let meta = entry.metadata().ok()?;
                let changed = meta.modified().ok()?;
                Some((entry.file_name(), meta.ino(), meta.len(), changed))
            })
            .collect();
        files.sort();
        Self(files)
    }
}

fn is_part(name: &Path) -> bool {
    let extension = name.extension().and_then(|extension| extension.to_str());
    name == Path::new("bootstrap") || matches!(extension, Some("cwasm" | "toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_counts_changes_the_stamp_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), "1").unwrap();
        write("hello.cwasm");
        let first = Stamp::of(folder.path());
        write("README.md");
        assert_eq!(Stamp::of(folder.path()), first);
        write("new.cwasm");
        fs::rename(
            folder.path().join("new.cwasm"),
            folder.path().join("hello.cwasm"),
        )
        .unwrap();
        let second = Stamp::of(folder.path());
        assert_ne!(second, first);
        write("hello.toml");
        assert_ne!(Stamp::of(folder.path()), second);
    }
}

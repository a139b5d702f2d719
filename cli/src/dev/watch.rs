//! Watches the files in `dist/`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::environment::extensions;
use super::setup::Code;
use crate::build::inputs;

/// The wait for more changes before a restart: a build replaces several files.
const SETTLE: Duration = Duration::from_millis(150);

/// The changes of files, until the value is dropped.
pub(super) struct Changes {
    events: mpsc::Receiver<()>,
    _watcher: RecommendedWatcher,
}

/// Watches the code of functions.
pub(super) fn changes(codes: &[Code]) -> anyhow::Result<Changes> {
    let bootstraps = codes.iter().filter_map(|code| code.bootstrap.parent());
    let roots = codes.iter().map(|code| code.root.as_path());
    let directories: BTreeSet<_> = roots.chain(bootstraps).map(Path::to_owned).collect();
    watch(&directories, |_| true)
}

/// Watches the source of a project. A file that a build writes, or an editor, is not part of it.
pub(super) fn source(directories: &BTreeSet<PathBuf>) -> anyhow::Result<Changes> {
    watch(directories, |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !inputs::is_skipped(&name) && !name.ends_with('~')
    })
}

/// Watches the files in directories that are of interest.
fn watch(
    directories: &BTreeSet<PathBuf>,
    is_of_interest: impl Fn(&Path) -> bool + Send + 'static,
) -> anyhow::Result<Changes> {
    let (sender, events) = mpsc::channel(1);
    let notify = move |event: notify::Result<notify::Event>| {
        // Reading a file is an event too, and a bootstrap reads its files when it starts.
        let counts = match event {
            Ok(event) => {
                !event.kind.is_access() && event.paths.iter().any(|path| is_of_interest(path))
            }
            // Events may have been lost.
            Err(_) => true,
        };
        if counts {
            // One event that waits is enough.
            let _ = sender.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(notify).context("cannot watch files")?;
    for folder in directories {
        let watched = watcher.watch(folder, RecursiveMode::NonRecursive);
        watched.with_context(|| format!("cannot watch {}", folder.display()))?;
    }
    Ok(Changes {
        events,
        _watcher: watcher,
    })
}

impl Changes {
    /// Waits until files have changed and the changes have settled. Returns false if the watcher has ended.
    pub async fn next(&mut self) -> bool {
        let changed = self.events.recv().await.is_some();
        tokio::time::sleep(SETTLE).await;
        let _ = self.events.try_recv();
        changed
    }
}

/// The state of a function's files: the inode, the size and the time of the last write of each.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(Vec<(PathBuf, Option<Stamp>)>);

/// The inode, the size and the time of the last write of a file.
type Stamp = (u64, u64, SystemTime);

impl Fingerprint {
    /// Reads the state of `bootstrap`, the component and the policy of a handler, and the extensions, in a
    /// directory.
    pub fn read(code: &Code, handler: &str) -> Self {
        let paths = [
            code.bootstrap.clone(),
            code.root.join(format!("{handler}.cwasm")),
            code.root.join(format!("{handler}.toml")),
        ];
        // A file that cannot be read counts as missing: a start that needs it reports the error.
        let state = |path: &Path| {
            let meta = fs::metadata(path).ok()?;
            Some((meta.ino(), meta.len(), meta.modified().ok()?))
        };
        let paths = paths.into_iter().chain(extensions::find(&code.root));
        Self(paths.map(|path| (path.clone(), state(&path))).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_counts_changes_the_stamp_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), "1").unwrap();
        let code = Code::in_directory(folder.path());
        let fingerprint = || Fingerprint::read(&code, "hello");
        write("hello.cwasm");
        let first = fingerprint();
        for other in ["README.md", "other.cwasm", "other.toml"] {
            write(other);
            assert_eq!(fingerprint(), first);
        }
        write("new.cwasm");
        let [new, hello] = ["new.cwasm", "hello.cwasm"].map(|name| folder.path().join(name));
        fs::rename(new, hello).unwrap();
        let second = fingerprint();
        assert_ne!(second, first);
        write("hello.toml");
        let third = fingerprint();
        assert_ne!(third, second);
        write("bootstrap");
        let fourth = fingerprint();
        assert_ne!(fourth, third);
        fs::create_dir(folder.path().join("extensions")).unwrap();
        write("extensions/data");
        assert_eq!(fingerprint(), fourth);
        let data = folder.path().join("extensions/data");
        fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
        assert_ne!(fingerprint(), fourth);
    }
}

//! The external extensions of an environment: processes that run beside the bootstrap, and that the
//! Extensions API starts and ends:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>.

use std::collections::BTreeMap;
use std::fs;
use std::future::{Future, poll_fn};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use lambda_wasm_emulator::{ExtensionFailure, RuntimeApi, ShutdownReason, variables};
use tokio::process::Child;

use super::launch::{command, in_words_of_lambda, spawn};
use super::log::{Destination, Log};
use crate::interrupt::{Group, Unfinished};

/// The directory of the extensions, in the place of `/opt/extensions`.
const DIRECTORY: &str = "extensions";

/// The extensions that run.
#[derive(Default)]
pub(super) struct Extensions {
    all: Vec<Extension>,
    /// They, and what they have started.
    group: Group,
    /// The log of all, if there are any.
    log: Option<Arc<Log>>,
}

struct Extension {
    /// Its file name, by which it registers.
    name: String,
    child: Child,
    _unfinished: Unfinished,
}

impl Extensions {
    /// Starts the extensions of a directory, with the variables of its function and a log.
    ///
    /// # Errors
    ///
    /// Returns the failure if an extension cannot be started.
    pub fn start(
        api: &RuntimeApi,
        root: &Path,
        variables: &BTreeMap<String, String>,
        log: Destination,
    ) -> Result<Self, ExtensionFailure> {
        let found = find(root);
        let Some(first) = found.first() else {
            return Ok(Self::default());
        };
        let cannot = |path: &Path, error: io::Error| ExtensionFailure {
            kind: "Extension.LaunchError".to_owned(),
            extension: name(path),
            message: format!("cannot start {}: {error}", path.display()),
        };
        let (log, output) = Log::new(log).map_err(|error| cannot(first, error))?;
        tokio::spawn(log.clone().follow());
        api.expect_extensions(found.iter().map(|path| name(path)));
        let variables = variables::for_extension(variables);
        let mut started = Self {
            all: Vec::new(),
            group: Group::default(),
            log: Some(log),
        };
        for path in found {
            let leader = started.processes().next();
            let spawned = command(&path, root, &variables, &output)
                .and_then(|mut command| spawn(&mut command, leader));
            let (child, _unfinished) = spawned.map_err(|error| cannot(&path, error))?;
            if leader.is_none() {
                started.group = Group::of(child.id());
            }
            started.all.push(Extension {
                name: name(&path),
                child,
                _unfinished,
            });
        }
        Ok(started)
    }

    /// Returns the log of the extensions, if there are any.
    pub fn log(&self) -> Option<Arc<Log>> {
        self.log.clone()
    }

    /// Passes on the log that the extensions have written.
    pub fn pass_log_on(&self) {
        if let Some(log) = &self.log {
            log.pass_on();
        }
    }

    /// Returns the ids of the processes. The first is that of the group.
    pub fn processes(&self) -> impl Iterator<Item = u32> {
        self.all.iter().filter_map(|extension| extension.child.id())
    }

    /// Waits for an event that the end of an extension also causes.
    pub async fn or_exit<T>(&mut self, api: &RuntimeApi, event: impl Future<Output = T>) -> T {
        let mut event = pin!(event);
        loop {
            tokio::select! {
                biased;
                event = &mut event => return event,
                (name, why) = self.ended() => api.extension_exited(&name, &why),
            }
        }
    }

    /// Waits until an extension has ended, and returns its name and the reason.
    pub async fn ended(&mut self) -> (String, String) {
        poll_fn(|context| {
            for position in 0..self.all.len() {
                let exit = pin!(self.all[position].child.wait()).poll(context);
                if let Poll::Ready(status) = exit {
                    let why = match status {
                        Ok(status) => in_words_of_lambda(status),
                        Err(error) => error.to_string(),
                    };
                    return Poll::Ready((self.all.remove(position).name, why));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Tells the Runtime API which extensions have ended.
    pub fn look(&mut self, api: &RuntimeApi) {
        self.all.retain_mut(|extension| {
            let Ok(Some(status)) = extension.child.try_wait() else {
                return true;
            };
            api.extension_exited(&extension.name, &in_words_of_lambda(status));
            false
        });
    }

    /// Hands the event SHUTDOWN to the extensions, and kills those that still run after so long.
    pub async fn end(&mut self, api: &RuntimeApi, reason: ShutdownReason, left: Duration) {
        self.or_exit(api, api.shut_down(reason, left)).await;
        for extension in &mut self.all {
            // It has ended already if this fails.
            drop(extension.child.kill().await);
        }
        self.pass_log_on();
    }
}

/// Returns the executables in the directory of extensions, if there is one.
pub(in crate::dev) fn find(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join(DIRECTORY)).into_iter().flatten();
    let paths = entries.filter_map(|entry: io::Result<fs::DirEntry>| Some(entry.ok()?.path()));
    let mut found: Vec<_> = paths.filter(|path| is_executable(path)).collect();
    found.sort();
    found
}

fn is_executable(path: &Path) -> bool {
    let meta = fs::metadata(path);
    meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

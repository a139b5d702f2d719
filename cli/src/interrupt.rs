//! Ctrl-C: what a command has begun is removed, and what it has started is ended, before this process ends.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

/// The files and processes that would be left behind now.
static BEGUN: Mutex<Vec<Begun>> = Mutex::new(Vec::new());

/// Something to remove or to end.
#[derive(Clone, PartialEq, Eq)]
pub enum Begun {
    /// A file or a directory that has another name once it is complete.
    Path(PathBuf),
    /// A process, which is asked to end.
    Process(Pid),
    /// A process that is the first of a group, and all that it has started.
    Group(Pid),
}

impl Begun {
    /// A file or a directory.
    pub fn path(path: &Path) -> Option<Self> {
        Some(Self::Path(path.to_owned()))
    }

    /// A process by its id.
    pub fn process(id: u32) -> Option<Self> {
        pid(id).map(Self::Process)
    }

    /// A group of processes by the id of its first.
    pub fn group(leader: u32) -> Option<Self> {
        pid(leader).map(Self::Group)
    }
}

/// Keeps something to remove or to end in mind, until it is dropped.
pub struct Unfinished(Option<Begun>);

/// Makes something, and keeps in mind what of it is to be removed or ended. A signal waits for it.
///
/// # Errors
///
/// Returns the error of `make`.
pub fn begin<T, E>(
    make: impl FnOnce() -> Result<T, E>,
    begun: impl FnOnce(&T) -> Option<Begun>,
) -> Result<(T, Unfinished), E> {
    let mut all = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    let made = make()?;
    let begun = begun(&made);
    all.extend(begun.clone());
    Ok((made, Unfinished(begun)))
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut all = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(position) = all.iter().position(|begun| Some(begun) == self.0.as_ref()) {
            all.swap_remove(position);
        }
    }
}

/// Another process of this program, which is asked to end if this is dropped while it runs. It ends what it has
/// started.
pub struct Running(Option<Pid>);

impl Running {
    /// Watches a process by its id.
    pub fn new(id: Option<u32>) -> Self {
        Self(id.and_then(pid))
    }

    /// Notes that the process has ended: its id may be another's from now on.
    pub fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = self.0 {
            let _ = kill_process(process, Signal::TERM);
        }
    }
}

/// A group of processes, which is killed when this is dropped: also those that its members have started.
#[derive(Default)]
pub struct Group(Option<Pid>);

impl Group {
    /// Takes a group by the id of its first process.
    pub fn of(leader: Option<u32>) -> Self {
        Self(leader.and_then(pid))
    }

    /// Kills all that still run.
    pub fn kill(&self) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks a process to end. It may have ended.
pub fn terminate(id: u32) {
    if let Some(process) = pid(id) {
        let _ = kill_process(process, Signal::TERM);
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// Ends this process on Ctrl-C, SIGTERM or SIGHUP, with the exit code of shells: 128 and the signal's number.
///
/// # Errors
///
/// Returns an error if signals cannot be received.
pub fn clean_up() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    drop(entered);
    std::thread::spawn(move || {
        let signal = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
                _ = hang_up.recv() => SignalKind::hangup(),
            }
        });
        // Not given back, so that nothing more begins.
        let begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
        begun.iter().for_each(remove);
        std::process::exit(128 + signal.as_raw_value());
    });
    Ok(())
}

/// Removes or ends something. It may be gone already.
fn remove(begun: &Begun) {
    match begun {
        Begun::Path(path) if path.is_dir() => drop(std::fs::remove_dir_all(path)),
        Begun::Path(path) => drop(std::fs::remove_file(path)),
        Begun::Process(process) => drop(kill_process(*process, Signal::TERM)),
        Begun::Group(leader) => drop(kill_process_group(*leader, Signal::KILL)),
    }
}

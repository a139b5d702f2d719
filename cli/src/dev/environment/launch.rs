//! Starts the processes of an environment.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use crate::interrupt::{self, Begun, Unfinished};

/// The variables that a process inherits: programs need them, and they are not secret.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"];

/// Returns a command of an environment, whose output goes to its log.
pub(super) fn command(
    path: &Path,
    root: &Path,
    variables: &BTreeMap<String, String>,
    output: &OwnedFd,
) -> io::Result<Command> {
    let inherited = INHERITED
        .iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut command = Command::new(path);
    command
        .current_dir(root)
        .env_clear()
        .envs(inherited)
        .envs(variables)
        .stdin(Stdio::null())
        // Both are the log, as on Lambda.
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .kill_on_drop(true);
    Ok(command)
}

/// Starts a process of an environment, in the group of the environment's first process.
pub(super) fn spawn(command: &mut Command, leader: Option<u32>) -> io::Result<(Child, Unfinished)> {
    let group = leader.and_then(|leader| i32::try_from(leader).ok());
    // Ctrl-C is for this program, which then ends the group.
    command.process_group(group.unwrap_or(0));
    let begun = |child: &Child| leader.or(child.id()).and_then(Begun::group);
    interrupt::begin(|| command.spawn(), begun)
}

/// Returns the end of a process as Lambda's log has it, which is written in Go.
pub(super) fn in_words_of_lambda(status: ExitStatus) -> String {
    let signal = match status.signal() {
        None => return format!("exit status {}", status.code().unwrap_or_default()),
        Some(4) => "illegal instruction",
        Some(6) => "aborted",
        Some(7) => "bus error",
        Some(9) => "killed",
        Some(11) => "segmentation fault",
        Some(15) => "terminated",
        Some(other) => return format!("signal: signal {other}"),
    };
    format!("signal: {signal}")
}

/// Returns the reason why a bootstrap has ended.
pub(super) fn exit_text(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("Runtime exited with error: {}", in_words_of_lambda(status)),
        Err(error) => format!("Runtime exited: {error}"),
    }
}

//! The paths that are left to the process, where the kernel has Landlock: <https://docs.kernel.org/userspace-api/landlock.html>.
//! seccomp sees no paths.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, path_beneath_rules,
};

use crate::function::Function;

/// The kernel's accounts of the process's threads, by which the watchdog sees that a thread is stuck.
const THREADS: &str = "/proc/self/task";

/// The files that say where name servers are.
const NAMES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// The version whose rights are known here. A kernel with an older one leaves to the process what it does not know.
const VERSION: ABI = ABI::V5;

/// The rules of the threads of a process.
pub(super) struct Rules {
    /// For the threads that handle invocations.
    pub(super) workers: RulesetCreated,
    /// For all threads.
    pub(super) all: RulesetCreated,
}

/// Returns the rules of a function's process. `None` if the kernel has no Landlock, or, before Linux 5.19, one with which files
/// cannot be moved between directories.
pub(super) fn rules(function: &Function) -> Result<Option<Rules>, RulesetError> {
    let moves = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::Refer);
    if moves.is_err() {
        return Ok(None);
    }
    let threads = path_beneath_rules([THREADS], AccessFs::from_read(VERSION));
    Ok(Some(Rules {
        workers: worker_rules(function)?,
        all: worker_rules(function)?.add_rules(threads)?,
    }))
}

fn worker_rules(function: &Function) -> Result<RulesetCreated, RulesetError> {
    let policy = function.policy();
    let (reads, changes) = (AccessFs::from_read(VERSION), AccessFs::from_all(VERSION));
    let mut rules = Ruleset::default().handle_access(changes)?.create()?;
    let (writable, read_only): (Vec<_>, Vec<_>) = function
        .sandbox
        .preopens
        .iter()
        .partition(|directory| directory.is_writable);
    let dumps = policy.coredump.iter().map(|dumps| &*dumps.directory);
    let writable = writable.iter().map(|directory| &*directory.host);
    rules = rules.add_rules(path_beneath_rules(writable.chain(dumps), changes))?;
    let read_only = read_only.iter().map(|directory| &*directory.host);
    rules = rules.add_rules(path_beneath_rules(read_only, reads))?;
    if !policy.http.allow.is_empty() {
        let files = function.files_of_requests();
        let paths = NAMES
            .iter()
            .map(Path::new)
            .chain(files.iter().map(|file| &**file));
        rules = rules.add_rules(path_beneath_rules(paths, reads))?;
    }
    Ok(rules)
}

//! What every sandbox of a function is made from.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::descriptors::{self, Share};
use crate::config::Config;
use crate::failure::Failure;
use crate::log::Log;
use crate::policy::{Folder, Opened, Policy, PolicyError, margin, memory_limit};

/// The policy, and what it comes to on this machine.
#[derive(Clone)]
pub struct Grants {
    /// What the function's file says.
    pub policy: Policy,
    /// The environment that the guest sees.
    pub env: Vec<(String, String)>,
    /// The folders that it sees.
    pub folders: Vec<Opened>,
    /// How much memory its linear memories may have together, in bytes.
    pub memory: usize,
    /// How long before Lambda's deadline it is stopped.
    pub margin: Duration,
    /// What `wasi:config/store` answers from.
    pub config: Arc<[(String, String)]>,
    /// How many of the process's descriptors each worker may have.
    pub share: Share,
    /// Where its output goes.
    pub log: Log,
}

impl Grants {
    /// Reads the policy of the function that is configured. `streams` says whether its responses are streamed by default.
    ///
    /// # Errors
    ///
    /// If it cannot be understood, or grants what is not there; or if the process may not have enough descriptors.
    pub fn read(config: &Config, log: Log, streams: bool) -> Result<Self, Failure> {
        let invalid = |error: PolicyError| Failure::new("Runtime.InvalidPolicy", error.to_string());
        let path = Policy::path(&config.component);
        let policy = Policy::read(&path).map_err(invalid)?;
        let root = config.component.parent().unwrap_or(Path::new("/"));
        let folders = Folder::open_all(&policy.files, root)
            .map_err(|(line, why)| invalid(PolicyError::new(&path, line, why)))?;
        if let Some(dumps) = &policy.coredump {
            dumps
                .check(&folders)
                .map_err(|(line, why)| invalid(PolicyError::new(&path, line, why)))?;
        }
        let (size, concurrency) = (config.facts.memory_mib, config.max_concurrency.get());
        let share = share(&policy, folders.len(), concurrency, streams)?;
        Ok(Self {
            env: config.environment.view(&policy),
            folders,
            memory: policy
                .limits
                .memory
                .unwrap_or_else(|| memory_limit(size, concurrency)),
            margin: policy.limits.margin.unwrap_or_else(|| margin(size)),
            config: policy.config.as_slice().into(),
            share,
            policy,
            log,
        })
    }
}

/// Returns what each worker may have of the process's descriptors.
fn share(
    policy: &Policy,
    directories: usize,
    workers: usize,
    streams: bool,
) -> Result<Share, Failure> {
    let limit = descriptors::limit();
    let sends = !policy.http.is_empty();
    let has_io = sends || policy.stream.unwrap_or(streams);
    Share::of(limit, workers, directories, has_io, sends).map_err(|least| {
        Failure::new(
            "Runtime.NoResources",
            format!(
                "{workers} workers need {least} file descriptors, and the process may have {limit} (RLIMIT_NOFILE; Lambda allows 1,024)\nhint: lower AWS_LAMBDA_MAX_CONCURRENCY"
            ),
        )
    })
}

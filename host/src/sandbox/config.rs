//! The configuration of a function's sandboxes.

use std::path::Path;
use std::time::Duration;

use super::descriptors::{self, Share};
use crate::config::{Config, StandIns};
use crate::failure::{ErrorType, Failure};
use crate::log::Log;
use crate::policy::{DirectoryGrant, Policy, PolicyError, Preopen, margin, memory_limit};

/// The policy of a function, applied to this machine.
#[derive(Clone)]
pub struct SandboxConfig {
    /// The function's policy.
    pub policy: Policy,
    /// The environment variables of the guest.
    pub env: Vec<(String, String)>,
    /// The directories of the guest.
    pub preopens: Vec<Preopen>,
    /// The memory that an instance may have, in bytes.
    pub memory: usize,
    /// How long before its deadline an invocation is stopped.
    pub margin: Duration,
    /// The stand-ins that a test gives the function.
    pub stand_ins: StandIns,
    /// The file descriptors of each worker.
    pub share: Share,
    /// The log of the guest's output.
    pub log: Log,
    /// The samples of guests that a tool profiles.
    #[cfg(feature = "compiler")]
    pub(crate) profiler: Option<super::Profiler>,
}

impl SandboxConfig {
    /// Reads the policy of the function that is configured. `streams` says whether its responses are streamed by default.
    ///
    /// # Errors
    ///
    /// Returns an error if the policy is invalid, if a directory that it grants is not there, or if the process may not have
    /// enough file descriptors.
    pub fn from_config(config: &Config, log: Log, streams: bool) -> Result<Self, Failure> {
        let invalid =
            |error: PolicyError| Failure::new(ErrorType::InvalidPolicy, error.to_string());
        let path = Policy::path(&config.component);
        let policy = Policy::read(&path).map_err(invalid)?;
        let root = config.component.parent().unwrap_or(Path::new("/"));
        let preopens = DirectoryGrant::open_all(&policy.files, root)
            .map_err(|(line, why)| invalid(PolicyError::new(&path, line, why)))?;
        if let Some(dumps) = &policy.coredump {
            dumps
                .check(&preopens)
                .map_err(|(line, why)| invalid(PolicyError::new(&path, line, why)))?;
        }
        let (size, concurrency) = (config.metadata.memory_mib, config.max_concurrency.get());
        let share = share(&policy, preopens.len(), concurrency, streams)?;
        Ok(Self {
            env: config.environment.view(&policy),
            preopens,
            memory: policy
                .limits
                .memory
                .unwrap_or_else(|| memory_limit(size, concurrency)),
            margin: policy.limits.margin.unwrap_or_else(|| margin(size)),
            stand_ins: config.stand_ins,
            share,
            policy,
            log,
            #[cfg(feature = "compiler")]
            profiler: None,
        })
    }
}

/// Returns the share of each worker in the process's file descriptors.
fn share(
    policy: &Policy,
    directories: usize,
    workers: usize,
    streams: bool,
) -> Result<Share, Failure> {
    let limit = descriptors::limit();
    let sends = !policy.http.allow.is_empty();
    let has_io = sends || policy.stream.unwrap_or(streams);
    Share::new(limit, workers, directories, has_io, sends).map_err(|least| {
        Failure::new(
            ErrorType::NoResources,
            format!(
                "{workers} workers need {least} file descriptors, and the process may have {limit} (RLIMIT_NOFILE; Lambda allows 1,024)\nhint: lower AWS_LAMBDA_MAX_CONCURRENCY"
            ),
        )
    })
}

//! What every sandbox of a function is made from.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
    /// Where its output goes.
    pub log: Log,
}

impl Grants {
    /// Reads the policy of the function that is configured.
    ///
    /// # Errors
    ///
    /// If it cannot be understood, or grants what is not there.
    pub fn read(config: &Config, log: Log) -> Result<Self, Failure> {
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
        Ok(Self {
            env: config.environment.view(&policy),
            folders,
            memory: policy
                .limits
                .memory
                .unwrap_or_else(|| memory_limit(size, concurrency)),
            margin: policy.limits.margin.unwrap_or_else(|| margin(size)),
            config: policy.config.as_slice().into(),
            policy,
            log,
        })
    }
}

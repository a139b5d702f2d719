//! The policy of a function: its grants and limits. Everything that a policy does not grant is denied.

mod aws;
mod base_path;
mod config;
mod dumps;
mod environment;
mod fail_status;
mod file;
mod files;
mod grant;
mod http;
mod limits;
mod log;
mod origin;
mod pass_through;
mod reader;
mod reuse;
mod value;

use std::ops::RangeInclusive;

use serde::Deserialize;

pub use aws::{Aws, PLACEHOLDERS};
pub use base_path::BasePath;
pub use config::CONFIG;
pub use dumps::Dumps;
pub use environment::{ENV, EnvPolicy};
pub use file::PolicyError;
pub use files::{DirectoryGrant, FILES, Preopen};
pub use grant::Grant;
pub use http::{HTTP, Http};
pub use limits::{FREE_OF_CHARGE, Limits, at_cpu_share, margin, memory_limit};
pub use log::StreamLevels;
pub use origin::{Host, Origin, Scheme};
pub use pass_through::PassThroughPath;
pub use reuse::{ONE_REQUEST, Reuse};
pub(crate) use value::nearest;

/// A policy, as the file has it. A key that the file does not have has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// Whether responses are streamed; `None` if the file does not say.
    pub stream: Option<bool>,
    /// Whether HTTP responses are compressed for clients that accept it.
    pub compress: bool,
    /// The statuses of HTTP responses that count as failures of the invocation.
    #[serde(deserialize_with = "fail_status::deserialize")]
    pub fail_status: Vec<RangeInclusive<u16>>,
    /// The base paths that are removed from the paths of requests.
    #[serde(deserialize_with = "value::one_or_many")]
    pub remove_base_path: Vec<BasePath>,
    /// The path at which a `wasi:http` component receives events that are not HTTP requests.
    pub pass_through_path: PassThroughPath,
    /// How long an instance is kept between invocations; `None` makes a fresh instance for each.
    #[serde(deserialize_with = "value::flag_or_table")]
    pub reuse: Option<Reuse>,
    /// Whether the kernel refuses the process, after its start, the system calls and files that it does not need.
    pub lockdown: bool,
    /// The directory of core dumps; `None` if a trap leaves no dump.
    #[serde(deserialize_with = "dumps::deserialize")]
    pub coredump: Option<Dumps>,
    /// The limits of an instance.
    pub limits: Limits,
    /// The levels of the lines of its log.
    pub log: StreamLevels,
    /// The environment variables that the function sees.
    pub env: EnvPolicy,
    /// The directories that the function sees.
    #[serde(deserialize_with = "files::deserialize")]
    pub files: Vec<DirectoryGrant>,
    /// The origins of outgoing requests.
    pub http: Http,
    /// The keys and values of `wasi:config/store`.
    #[serde(deserialize_with = "config::deserialize")]
    pub config: Vec<(String, String)>,
    /// The requests to AWS that are signed.
    pub aws: Aws,
}

impl Policy {
    /// Returns whether a response with this status counts as a failure of the invocation.
    #[must_use]
    pub fn is_failure(&self, status: u16) -> bool {
        self.fail_status.iter().any(|range| range.contains(&status))
    }
}

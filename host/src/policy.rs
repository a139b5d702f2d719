//! What a function may do. Everything that is not allowed here is denied.

mod aws;
mod base_path;
mod dumps;
mod environment;
mod file;
mod files;
mod limits;
mod log;
mod origin;
mod pass_through;
mod reuse;
mod value;

use std::ops::RangeInclusive;

pub use aws::{Aws, PLACEHOLDERS};
pub use base_path::BasePath;
pub use dumps::Dumps;
pub use environment::Env;
pub use file::PolicyError;
pub use files::{Folder, Preopen};
pub use limits::{FREE_OF_CHARGE, Limits, at_cpu_share, margin, memory_limit};
pub use log::StreamLevels;
pub use origin::{Host, Origin, Scheme};
pub use pass_through::PassThroughPath;
pub use reuse::{ONE_REQUEST, Reuse};
pub(crate) use value::nearest;

/// What the file says, and the defaults of what it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether its answers are streamed; `None` if the file does not say.
    pub stream: Option<bool>,
    /// Whether HTTP responses are compressed for clients that accept it.
    pub compress: bool,
    /// The statuses of HTTP responses that count as failures of the invocation.
    pub fail_status: Vec<RangeInclusive<u16>>,
    /// The base paths that are removed from the paths of requests.
    pub remove_base_path: Vec<BasePath>,
    /// The path that a `wasi:http` component receives events at which are not HTTP requests.
    pub pass_through_path: PassThroughPath,
    /// Whether an instance is kept between invocations; `None` makes each a fresh one.
    pub reuse: Option<Reuse>,
    /// The directory that a trap leaves a core dump in; `None` if it leaves none.
    pub coredump: Option<Dumps>,
    /// How much it may take.
    pub limits: Limits,
    /// The levels of its log's lines.
    pub log: StreamLevels,
    /// What it sees of the environment.
    pub env: Env,
    /// Which folders it sees.
    pub files: Vec<Folder>,
    /// Where it may send HTTP requests to.
    pub http: Vec<Origin>,
    /// Which of these receive the context headers that the host added to the function's own request.
    pub forward_context: Vec<Origin>,
    /// What `wasi:config/store` answers with.
    pub config: Vec<(String, String)>,
    /// Which of its requests to AWS are signed.
    pub aws: Aws,
}

impl Policy {
    /// Returns whether a response with this status counts as a failure of the invocation.
    #[must_use]
    pub fn is_failure(&self, status: u16) -> bool {
        self.fail_status.iter().any(|range| range.contains(&status))
    }
}

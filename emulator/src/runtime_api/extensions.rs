//! Lambda's side of the Extensions API, on the same port as the Runtime API:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>.

pub(super) mod registry;
pub(super) mod routes;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::time::timeout;

use super::state::{Failed, State};
use super::{Outcome, RuntimeApi};
use crate::Function;

/// The failure of an extension, which ends the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionFailure {
    /// Its type: `Extension.Crash`, `Extension.InitError`, `Extension.ExitError`,
    /// `Extension.LaunchError`, or `Sandbox.Timedout`.
    pub kind: String,
    /// The name of the extension: its file name if it is external.
    pub extension: String,
    /// Its cause.
    pub message: String,
}

impl fmt::Display for ExtensionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "extension {}: {}", self.extension, self.message)
    }
}

/// The reason why an environment ends, in the event SHUTDOWN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownReason {
    /// It is no longer needed.
    Spindown,
    /// An invocation has passed its deadline.
    Timeout,
    /// The runtime or an extension has failed.
    Failure,
}

/// The most time that the shutdown of an environment takes: "Shutdown phase" in
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownLimits {
    /// The time of the runtime, which ends first.
    pub runtime: Duration,
    /// The time of the runtime and the external extensions together.
    pub total: Duration,
}

/// The reason why a request of an extension is refused.
#[derive(Debug, Default)]
pub(super) struct Refused {
    error_type: &'static str,
    message: String,
}

impl Refused {
    pub(super) fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self {
            error_type,
            message: message.into(),
        }
    }
}

impl RuntimeApi {
    /// Sets the function that extensions read about.
    pub fn describe(&self, function: &Function) {
        self.shared.send_modify(|state| {
            state.function.name.clone_from(&function.name);
            state.function.handler.clone_from(&function.handler);
            state.function.memory_mb = function.memory_mb;
        });
    }

    /// Applies the rules of Lambda Managed Instances to extensions: without INVOKE, since an environment
    /// serves several events at the same time. See
    /// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html>.
    pub fn set_managed(&self) {
        self.shared
            .send_modify(|state| state.function.is_managed = true);
    }

    /// Notes the file names of external extensions that are about to be started.
    ///
    /// Extensions that register under another name are internal: parts of the runtime's process.
    pub fn expect_extensions(&self, names: impl IntoIterator<Item = String>) {
        self.shared
            .send_modify(|state| state.extensions.expect(names));
    }

    /// Returns when all external extensions have registered, after which Lambda starts the runtime.
    ///
    /// # Errors
    ///
    /// Returns the outcome of all events if an extension fails before.
    pub async fn extensions_registered(&self) -> Result<(), Outcome> {
        self.settled(|state| state.extensions.are_registered())
            .await
    }

    /// Returns the names of the extensions that have not registered.
    pub fn missing_extensions(&self) -> Vec<String> {
        self.shared.borrow().extensions.missing()
    }

    /// Notes that the process of an external extension has ended. That ends the environment, unless
    /// it is [shutting down](Self::shut_down).
    pub fn extension_exited(&self, name: &str, why: &str) {
        self.shared.send_modify(|state| {
            if state.extensions.exited(name) {
                state.fail(Failed::Extension(ExtensionFailure {
                    kind: "Extension.Crash".to_owned(),
                    extension: name.to_owned(),
                    message: why.to_owned(),
                }));
            }
        });
    }

    /// Returns the failure of an extension that has ended the environment.
    pub fn extension_failure(&self) -> Option<ExtensionFailure> {
        match &self.shared.borrow().failed {
            Some(Failed::Extension(failure)) => Some(failure.clone()),
            _ => None,
        }
    }

    /// Returns the most time that the environment's shutdown takes.
    pub fn shutdown_limits(&self) -> ShutdownLimits {
        let (runtime, total) = match self.shared.borrow().extensions.kinds() {
            (false, false) => (0, 0),
            (true, false) => (500, 500),
            (false, true) => (300, 2000),
            (true, true) => (500, 2000),
        };
        ShutdownLimits {
            runtime: Duration::from_millis(runtime),
            total: Duration::from_millis(total),
        }
    }

    /// Hands the event SHUTDOWN to the extensions that have registered for it. Returns when each has
    /// [exited](Self::extension_exited) or has called `next` again, or after `left`: the rest of the
    /// [limit](Self::shutdown_limits).
    pub async fn shut_down(&self, reason: ShutdownReason, left: Duration) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let deadline = now.unwrap_or_default() + left;
        let event = json!({
            "eventType": "SHUTDOWN",
            "shutdownReason": reason.as_str(),
            "deadlineMs": deadline.as_millis() as u64,
        });
        self.shared.send_modify(|state| {
            state.telemetry.flush();
            state.extensions.shut_down(&event);
        });
        let mut changes = self.shared.subscribe();
        let ended = changes.wait_for(|state: &State| state.extensions.are_shut_down());
        drop(timeout(left, ended).await);
    }
}

impl ShutdownReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Spindown => "spindown",
            Self::Timeout => "timeout",
            Self::Failure => "failure",
        }
    }
}

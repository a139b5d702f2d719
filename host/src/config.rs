//! Reads the environment, which Lambda and the function's configuration set. Only this module reads it, and nothing writes it.
//!
//! The variables are those of <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>.

mod stand_ins;

pub use stand_ins::{StandIns, TEST_ORIGINS, TEST_TIME};

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::artifact::signature;
use crate::failure::{ErrorType, Failure};
use crate::log::{self, Format, Level};
use crate::observer::trace;
use crate::policy::Policy;
use crate::runtime_api::Endpoint;

/// The configuration of this process.
#[derive(Debug)]
pub struct Config {
    /// The path of the artifact.
    pub component: PathBuf,
    /// The function's metadata, for its context.
    pub metadata: FunctionMetadata,
    /// The environment, of which the function sees what its policy says.
    pub environment: Environment,
    /// How many invocations run at the same time.
    pub max_concurrency: NonZeroUsize,
    /// How long Lambda lets the start take.
    pub init_limit: Duration,
    /// Whether Lambda takes a snapshot of the process after its start, and restores copies of it.
    pub is_snapshot: bool,
    /// The stand-ins that a test gives the function.
    pub stand_ins: StandIns,
    /// The socket of a tool that shows the outgoing requests.
    pub trace: Option<PathBuf>,
    /// Whether the artifact's checksum is verified at the start.
    pub verify: bool,
    /// The file of the keys that have to have signed the artifact, if only signed ones are trusted.
    pub trust: Option<PathBuf>,
    /// When the process was spawned, in nanoseconds of the monotonic clock, if the start's timings are asked for.
    pub timings: Option<u64>,
}

/// A function's metadata, the same for all its invocations.
#[derive(Debug, Clone)]
pub struct FunctionMetadata {
    /// The function's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its memory, in MiB: Lambda's smallest, 128, where nothing says.
    pub memory_mib: u32,
    /// Its log group.
    pub log_group: Option<String>,
    /// Its log stream.
    pub log_stream: Option<String>,
}

/// The environment, as it was when the process started.
#[derive(Debug, Clone)]
pub struct Environment(Arc<BTreeMap<String, String>>);

/// On demand, Lambda gives a start ten seconds, and then restarts the process:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib>.
const INIT_LIMIT_ON_DEMAND: Duration = Duration::from_millis(9_800);

/// Ahead of demand (provisioned concurrency, snapshots, managed instances), Lambda gives a start at least 130 seconds.
const INIT_LIMIT_AHEAD: Duration = Duration::from_millis(129_800);

impl FromIterator<(String, String)> for Environment {
    /// Creates an environment that has these variables.
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        Self(Arc::new(variables.into_iter().collect()))
    }
}

impl Environment {
    /// Reads the environment. What is not UTF-8 is left out: no variable of Lambda's is.
    #[must_use]
    pub fn read() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Returns the variables that a function with this policy sees.
    #[must_use]
    pub fn view(&self, policy: &Policy) -> Vec<(String, String)> {
        policy.env.view(self.0.iter(), &policy.aws)
    }

    /// Returns the variables whose names have this start, by the rest of their names.
    pub fn starting(&self, start: &str) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter();
        all.filter_map(move |(name, value)| Some((name.strip_prefix(start)?, value.as_str())))
    }

    /// Returns the value of a variable. An empty variable counts as missing.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Returns the file of the trusted certificates for outgoing requests, if it is set. The variable is OpenSSL's.
    #[must_use]
    pub fn ca_file(&self) -> Option<PathBuf> {
        self.get("SSL_CERT_FILE").map(PathBuf::from)
    }

    /// Returns the variable that names a proxy for outgoing requests, as curl reads it, if there is one.
    #[must_use]
    pub fn proxy(&self) -> Option<&'static str> {
        const PROXIES: [&str; 6] = [
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "all_proxy",
        ];
        PROXIES.into_iter().find(|name| self.get(name).is_some())
    }

    /// Creates an environment with these variables.
    #[cfg(test)]
    pub(crate) fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(Arc::new(pairs.iter().map(owned).collect()))
    }

    /// Returns the format and the lowest level of the log.
    #[must_use]
    pub fn log(&self) -> (Format, Level) {
        let format = match self.get("AWS_LAMBDA_LOG_FORMAT") {
            Some(format) if format.eq_ignore_ascii_case("json") => Format::Json,
            _ => Format::Text,
        };
        (
            format,
            self.get("AWS_LAMBDA_LOG_LEVEL")
                .and_then(Level::from_name)
                .unwrap_or(Level::Info),
        )
    }

    /// Returns which lines of the log the process before this one has begun, if it was replaced by this one.
    #[must_use]
    pub fn lines_begun(&self) -> &str {
        self.get(log::BEGUN_VARIABLE).unwrap_or_default()
    }

    /// Returns the address of the Runtime API.
    ///
    /// # Errors
    ///
    /// Returns an error if the variable is missing, or is not an address.
    pub fn endpoint(&self) -> Result<Endpoint, Failure> {
        let name = self.get("AWS_LAMBDA_RUNTIME_API").ok_or_else(|| {
            Failure::new(
                ErrorType::InvalidConfiguration,
                "AWS_LAMBDA_RUNTIME_API is not set: Lambda sets it to the address of its Runtime API\nhint: use `lambda-wasm dev` to run the function on this machine",
            )
        })?;
        Endpoint::parse(name).map_err(|why| {
            Failure::new(
                ErrorType::InvalidConfiguration,
                format!(
                    "AWS_LAMBDA_RUNTIME_API is {name:?}, which is not an address (host:port): {why}"
                ),
            )
        })
    }

    /// Returns the rest of the configuration.
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable if it is missing or invalid.
    pub fn config(&self) -> Result<Config, Failure> {
        let handler = self.get("_HANDLER").ok_or_else(|| {
            Failure::new(
                ErrorType::InvalidHandler,
                "_HANDLER is not set\nhint: set the function's Handler to the name of its component, such as `hello` for hello.cwasm",
            )
        })?;
        if handler.contains(['/', '\\', '\0']) || handler.starts_with('.') {
            return Err(Failure::new(
                ErrorType::InvalidHandler,
                format!(
                    "_HANDLER is {handler:?}, and it has to be the name of a component in the function's directory, without a path: `hello` for hello.cwasm"
                ),
            ));
        }
        let memory_mib = self
            .get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
            .and_then(|size| size.parse().ok())
            .unwrap_or(128);
        Ok(Config {
            component: self.task_root()?.join(format!("{handler}.cwasm")),
            metadata: FunctionMetadata {
                name: self
                    .owned("AWS_LAMBDA_FUNCTION_NAME")
                    .unwrap_or_else(|| handler.to_owned()),
                version: self
                    .owned("AWS_LAMBDA_FUNCTION_VERSION")
                    .unwrap_or_else(|| "$LATEST".to_owned()),
                memory_mib,
                log_group: self.owned("AWS_LAMBDA_LOG_GROUP_NAME"),
                log_stream: self.owned("AWS_LAMBDA_LOG_STREAM_NAME"),
            },
            environment: self.clone(),
            max_concurrency: self.max_concurrency()?,
            init_limit: match self.get("AWS_LAMBDA_INITIALIZATION_TYPE") {
                None | Some("on-demand") => INIT_LIMIT_ON_DEMAND,
                Some(_) => INIT_LIMIT_AHEAD,
            },
            // A process that re-executes itself has been restored.
            is_snapshot: self.get("AWS_LAMBDA_INITIALIZATION_TYPE") == Some("snap-start")
                && self.get(log::BEGUN_VARIABLE).is_none(),
            stand_ins: self.stand_ins()?,
            trace: self.get(trace::VARIABLE).map(PathBuf::from),
            verify: self
                .get("LAMBDA_WASM_VERIFY")
                .is_some_and(|value| value != "0"),
            // An empty variable is not ignored: the file "" cannot be read.
            trust: self.0.get(signature::TRUST).map(PathBuf::from),
            timings: self.get("LAMBDA_WASM_TIMINGS").map(|_| {
                self.get("LAMBDA_WASM_SPAWNED_AT")
                    .and_then(|at| at.parse().ok())
                    .unwrap_or(0)
            }),
        })
    }

    /// Returns the function's directory: Lambda's, or else the directory of this executable.
    fn task_root(&self) -> Result<PathBuf, Failure> {
        if let Some(root) = self.get("LAMBDA_TASK_ROOT") {
            return Ok(PathBuf::from(root));
        }
        std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned())).ok_or_else(|| {
            Failure::new(
                ErrorType::InvalidConfiguration,
                "LAMBDA_TASK_ROOT is not set, and the directory of this executable is not known\nhint: set it to the function's directory",
            )
        })
    }

    fn max_concurrency(&self) -> Result<NonZeroUsize, Failure> {
        const NAME: &str = "AWS_LAMBDA_MAX_CONCURRENCY";
        let Some(value) = self.get(NAME) else {
            return Ok(NonZeroUsize::MIN);
        };
        value.parse().map_err(|_| {
            Failure::new(
                ErrorType::InvalidConfiguration,
                format!("{NAME} is {value:?}, and it has to be a whole number from 1 on"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handler_names_the_component() {
        let config =
            Environment::from_pairs(&[("_HANDLER", "hello"), ("LAMBDA_TASK_ROOT", "/var/task")])
                .config()
                .unwrap();
        assert_eq!(config.component, PathBuf::from("/var/task/hello.cwasm"));
        assert_eq!(config.max_concurrency.get(), 1);
        assert_eq!(config.metadata.memory_mib, 128);
    }

    #[test]
    fn a_process_that_re_executes_itself_is_not_restored_again() {
        let start = [
            ("_HANDLER", "hello"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"),
        ];
        let is_snapshot = |more: &[(&str, &str)]| {
            let pairs = [&start[..], more].concat();
            Environment::from_pairs(&pairs)
                .config()
                .unwrap()
                .is_snapshot
        };
        assert!(is_snapshot(&[]));
        assert!(!is_snapshot(&[(log::BEGUN_VARIABLE, "0")]));
    }

    #[test]
    fn a_handler_with_a_path_is_refused() {
        for handler in ["../hello", "a/b", "/etc/passwd", ".", "..", "a\\b"] {
            let failure = Environment::from_pairs(&[("_HANDLER", handler)])
                .config()
                .unwrap_err();
            assert_eq!(
                failure.error_type.as_str(),
                "Runtime.InvalidHandler",
                "{handler}"
            );
        }
        assert_eq!(
            Environment::from_pairs(&[])
                .config()
                .unwrap_err()
                .error_type
                .as_str(),
            "Runtime.InvalidHandler"
        );
    }

    #[test]
    fn concurrency_has_to_be_a_number() {
        let with = |value| {
            Environment::from_pairs(&[
                ("_HANDLER", "h"),
                ("LAMBDA_TASK_ROOT", "/"),
                ("AWS_LAMBDA_MAX_CONCURRENCY", value),
            ])
            .config()
        };
        assert_eq!(with("16").unwrap().max_concurrency.get(), 16);
        for value in ["0", "many"] {
            let failure = with(value).unwrap_err();
            assert_eq!(failure.error_type.as_str(), "Runtime.InvalidConfiguration");
        }
    }
}

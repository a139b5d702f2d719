//! The invocation of a case in a `bootstrap` of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use lambda_wasm_emulator::runtime_api::HTTP_INTEGRATION;
use lambda_wasm_emulator::{Function, Invocation, Outcome, ShutdownReason};
use lambda_wasm_host::config::{TEST_ORIGINS, TEST_TIME};
use tempfile::TempDir;

use super::case::Settings;
use super::outgoing::Origins;
use crate::dev::environment::log::Destination;
use crate::dev::environment::process::Process;
use crate::dev::failure::Failure;
use crate::dev::setup::{Code, Located};
use crate::interrupt::{self, Begun, Unfinished};

/// The credentials that the host signs with, where no request leaves this machine.
const CREDENTIALS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// An invocation that has ended.
pub struct Execution {
    pub ending: Ending,
    /// The log of the start and of the invocation.
    pub log: String,
    /// The outgoing requests that are not as the case expects.
    pub outgoing: Vec<String>,
    pub took: Duration,
}

/// The outcome of an invocation.
pub enum Ending {
    Response {
        bytes: Vec<u8>,
        /// Whether the bytes are a prelude and a body: a streamed HTTP response.
        has_prelude: bool,
    },
    Failure {
        kind: String,
        message: String,
    },
}

/// Invokes a function as a case says.
///
/// # Errors
///
/// Returns an error if the policy of the case cannot be written, or if no port is free for its outgoing
/// requests.
pub async fn run(located: &Located, settings: &Settings, event: Vec<u8>) -> Result<Execution> {
    let (mut function, mut code) = located.clone();
    function.variables.extend(settings.environment.clone());
    let origins = match &settings.outgoing {
        Some(expected) => Some(Origins::start(expected).await?),
        None => None,
    };
    if let Some(origins) = &origins {
        for name in CREDENTIALS {
            let variables = &mut function.variables;
            variables
                .entry(name.to_owned())
                .or_insert("test".to_owned());
        }
        let address = origins.address.to_string();
        function.variables.insert(TEST_ORIGINS.to_owned(), address);
    }
    if let Some(now) = settings.now() {
        function
            .variables
            .insert(TEST_TIME.to_owned(), now.to_owned());
    }
    let directory = match &settings.policy {
        Some(policy) => Some(with_policy(&code.root, &function.handler, policy)?),
        None => None,
    };
    if let Some((_, directory)) = &directory {
        directory.path().clone_into(&mut code.root);
    }
    let execution = invoke(&function, &code, event).await;
    Ok(Execution {
        outgoing: origins.map_or_else(Vec::new, |origins| origins.differences()),
        ..execution
    })
}

/// Invokes a function in a process of its own.
pub async fn invoke(function: &Function, code: &Code, event: Vec<u8>) -> Execution {
    let log = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let outcome = outcome(function, code, event, Destination::buffer(log.clone())).await;
    let took = begun.elapsed();
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    Execution {
        outgoing: Vec::new(),
        ending: ending(function, outcome),
        log: String::from_utf8_lossy(&log).into_owned(),
        took,
    }
}

async fn outcome(function: &Function, code: &Code, event: Vec<u8>, log: Destination) -> Outcome {
    let process = match Process::start(function, code, 1, log).await {
        Ok(process) => process,
        Err(outcome) => return outcome,
    };
    let invocation = Invocation::new(event)
        .timeout(function.timeout)
        .function_arn(&function.arn());
    let outcome = process.invoke(invocation).await.collect().await;
    match outcome {
        // Lambda ends it then, too.
        Outcome::TimedOut => {
            process.pass_log_on();
            process.end(ShutdownReason::Timeout).await;
        }
        _ => {
            process.rest().await;
            process.end(ShutdownReason::Spindown).await;
        }
    }
    outcome
}

/// Returns a copy of a function's directory, of links, in which the function has another policy.
fn with_policy(root: &Path, handler: &str, policy: &toml::Table) -> Result<(Unfinished, TempDir)> {
    let context = "a directory for the policy of a test cannot be created";
    let begun = |directory: &TempDir| Begun::path(directory.path());
    let (directory, unfinished) = interrupt::begin(tempfile::tempdir, begun).context(context)?;
    let own = format!("{handler}.toml");
    for entry in fs::read_dir(root).context(context)? {
        let entry = entry.context(context)?;
        if entry.file_name() != *own {
            symlink(entry.path(), directory.path().join(entry.file_name())).context(context)?;
        }
    }
    fs::write(directory.path().join(own), policy.to_string()).context(context)?;
    Ok((unfinished, directory))
}

/// Returns the end of an invocation.
fn ending(function: &Function, outcome: Outcome) -> Ending {
    match (Failure::of(&outcome, function.timeout), outcome) {
        (None, Outcome::Response(post)) => Ending::Response {
            has_prelude: post.header("content-type") == Some(HTTP_INTEGRATION),
            bytes: post.body.to_vec(),
        },
        (Some(Failure { kind, message, .. }), _) => Ending::Failure { kind, message },
        (None, other) => Ending::Failure {
            kind: "Runtime.NotReady".to_owned(),
            message: format!("{other:?}"),
        },
    }
}

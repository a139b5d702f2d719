//! `bootstrap`: the executable that Lambda starts.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Instant;

use lambda_wasm_host::config::Environment;
use lambda_wasm_host::failure::{ErrorType, Failure};
use lambda_wasm_host::function::Function;
use lambda_wasm_host::lockdown::connector;
use lambda_wasm_host::log::{self, Level, Log};
use lambda_wasm_host::observer::trace::{self, Trace};
use lambda_wasm_host::observer::{Observer, Observers};
use lambda_wasm_host::panics;
use lambda_wasm_host::runtime_api::{Endpoint, RuntimeClient};
use lambda_wasm_host::supervisor::Supervisor;
use lambda_wasm_host::termination::Termination;
use lambda_wasm_host::timings::Timings;
use lambda_wasm_host::worker::Worker;

lambda_wasm_memory::install!();

fn main() {
    let started = Instant::now();
    if let Some(addresses) = connector::addresses() {
        connector::serve(&addresses);
    }
    lambda_wasm_memory::read_ahead!();
    lambda_wasm_memory::protect_relocated!();
    let environment = Environment::read();
    let log = Log::new(environment.log());
    log::take_over(environment.lines_begun());
    let endpoint = match environment.endpoint() {
        Ok(endpoint) => Arc::new(endpoint),
        Err(failure) => exit(log, &failure, None),
    };
    match panics::catch(|| start(&environment, &endpoint, log, started)) {
        Ok((supervisor, Some(worker))) => supervisor.run(worker),
        Ok((supervisor, None)) => {
            let client = supervisor.client();
            match client.restore_next() {
                Ok(true) => {}
                Ok(false) => std::process::exit(0),
                Err(error) => {
                    log.host(Level::Fatal, None, &error.to_string());
                    std::process::exit(1);
                }
            }
            // Its connection is not older than the restore.
            let client = supervisor.client();
            supervisor.run_restored(move |failure| {
                let unreported = client.restore_error(failure).err();
                exit(log, failure, unreported)
            })
        }
        Err(failure) => {
            let client = RuntimeClient::new(endpoint, log, None);
            let unreported = client.init_error(&failure).err();
            exit(log, &failure, unreported)
        }
    }
}

/// Reads the configuration, loads the function, and starts its workers. Returns the worker for this thread, unless Lambda takes a
/// snapshot before.
fn start(
    environment: &Environment,
    endpoint: &Arc<Endpoint>,
    log: Log,
    started: Instant,
) -> Result<(Arc<Supervisor>, Option<Worker>), Failure> {
    let config = environment.config()?;
    let mut timings = Timings::new(config.timings, started);
    let mut observers: Vec<Box<dyn Observer>> = vec![Box::new(log)];
    if let Some(path) = &config.trace {
        match Trace::connect(path) {
            Ok(trace) => observers.push(Box::new(trace)),
            Err(error) => {
                let line = format!("{} has no effect: {error}", trace::VARIABLE);
                log.host(Level::Warn, None, &line);
            }
        }
    }
    let observers = Observers::new(observers);
    let function = Arc::new(Function::load(&config, log, observers, &mut timings)?);
    let workers = config.max_concurrency.get();
    let termination = Termination::register().map_err(|error| {
        let message = format!("SIGTERM cannot be received: {error}");
        Failure::new(ErrorType::NoResources, message)
    })?;
    let supervisor = Supervisor::new(function, Arc::clone(endpoint), log, workers, termination);
    if config.is_snapshot {
        supervisor.rehearse(&mut timings)?;
        return Ok((supervisor, None));
    }
    let worker = supervisor.start(started, &mut timings)?;
    Ok((supervisor, Some(worker)))
}

/// Logs why the start failed, and perhaps why Lambda could not be told. Ends the process.
fn exit(log: Log, failure: &Failure, unreported: Option<String>) -> ! {
    let text = log.text_of(failure);
    let line = match unreported {
        Some(why) => format!("{why}: {text}"),
        None => text,
    };
    let fields = [("errorType", failure.error_type.to_string().into())];
    log.host_with(Level::Fatal, None, &line, &fields);
    std::process::exit(1);
}

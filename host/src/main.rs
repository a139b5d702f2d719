//! `bootstrap`: the executable that Lambda starts.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use anyhow::anyhow;
use lambda_wasm_host::config::{Endpoint, Environment};
use lambda_wasm_host::failure::Failure;
use lambda_wasm_host::function::Function;
use lambda_wasm_host::log::{self, Level, Log};
use lambda_wasm_host::panics;
use lambda_wasm_host::runtime_api::RuntimeClient;
use lambda_wasm_host::supervisor::Supervisor;
use lambda_wasm_host::timings::Timings;
use lambda_wasm_host::worker::Worker;

lambda_wasm_memory::install!();

fn main() {
    let started = Instant::now();
    let environment = Environment::read();
    let log = Log::new(environment.log());
    log::take_over(environment.lines_begun());
    let Err(error) = run(&environment, log, started);
    exit(log, &error);
}

/// Starts, and runs the workers. Returns only if the start fails.
fn run(environment: &Environment, log: Log, started: Instant) -> anyhow::Result<Infallible> {
    let endpoint = Arc::new(
        environment
            .endpoint()
            .map_err(|failure| anyhow!(failure.to_string()))?,
    );
    let client = || RuntimeClient::new(Arc::clone(&endpoint), log, None);
    let (supervisor, worker) = panics::catch(|| start(environment, &endpoint, log, started))
        .map_err(|failure| report(&client(), log, &failure))?;
    supervisor.run(worker)
}

/// Reads the configuration, loads the function, and starts its workers. Returns the worker for this thread.
fn start(
    environment: &Environment,
    endpoint: &Arc<Endpoint>,
    log: Log,
    started: Instant,
) -> Result<(Arc<Supervisor>, Worker), Failure> {
    let config = environment.config()?;
    let mut timings = Timings::new(config.timings, started);
    let function = Arc::new(Function::load(&config, log, &mut timings)?);
    let workers = config.max_concurrency.get();
    let supervisor = Supervisor::new(function, Arc::clone(endpoint), log, workers);
    let worker = supervisor.start(started, &mut timings)?;
    Ok((supervisor, worker))
}

/// Reports to Lambda that the start failed. Returns the error to log.
fn report(client: &RuntimeClient, log: Log, failure: &Failure) -> anyhow::Error {
    let told = client.init_error(failure);
    let error = anyhow!(log.text_of(failure));
    match told {
        Ok(()) => error,
        Err(why) => error.context(why),
    }
}

fn exit(log: Log, error: &anyhow::Error) -> ! {
    log.host(Level::Fatal, None, &format!("{error:#}"));
    std::process::exit(1);
}

//! `bootstrap`: the executable that Lambda starts.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use lambda_wasm_host::config::{Config, Environment};
use lambda_wasm_host::failure::Failure;
use lambda_wasm_host::function::Function;
use lambda_wasm_host::log::{Level, Log};
use lambda_wasm_host::runtime_api::RuntimeClient;
use lambda_wasm_host::timings::Timings;
use lambda_wasm_host::worker::Worker;

fn main() {
    let started = Instant::now();
    let environment = Environment::read();
    let log = Log::new(environment.log());
    let Err(error) = run(&environment, log, started);
    exit(log, &error);
}

/// Configuration, then the function, then its workers. Returns only when the process has to end.
fn run(environment: &Environment, log: Log, started: Instant) -> anyhow::Result<Infallible> {
    let endpoint = Arc::new(
        environment
            .endpoint()
            .map_err(|failure| anyhow!(failure.to_string()))?,
    );
    let client = || RuntimeClient::new(Arc::clone(&endpoint), log);
    let first = environment
        .config()
        .and_then(|config| first_worker(&config, client(), log, started));
    let (first, concurrency) = first.map_err(|failure| report(&client(), failure))?;
    for number in 1..concurrency.get() {
        let (function, client) = (first.function(), client());
        let run = move || match another_worker(function, client, log) {
            Ok(never) => match never {},
            // One that cannot go on ends all: Lambda then starts the process anew.
            Err(error) => exit(log, &error),
        };
        thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(run)
            .context(
                "no thread for another worker can be started: lower AWS_LAMBDA_MAX_CONCURRENCY",
            )?;
    }
    Ok(first.run()?)
}

fn first_worker(
    config: &Config,
    client: RuntimeClient,
    log: Log,
    started: Instant,
) -> Result<(Worker, NonZeroUsize), Failure> {
    let mut timings = Timings::new(config.timings, started);
    let function = Arc::new(Function::load(config, log, &mut timings)?);
    let worker = Worker::start(function, client, log)?;
    timings.mark("instance");
    timings.print();
    Ok((worker, config.max_concurrency))
}

fn another_worker(
    function: Arc<Function>,
    client: RuntimeClient,
    log: Log,
) -> anyhow::Result<Infallible> {
    let worker =
        Worker::start(function, client, log).map_err(|failure| anyhow!(failure.to_string()))?;
    Ok(worker.run()?)
}

/// Tells Lambda that the start failed.
fn report(client: &RuntimeClient, failure: Failure) -> anyhow::Error {
    let told = client.init_error(&failure);
    let error = anyhow!(failure.to_string());
    match told {
        Ok(()) => error,
        Err(why) => error.context(why),
    }
}

fn exit(log: Log, error: &anyhow::Error) -> ! {
    log.host(Level::Fatal, None, &format!("{error:#}"));
    std::process::exit(1);
}

//! `lambda-wasm invoke`: one function, invoked in the same `bootstrap` as on Lambda, without a server.

mod json;
mod latencies;
mod profile;
mod remote;
pub mod sample;

use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lambda_wasm_emulator::{End, Function, Invocation, Outcome, ShutdownReason};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::deploy::connection::Connection;
use crate::dev::discovered;
use crate::dev::environment::log::Destination;
use crate::dev::environment::process::Process;
use crate::dev::failure::Failure;
use crate::dev::setup::{Code, Located, Setup};
use crate::dev::source;
use latencies::Latencies;
use remote::Remote;

/// Invoke a function once, or many times
///
/// Starts the function in the same bootstrap that Lambda runs, sends it an event, and prints the
/// response on standard output. The log goes to standard error. The exit code is 1 if the invocation
/// failed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm invoke --sample sqs
  lambda-wasm invoke orders --sample http-api --set rawPath=/orders/1
  echo '{\"id\": 1}' | lambda-wasm invoke --event -
  lambda-wasm invoke --sample rest --repeat 1000
  lambda-wasm invoke --remote hello --sample http-api")]
pub struct Args {
    /// The function: its name in the template, or the name of its artifact [default: the only function]
    name: Option<String>,
    /// Invoke the function of this name on AWS
    #[arg(long, conflicts_with = "Setup", requires = "name")]
    remote: bool,
    /// Send the event in this file; `-` is standard input [default: {}]
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    event: Option<PathBuf>,
    /// Send the sample event of this event source; `list` lists the samples
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,
    /// Send what this event source of the template sends: the name of one of the function's events, such as a queue or schedule
    #[arg(long, value_name = "NAME", conflicts_with_all = ["event", "sample", "remote"])]
    source: Option<String>,
    /// Set a value of the event, such as Records.0.body=text
    #[arg(long = "set", value_name = "PATH=VALUE")]
    changes: Vec<String>,
    /// Invoke the function so often, and print how long it took
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Invoke the function in so many environments at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    concurrency: u32,
    /// Write a profile of the function's code to FILE, and its flame graph to FILE.svg; with --repeat, of all invocations
    #[arg(long, value_name = "FILE", conflicts_with_all = ["remote", "json", "concurrency"])]
    profile: Option<PathBuf>,
    /// Print JSON: the response, the failure, the log and the duration
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    setup: Setup,
}

/// Invokes a function and prints the response.
///
/// # Errors
///
/// Returns an error if there is no such function or event, or if an invocation fails.
pub fn run(args: &Args) -> Result<()> {
    if args.sample.as_deref() == Some("list") {
        if args.json {
            println!("{:#}", Value::from_iter(sample::names()));
            return Ok(());
        }
        for name in sample::names() {
            println!("{name}");
        }
        return Ok(());
    }
    if args.remote {
        return run_remote(args, event(args, None)?);
    }
    if let Some(option) = args.connection.given() {
        bail!("{option} is for functions on AWS\nhint: name one with --remote");
    }
    let known = discovered::with_discovered(&args.setup.read()?);
    let located = select(&known, args.name.as_deref())?.clone();
    let event = event(args, Some(&located.0))?;
    if let Some(path) = &args.profile {
        return profile::write(path, &located, &event, args.repeat);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Dropping the runtime drops its tasks, and dropped processes are killed.
    if args.repeat == 1 && args.json {
        return runtime.block_on(json::once(&located, event));
    }
    if args.repeat == 1 {
        let response = runtime.block_on(once(&located, &event))?;
        print_response(&response);
        return Ok(());
    }
    let durations = runtime.block_on(many(args, Arc::new(located), event))?;
    let latencies = Latencies::new(durations);
    match args.json {
        true => println!("{:#}", latencies.to_json()),
        false => print!("{latencies}"),
    }
    Ok(())
}

/// Invokes a function on AWS.
fn run_remote(args: &Args, event: Vec<u8>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let name = args.name.as_deref().unwrap_or_default();
    runtime.block_on(async {
        let remote = Remote::new(&args.connection, name).await?;
        if args.repeat == 1 {
            print_response(&remote.invoke(&event).await?);
            return Ok(());
        }
        let durations = remote.many(event, args.repeat, args.concurrency).await?;
        print!("{}", Latencies::new(durations));
        Ok(())
    })
}

/// Returns the event to send to a function.
fn event(args: &Args, function: Option<&Function>) -> Result<Vec<u8>> {
    let bytes = match (&args.sample, &args.event) {
        (Some(name), _) => sample::find(name)?.to_string().into_bytes(),
        (None, None) if let Some(name) = &args.source => {
            let sources = function.map_or(&[][..], |function| &function.sources);
            let Some(source) = sources.iter().find(|source| source.name == *name) else {
                let names: Vec<_> = sources.iter().map(|source| &*source.name).collect();
                bail!(
                    "the function has no event source `{name}`\nhint: its event sources are: {}",
                    names.join(", ")
                );
            };
            sample::of_source(source).to_string().into_bytes()
        }
        (None, Some(path)) if path.as_os_str() == "-" => {
            let mut bytes = Vec::new();
            io::stdin()
                .read_to_end(&mut bytes)
                .context("standard input cannot be read")?;
            bytes
        }
        (None, Some(path)) => {
            std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?
        }
        (None, None) => b"{}".to_vec(),
    };
    if args.changes.is_empty() {
        return Ok(bytes);
    }
    let mut event: Value =
        serde_json::from_slice(&bytes).context("--set changes JSON, and the event is not JSON")?;
    for change in &args.changes {
        sample::change(&mut event, change)?;
    }
    Ok(event.to_string().into_bytes())
}

/// Returns the function that is named, or the only one.
///
/// # Errors
///
/// Returns an error that lists the functions if there is no such function, or none is named and there are
/// several.
pub fn select<'a>(known: &'a [Located], name: Option<&str>) -> Result<&'a Located> {
    let names: Vec<_> = known
        .iter()
        .map(|(function, _)| function.name.as_str())
        .collect();
    let is_named = |name: &str| {
        let by_handler = known
            .iter()
            .position(|(function, _)| function.handler == name);
        names.iter().position(|known| *known == name).or(by_handler)
    };
    let position = match name {
        Some(name) => is_named(name).with_context(|| {
            format!(
                "there is no function `{name}`\nhint: the functions are {}",
                names.join(", ")
            )
        })?,
        None if known.len() == 1 => 0,
        None if known.is_empty() => bail!(
            "there is no function\nhint: build the project with `lambda-wasm build`, or name the directory of the code with --dist"
        ),
        None => bail!("which function?\nhint: name one of {}", names.join(", ")),
    };
    Ok(&known[position])
}

/// Starts the function, invokes it, and returns the response.
async fn once(located: &Located, event: &[u8]) -> Result<Vec<u8>> {
    let process = start(located).await?;
    let response = invoke(&process, located, event).await;
    process.rest().await;
    process.end(ShutdownReason::Spindown).await;
    response
}

/// Invokes a function many times, and returns the duration of each invocation.
async fn many(args: &Args, located: Arc<Located>, event: Vec<u8>) -> Result<Vec<Duration>> {
    let left = Arc::new(AtomicU32::new(args.repeat));
    let event = Arc::new(event);
    let mut environments = JoinSet::new();
    for _ in 0..args.concurrency.min(args.repeat) {
        let (left, located, event) = (left.clone(), located.clone(), event.clone());
        environments.spawn(async move {
            let process = start(&located).await?;
            let mut durations = Vec::new();
            let take = |left: u32| left.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
            {
                let begun = Instant::now();
                invoke(&process, &located, &event).await?;
                durations.push(begun.elapsed());
            }
            process.end(ShutdownReason::Spindown).await;
            anyhow::Ok(durations)
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = environments.join_next().await {
        all.extend(ended.context("an environment ended")??);
    }
    Ok(all)
}

async fn start((function, code): &Located) -> Result<Process> {
    Process::start(function, code, 1, Destination::stderr())
        .await
        .map_err(|outcome| failed(function, code, &outcome))
}

/// Invokes the function of a process, and returns the whole response.
async fn invoke(process: &Process, (function, code): &Located, event: &[u8]) -> Result<Vec<u8>> {
    let invocation = Invocation::new(event)
        .timeout(function.timeout)
        .function_arn(&function.arn());
    match process.invoke(invocation).await {
        Outcome::Response(post) => Ok(post.body.to_vec()),
        Outcome::Streamed(stream) => {
            let (chunks, end) = stream.whole().await;
            match Outcome::failed_end(end.clone()) {
                None => Ok(chunks
                    .iter()
                    .flat_map(|chunk| chunk.bytes.to_vec())
                    .collect()),
                Some(_) if matches!(end, End::Cut) => {
                    bail!("the response was cut off before its end")
                }
                Some(outcome) => Err(failed(function, code, &outcome)),
            }
        }
        outcome => {
            if let Outcome::Error(_) = outcome {
                process.rest().await;
            }
            Err(failed(function, code, &outcome))
        }
    }
}

/// Describes why an invocation failed, as Lambda does, and the places in the source if they are known.
fn failed(function: &Function, code: &Code, outcome: &Outcome) -> anyhow::Error {
    let artifact = code.root.join(format!("{}.cwasm", function.handler));
    let failure = Failure::of(outcome, function.timeout);
    let trace = failure.map(|failure| failure.trace).unwrap_or_default();
    let explained = source::explain(&artifact, &trace);
    let places = match explained == trace {
        true => String::new(),
        false => format!("\nthe places in the source:\n{}", explained.join("\n")),
    };
    match outcome {
        Outcome::Error(post) => {
            anyhow::anyhow!("the invocation failed: {}{places}", post.text())
        }
        Outcome::InitError(post) => anyhow::anyhow!("the start failed: {}{places}", post.text()),
        Outcome::TimedOut => anyhow::anyhow!(
            "Task timed out after {:.2} seconds",
            function.timeout.as_secs_f64()
        ),
        Outcome::TooLarge { size } => {
            anyhow::anyhow!("the response has {size} bytes, which is over Lambda's limit")
        }
        Outcome::ExtensionFailed(failure) => anyhow::anyhow!("{}: {failure}", failure.kind),
        Outcome::Lost(why) => anyhow::anyhow!("{why}"),
        other => anyhow::anyhow!("{other:?}"),
    }
}

/// Prints a response, with an end of line if it is for a terminal and has none.
fn print_response(response: &[u8]) {
    crate::print::bytes(response);
    if io::stdout().is_terminal() && !response.ends_with(b"\n") {
        println!();
    }
}

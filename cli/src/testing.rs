//! `lambda-wasm test`: the cases of a project, each in a `bootstrap` of its own.

mod case;
mod compare;
mod difference;
pub mod execution;
mod json;
mod outgoing;
mod report;
pub mod response;
mod snapshot;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use tokio::sync::Semaphore;

use crate::dev::discovered;
use crate::dev::rebuild;
use crate::dev::setup::{Located, Setup};
use crate::invoke;
use case::{Case, Suite};
use execution::{Ending, Execution};
use report::Verdict;
use response::Response;
use snapshot::Snapshots;

/// Run the tests of a project: the cases in tests/*.toml and tests/*.json
///
/// In a project, builds first. Then invokes the function once for each case, each in a new environment
/// of the same bootstrap that Lambda runs, several at a time. The exit code is 1 if a case fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "A case in tests/orders.toml:
  [[test]]
  name = \"an order is found\"
  sample = \"http-api\"                  # or event = { ... }, or event-file = \"FILE\"
  set.rawPath = \"/orders/1\"
  status = 200
  headers.content-type = \"application/json\"
  body = { id = 1 }                    # more members are allowed; or a text, or body-contains

Other keys:
  function = \"NAME\"                    the function, if there are several
  environment.NAME = \"VALUE\"           variables
  policy = { ... }                     the policy in this case
  now = \"2026-01-31T12:00:00Z\"         the time of the function's clock, which stands still
  [[test.outgoing]]                    an outgoing request, which does not leave this machine
  method = \"POST\"                      GET by default
  url = \"https://api.example.com/a/*\"  `*` is any text; also headers = { ... }, body = ...
  response = { status = 201, headers = { ... }, body = ... }
  optional = true                      the function may leave the request out
  response = VALUE                     the response of an event that is not HTTP, as JSON or text
  snapshot = true                      the whole response is the one of the last --update
  error = { type = \"\", message = \"\" }  the type of the failure, and a part of its message
  log = \"TEXT\"                         a part of the log

Examples:
  lambda-wasm test
  lambda-wasm test order --junit results.xml")]
pub struct Args {
    /// Run only the cases whose FILE::NAME contains this text
    filter: Option<String>,
    /// Write the snapshots of the cases with `snapshot = true`
    #[arg(long)]
    update: bool,
    /// Write the results to this file, as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run so many cases at a time [default: one for each CPU]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Print JSON: each case, its differences and its log
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    setup: Setup,
}

/// Runs the cases of a project.
///
/// # Errors
///
/// Returns an error if a file is not valid, if the build fails, if there is no case, or if a case fails.
pub fn run(args: &Args) -> Result<()> {
    let directory = args.setup.home().join("tests");
    let directory = directory.strip_prefix(".").unwrap_or(&directory);
    let suites = case::read(directory)?;
    let all: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    if all == 0 {
        bail!(
            "there is no test in {}\nhint: write one to {}: `lambda-wasm test --help` has an example",
            directory.display(),
            directory.join("NAME.toml").display()
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Dropping the runtime drops its tasks, and dropped processes are killed.
    let verdicts = runtime.block_on(run_all(args, suites))?;
    let failed = verdicts.iter().filter(|verdict| !verdict.has_passed());
    match failed.count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} tests failed", verdicts.len()),
    }
}

async fn run_all(args: &Args, suites: Vec<Suite>) -> Result<Vec<Verdict>> {
    if let Some(project) = args.setup.project()?
        && !rebuild::build(&project, args.setup.bootstrap()).await?
    {
        bail!("the build failed");
    }
    let known = discovered::with_discovered(&args.setup.read()?);
    let chosen = |suite: &Suite, case: &Case| {
        let name = format!("{}::{}", suite.name, case.settings.name);
        args.filter
            .as_ref()
            .is_none_or(|filter| name.contains(filter))
    };
    let jobs = args.jobs.map(usize::from).or_else(|| {
        let cpus = std::thread::available_parallelism();
        cpus.ok().map(Into::into)
    });
    let free = Arc::new(Semaphore::new(jobs.unwrap_or(1)));
    let mut started = Vec::new();
    let mut filtered_out = 0;
    for suite in suites {
        let snapshots = Snapshots::read(&suite.path)?;
        let mut executions = Vec::new();
        for (index, case) in suite.cases.iter().enumerate() {
            if !chosen(&suite, case) {
                filtered_out += 1;
                continue;
            }
            let function = case.settings.function.as_deref();
            let located = invoke::select(&known, function).with_context(|| case.place.clone())?;
            executions.push((index, located.clone()));
        }
        started.push((Arc::new(suite), snapshots, executions));
    }
    let chosen: usize = started
        .iter()
        .map(|(_, _, executions)| executions.len())
        .sum();
    if chosen == 0 {
        bail!(
            "no test has {:?} in its name\nhint: `lambda-wasm test` without a filter runs all {filtered_out}",
            args.filter.as_deref().unwrap_or_default()
        );
    }
    if !args.json {
        let tests = if chosen == 1 { "test" } else { "tests" };
        println!("\nrunning {chosen} {tests}");
    }
    let begun = Instant::now();
    let started: Vec<_> = started
        .into_iter()
        .map(|(suite, snapshots, executions)| {
            let executions: Vec<_> = executions
                .into_iter()
                .map(|(index, located)| start(&suite, index, located, &free))
                .collect();
            (suite, snapshots, executions)
        })
        .collect();
    let mut verdicts = Vec::new();
    for (suite, mut snapshots, executions) in started {
        for execution in executions {
            let (index, execution) = execution.await.context("a test ended")?;
            let case = &suite.cases[index];
            let verdict = judge(&suite, case, execution?, &mut snapshots, args.update);
            if !args.json {
                verdict.print();
            }
            verdicts.push(verdict);
        }
        if args.update {
            snapshots.write(&suite)?;
        }
    }
    let took = begun.elapsed();
    match args.json {
        true => println!("{:#}", report::json(&verdicts, filtered_out, took)),
        false => report::summarize(&verdicts, filtered_out, took),
    }
    if let Some(path) = &args.junit {
        report::write_junit(path, &verdicts, took)?;
    }
    Ok(verdicts)
}

/// A case that runs: its position in its suite, and its result.
type Running = tokio::task::JoinHandle<(usize, Result<Execution>)>;

/// Starts a case once a job is free.
fn start(suite: &Arc<Suite>, index: usize, located: Located, free: &Arc<Semaphore>) -> Running {
    let (suite, free) = (suite.clone(), free.clone());
    tokio::spawn(async move {
        let _permit = free.acquire_owned().await;
        let case = &suite.cases[index];
        let execution = execution::run(&located, &case.settings, case.event.clone()).await;
        (index, execution)
    })
}

/// Compares an invocation with what its case expects.
fn judge(
    suite: &Suite,
    case: &Case,
    execution: Execution,
    snapshots: &mut Snapshots,
    update: bool,
) -> Verdict {
    let mut differences = compare::compare(&case.settings, &execution);
    let mut is_updated = false;
    if case.settings.snapshot
        && let Ending::Response { bytes, has_prelude } = &execution.ending
    {
        let response = Response::parse(bytes, *has_prelude).to_json();
        match update {
            true => is_updated = snapshots.update(&case.settings.name, response),
            false => differences.extend(snapshots.compare(&case.settings.name, &response)),
        }
    }
    Verdict {
        suite: suite.name.clone(),
        name: case.settings.name.clone(),
        place: case.place.clone(),
        differences,
        is_updated,
        log: execution.log,
        took: execution.took,
    }
}

//! `invoke --profile`: which code of the function takes the time, as a profile and as a flame graph.

mod flame;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use lambda_wasm_emulator::{Invocation, Outcome, RuntimeApi, variables};
use lambda_wasm_host::config::Environment;
use lambda_wasm_host::failure::Failure;
use lambda_wasm_host::log::Log;
use lambda_wasm_host::rehearsal;

use crate::dev::failure::Failure as Ended;
use crate::dev::setup::Located;
use crate::output;

/// Invokes a function so often, in this process, and writes the profile to a file, and its flame graph beside it.
///
/// # Errors
///
/// Returns an error if the function does not start, if an invocation fails, or if a file cannot be written.
pub(super) fn write(
    path: &Path,
    (function, code): &Located,
    event: &[u8],
    events: u32,
) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("--profile runs the function in this process, which needs Linux");
    }
    let api = RuntimeApi::start("127.0.0.1:0")?;
    let environment: Environment = variables::for_function(function, api.address(), &code.root)
        .into_iter()
        .collect();
    let failed = |failure: Failure| anyhow!("the function cannot be profiled: {failure}");
    let config = environment.config().map_err(failed)?;
    let endpoint = environment.endpoint().map_err(failed)?;
    let log = Log::new(environment.log()).on_stderr();
    let pending: Vec<_> = (0..events)
        .map(|_| {
            let invocation = Invocation::new(event)
                .timeout(function.timeout)
                // The last one waits for all others.
                .patience(function.timeout * events)
                .function_arn(&function.arn());
            api.submit(invocation)
        })
        .collect();
    let timeout = function.timeout;
    let outcomes = std::thread::spawn(move || {
        let end = |outcome| match outcome {
            Outcome::Streamed(stream) => Outcome::failed_end(stream.wait().1),
            outcome => Some(outcome),
        };
        let ends = pending
            .into_iter()
            .filter_map(|pending| end(pending.wait()));
        // All are waited for, since the profile serves every event.
        let failures = ends.filter_map(|outcome| Ended::of(&outcome, timeout));
        failures.reduce(|first, _| first)
    });
    let profile = rehearsal::profile(&config, log, endpoint, events).map_err(failed)?;
    let ended = outcomes.join().map_err(|_| anyhow!("an outcome is lost"))?;
    if let Some(Ended { kind, message, .. }) = ended {
        bail!("the invocation failed: {kind}: {message}");
    }
    let stacks = flame::stacks(&profile).context("the profile cannot be read back")?;
    let graph = graph_path(path);
    let title = format!("{}, {events} invocations", function.name);
    write_file(path, &profile)?;
    write_file(&graph, flame::svg(&title, &stacks).as_bytes())?;
    eprintln!(
        "{}: {} samples, one each millisecond of computing (open it at https://profiler.firefox.com)\n{}: the flame graph",
        output::shown(path),
        stacks.values().sum::<u64>(),
        output::shown(&graph)
    );
    if stacks.is_empty() {
        eprintln!(
            "hint: the function computed for less than a millisecond: invoke it more often with --repeat"
        );
    }
    Ok(())
}

fn graph_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".svg");
    name.into()
}

fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content).with_context(|| format!("{} cannot be written", path.display()))
}

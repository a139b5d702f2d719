//! `--sandbox`: the costs of the sandbox.

use std::path::Path;

use crate::{
    args::{Args, Effort},
    built,
    cpus::Cpus,
    lineup::{self, Lineup},
    machine, measure, report,
    subject::Subject,
};

/// The component for all measurements.
const COMPONENT: &str = "sandbox_p2";

/// All three tables, and how to read them.
pub fn measure(args: &Args, effort: &Effort) -> anyhow::Result<String> {
    let component = built::component("bench/guests", COMPONENT)?;
    let bootstrap = lineup::full_bootstrap(args);
    let endless = Subject::new("endless", &bootstrap, &component)?;
    let computing = computing(&bootstrap, &component)?;
    let cpus = Cpus::share_out()?;
    let deadlines = measure::deadlines(&endless, &cpus, effort)?;
    let interruption = measure::interruption(&computing, &cpus, effort)?;
    let requests = measure::requests(&bootstrap, &component, &cpus, effort)?;
    Ok(format!(
        "### A function that does not end\n\n{deadlines}\n\
         ### A function that computes, warm p50\n\n{interruption}\n\
         ### A function that sends a request, warm p50\n\n{requests}\n{footnotes}\n\n{machine}",
        interruption = report::comparison(&computing, &interruption),
        footnotes = footnotes(&cpus),
        machine = machine::description(&cpus),
    ))
}

/// Compares the component with interruption and without.
fn computing(bootstrap: &Path, component: &Path) -> anyhow::Result<Lineup> {
    let subject = |name, epoch| {
        let artifact = built::compiled(component, COMPONENT, epoch)?;
        Subject::new(name, bootstrap, &artifact)
    };
    let subjects = vec![
        subject("can be interrupted", true)?,
        subject("cannot", false)?,
    ];
    Ok(Lineup {
        subjects,
        reference: 1,
    })
}

/// The explanation of the tables.
fn footnotes(cpus: &Cpus) -> String {
    format!(
        "`stopped` is from the limit, {margin} ms before Lambda's deadline, to the `/error` with \
         Function.Timeout; `ready` from there to the `GET next` behind it. Invocations at once \
         are handed out together, by one deadline {timeout} ms later, to one process with \
         AWS_LAMBDA_MAX_CONCURRENCY. `given up` are those whose own threads did not come to it, \
         so that the watchdog answered; after more than four of those the process `ended`, \
         and another took its place. What can be interrupted looks in each loop and call \
         whether it has to stop; what cannot is the same component, compiled without that. \
         Requests are GETs of a few bytes, by HTTP/1.1, to a server that shares its CPU with the \
         Runtime API; new connections resume the TLS session where it is not said to be new. \
         After the comma the ratio to the component that cannot be interrupted, and to the \
         connection that was kept: the median of those of {generations} rounds, each with new \
         processes that take turns, and its 95 % confidence interval; {placed}.",
        margin = measure::MARGIN.as_millis(),
        timeout = measure::TIMEOUT.as_millis(),
        generations = measure::GENERATIONS,
        placed = cpus.placed(),
    )
}

//! `--sandbox`: what it takes to keep a function within its bounds.

use crate::{
    args::{Args, Effort},
    built,
    cpus::Cpus,
    lineup, machine, measure,
    subject::Subject,
};

/// The component that all is measured with.
const COMPONENT: &str = "sandbox_p2";

/// All tables, and how to read them.
pub fn measure(args: &Args, effort: &Effort) -> anyhow::Result<String> {
    let component = built::component("bench/guests", COMPONENT)?;
    let bootstrap = lineup::bootstrap(args);
    let endless = Subject::new("endless", &bootstrap, &component)?;
    let cpus = Cpus::share_out()?;
    let deadlines = measure::deadlines(&endless, &cpus, effort)?;
    Ok(format!(
        "### A function that does not end\n\n{deadlines}\n{footnotes}\n\n{machine}",
        footnotes = footnotes(&cpus),
        machine = machine::description(&cpus),
    ))
}

fn footnotes(cpus: &Cpus) -> String {
    format!(
        "`stopped` is from the limit, {margin} ms before Lambda's deadline, to the `/error` with \
         Function.Timeout; `ready` from there to the next `GET next`. Invocations at once are \
         handed out together, by one deadline {timeout} ms later, to one process with \
         AWS_LAMBDA_MAX_CONCURRENCY; {placed}. `given up` are those whose own threads did not \
         come to it, so that the watchdog answered.",
        margin = measure::MARGIN.as_millis(),
        timeout = measure::TIMEOUT.as_millis(),
        placed = cpus.placed(),
    )
}

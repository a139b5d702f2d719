//! `--lab`: response times by memory size and by concurrency, as figures for `docs/`.

mod by_concurrency;
mod by_memory;
mod figure;
mod plot;
mod runtimes;

use std::fs;

use crate::{
    args::{Args, Effort},
    built::checkout,
    cpus::Cpus,
    machine,
};

/// All figures, drawn into `docs/figures/`, and their tables.
pub fn measure(args: &Args, effort: &Effort) -> anyhow::Result<String> {
    let (runtimes, skipped) = runtimes::find(args)?;
    let pairs = by_concurrency::Pairs::find(args)?;
    let cpus = Cpus::share_out()?;
    let machine = machine::description(&cpus);
    let mut figures = by_memory::figures(&runtimes, &cpus, effort)?;
    figures.extend(by_concurrency::figures(&pairs, effort)?);
    let folder = checkout().join("docs/figures");
    fs::create_dir_all(&folder)?;
    let mut report = String::new();
    for figure in &figures {
        plot::draw(figure, &machine, &folder)?;
        report += &figure.table();
        report.push('\n');
    }
    for reason in skipped {
        report += &format!("Skipped: {reason}\n\n");
    }
    Ok(format!("{report}{NOTES}\n\n{machine}"))
}

/// How to read the tables.
const NOTES: &str = "\
    Medians, and the quartiles in parentheses. A memory size gives a share of one CPU: a cgroup with a quota for each \
    20 ms, from the first `GET next` on, since Lambda gives a start more. `cold` is from the start of the process to that \
    `next`, with all files in the page cache, and from handing out the first event to its answer. `warm` are single calls, \
    25 ms after the last one. `busy` is the time of a call when the next event is there at once. By concurrency, the process \
    has both CPUs and shares them with the server, which gives every `next` its event at once. The outbound call takes the \
    upstream 50 ms.";

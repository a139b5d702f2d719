//! Plays Lambda's Runtime API to several bootstraps in one interleaved run, and
//! prints what each start and each invocation took, as Markdown.

mod args;
mod breakdown;
mod connection;
mod cpus;
mod instructions;
mod lineup;
mod machine;
mod measure;
mod measurement;
mod process;
mod report;
mod running;
mod runtime_api;
mod statistics;
mod subject;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Args, cpus::Cpus, lineup::Lineup};

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<String> {
    let effort = args.effort();
    if args.breakdown {
        let ours = lineup::ours(args)?;
        let cpus = Cpus::share_out()?;
        let steps = breakdown::of_starts(&ours, &cpus, &effort, args.instructions)?;
        return Ok(format!("{steps}\n{}", machine::description(&cpus)));
    }
    let lineup = Lineup::assemble(args)?;
    let cpus = Cpus::share_out()?;
    // First, since valgrind may be missing and the rest takes a minute.
    let instructions = args
        .instructions
        .then(|| instructions::of_starts(&lineup, &cpus));
    let instructions = instructions.transpose()?;
    let mut measurements = measure::all(&lineup, &cpus, &effort)?;
    measurements.extend(instructions);
    let table = report::comparison(&lineup, &measurements);
    let footnotes = report::footnotes(&lineup, &cpus, &effort);
    Ok(format!(
        "{table}\n{footnotes}\n\n{}",
        machine::description(&cpus)
    ))
}

//! Plays Lambda's Runtime API to several bootstraps in one interleaved run, and
//! prints what each start and each invocation took, as Markdown; or to ours
//! alone, and prints what the sandbox costs.

#![forbid(unsafe_code)]

mod args;
mod breakdown;
mod built;
mod chunked;
mod connection;
mod cpus;
mod event;
mod http;
mod instructions;
mod lab;
mod languages;
mod lineup;
mod machine;
mod measure;
mod measurement;
mod process;
mod read_ahead;
mod report;
mod running;
mod runtime_api;
mod sandbox;
mod statistics;
mod subject;
mod upstream;

use std::{fmt::Write, process::ExitCode};

use clap::Parser;

use crate::{
    args::{Args, Effort},
    cpus::Cpus,
    event::Event,
    lineup::Lineup,
};

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
        breakdown(args, &effort)
    } else if args.http {
        http::compare(args, &effort)
    } else if args.lab {
        lab::measure(args, &effort)
    } else if args.languages {
        languages::measure(args, &effort)
    } else if args.sandbox {
        sandbox::measure(args, &effort)
    } else {
        report(args, &effort)
    }
}

fn breakdown(args: &Args, effort: &Effort) -> anyhow::Result<String> {
    let functions = if args.http {
        http::functions(args)?
    } else {
        vec![lineup::ours(args)?]
    };
    let cpus = Cpus::share_out()?;
    let mut report = String::new();
    for function in &functions {
        let steps = breakdown::of_starts(function, &cpus, effort, args.instructions)?;
        writeln!(report, "### {}\n\n{steps}", function.name)?;
    }
    Ok(report + &machine::description(&cpus))
}

fn report(args: &Args, effort: &Effort) -> anyhow::Result<String> {
    let lineup = Lineup::assemble(args)?;
    let cpus = Cpus::share_out()?;
    let instructions = instructions::if_asked(args, &lineup, &cpus)?;
    let mut measurements = measure::all(&lineup, &cpus, effort, &Event::rest_api()?)?;
    measurements.extend(instructions);
    let table = report::comparison(&lineup, &measurements);
    let footnotes = report::footnotes(&lineup, &cpus, effort, &machine::peers());
    Ok(format!(
        "{table}\n{footnotes}\n\n{}",
        machine::description(&cpus)
    ))
}

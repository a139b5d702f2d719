//! `./build.sh soak`: runs the suite, and prints the numbers.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use lambda_wasm_soak::clock;
use lambda_wasm_soak::ledger::Counts;
use lambda_wasm_soak::process::Size;
use lambda_wasm_soak::run::{Options, run};

/// Breaks the world around bootstrap, and counts what becomes of each invocation.
#[derive(Parser)]
#[command(name = "soak")]
struct Arguments {
    /// The seed of all events and faults; a random one is printed otherwise
    #[arg(long)]
    seed: Option<u64>,
    /// How many invocations are handed out at least
    #[arg(long, default_value_t = 100_000)]
    invocations: u64,
    /// How many minutes the run takes at least
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// How many events each process gets at most
    #[arg(long, default_value_t = 20_000)]
    events: u64,
    /// The numbers of workers, in turn
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 32])]
    workers: Vec<usize>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!("seed {seed}");
    if let Some(why) = clock::obstacle() {
        println!("the clock of no process is set: {why}");
    }
    let options = Options {
        seed,
        invocations: arguments.invocations,
        time: Duration::from_secs(60 * arguments.minutes),
        events_per_process: arguments.events,
        workers: arguments.workers,
        patience: Duration::from_secs(90),
        runtime: None,
    };
    let counts = run(&options, |life| {
        let counts = &life.counts;
        println!(
            "{:?}: {} handed out, {} answered, {} reported, {} wrong, memory in MB {}",
            life.kind,
            counts.handed_out,
            counts.answered,
            counts.reported,
            counts.wrong.values().sum::<u64>(),
            memory(&life.sizes)
        );
        for description in &counts.described {
            println!("  {description}");
        }
    })?;
    print(&counts);
    Ok(match counts.wrong.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The memory of a process over its life, in ten numbers.
fn memory(sizes: &[Size]) -> String {
    let parts = sizes.chunks(sizes.len().div_ceil(10).max(1));
    let largest = parts.filter_map(|part| part.iter().map(|size| size.memory / 1024).max());
    let numbers: Vec<String> = largest.map(|number| number.to_string()).collect();
    numbers.join(" ")
}

fn print(counts: &Counts) {
    let row = |name: &str, count: u64| println!("{count:>9}  {name}");
    println!();
    row("processes", counts.processes);
    row("invocations handed out", counts.handed_out);
    row("answered once", counts.answered);
    row("not delivered, as the log says", counts.reported);
    let (asked, late) = counts.next_after_deadline;
    row("followed by a request for the next event", asked);
    row("of these after the deadline", late);
    println!("faults:");
    for (kind, count) in &counts.faults {
        row(kind, *count);
    }
    println!("wrong:");
    for (wrong, count) in &counts.wrong {
        row(&format!("{wrong:?}"), *count);
    }
    if counts.wrong.is_empty() {
        row("in all", 0);
    }
}

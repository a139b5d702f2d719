//! Instructions of a start up to its first `next`, counted by valgrind: the only
//! figure that a busy machine does not change.

use anyhow::{Context, bail};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
};

use crate::{
    args::Args,
    cpus::Cpus,
    lineup::Lineup,
    measurement::{Measurement, Unit},
    running::Running,
    runtime_api::Wait,
    subject::Subject,
};

const CALLGRIND: [&str; 3] = [
    "valgrind",
    "--tool=callgrind",
    "--callgrind-out-file=/dev/null",
];

/// Counts one start of every subject, if that is asked for. It is done first, since valgrind may be missing and the rest
/// takes a minute.
pub fn if_asked(args: &Args, lineup: &Lineup, cpus: &Cpus) -> anyhow::Result<Option<Measurement>> {
    let measurement = args.instructions.then(|| of_starts(lineup, cpus));
    measurement.transpose()
}

fn of_starts(lineup: &Lineup, cpus: &Cpus) -> anyhow::Result<Measurement> {
    let mut row = Measurement::new("instructions, init", Unit::Count, lineup.subjects.len());
    for (index, subject) in lineup.subjects.iter().enumerate() {
        eprintln!("instructions of a start of {}", subject.name);
        row.push(index, of_start(subject, cpus)?);
    }
    Ok(row)
}

/// Instructions of one start of this subject, its loader's included.
pub fn of_start(subject: &Subject, cpus: &Cpus) -> anyhow::Result<f64> {
    let command = subject.command_under(&CALLGRIND);
    let mut running = Running::start_by(command, subject, cpus)
        .context("--instructions needs valgrind: install the package `valgrind`")?;
    running.next(Wait::Asleep)?;
    match kill(running.pid(), Signal::SIGTERM) {
        Ok(()) | Err(Errno::ESRCH) => running.wait_for_exit()?,
        Err(error) => bail!("ending valgrind: {error}"),
    }
    let log = running.log()?;
    // "==123== Collected : 1553210"
    let collected = log
        .lines()
        .rev()
        .find_map(|line| line.split_once("Collected :"));
    let (_, count) = collected.with_context(|| format!("valgrind counted nothing\n{log}"))?;
    Ok(count.trim().parse()?)
}

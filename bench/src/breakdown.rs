//! The phases of our start, by the bootstrap's own clock.
//!
//! With `LAMBDA_WASM_TIMINGS=1` it writes, just before its first `next`, one
//! line `timings: main=NS trailer=NS …`: when each step was over, counted from
//! `LAMBDA_WASM_SPAWNED_AT` (nanoseconds of `CLOCK_MONOTONIC`).

use anyhow::{Context, ensure};

use crate::{
    args::Effort, cpus::Cpus, instructions, measurement::Unit, process::Footprint, report,
    running::Running, runtime_api::Wait, statistics::Median, subject::Subject,
};

/// A table of the steps of our start, the median of each over many starts.
pub fn of_starts(
    ours: &Subject,
    cpus: &Cpus,
    effort: &Effort,
    count_instructions: bool,
) -> anyhow::Result<String> {
    let mut steps = Steps::default();
    let mut faults = Vec::new();
    eprintln!("{} starts with timings", effort.starts);
    for _ in 0..effort.starts {
        let mut command = ours.command();
        command.env("LAMBDA_WASM_TIMINGS", "1");
        let mut running = Running::start_by(command, ours, cpus)?;
        let next = running.next(Wait::Asleep)?;
        let arrived = (next.at - running.spawned).as_nanos() as f64;
        faults.push(Footprint::of(running.pid())?.minor_faults);
        steps.add(&timings(&running.log()?)?, arrived)?;
    }
    let mut rows = steps.rows();
    rows.push(row("minor page faults", Unit::Count, &faults));
    if count_instructions {
        let count = instructions::of_start(ours, cpus)?;
        rows.push(row("instructions", Unit::Count, &[count]));
    }
    Ok(report::table(
        vec!["up to".into(), "median".into(), "95 % interval".into()],
        rows,
    ))
}

/// The steps in the order given, with each start's duration of each.
#[derive(Default)]
struct Steps {
    names: Vec<String>,
    durations: Vec<Vec<f64>>,
}

impl Steps {
    /// Adds one start: when each step was over, and when `next` arrived here.
    fn add(&mut self, timings: &[(String, f64)], arrived: f64) -> anyhow::Result<()> {
        let mut ends = timings.to_vec();
        ends.push(("first next, arrived".to_owned(), arrived));
        if self.names.is_empty() {
            self.names = ends.iter().map(|(name, _)| name.clone()).collect();
            self.durations = vec![Vec::new(); ends.len()];
        }
        let same = ends.iter().map(|(name, _)| name).eq(&self.names);
        ensure!(same, "the steps of this start are not those of the first");
        let mut before = 0.0;
        for ((_, end), durations) in ends.iter().zip(&mut self.durations) {
            durations.push(end - before);
            before = *end;
        }
        Ok(())
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let steps = self.names.iter().zip(&self.durations);
        let mut rows: Vec<_> = steps
            .map(|(name, values)| row(name, Unit::Nanoseconds, values))
            .collect();
        let starts = self.durations.first().map_or(0, Vec::len);
        let total = |start| self.durations.iter().map(|step| step[start]).sum();
        let totals: Vec<f64> = (0..starts).map(total).collect();
        rows.push(row("together", Unit::Nanoseconds, &totals));
        rows
    }
}

fn row(name: &str, unit: Unit, values: &[f64]) -> Vec<String> {
    let median = Median::of(values);
    let interval = format!("{} - {}", unit.show(median.lower), unit.show(median.upper));
    vec![name.to_owned(), unit.show(median.value), interval]
}

/// The pairs of the line `timings: NAME=NS …`.
fn timings(log: &str) -> anyhow::Result<Vec<(String, f64)>> {
    let line = log.lines().find_map(|line| line.strip_prefix("timings:"));
    let line = line.with_context(|| {
        format!("the bootstrap wrote no line `timings: …`; what it wrote:\n{log}")
    })?;
    let pairs = line.split_whitespace().map(|pair| {
        let (name, end) = pair.split_once('=').context("a timing without `=`")?;
        let end = end
            .parse()
            .with_context(|| format!("`{pair}` has no nanoseconds"))?;
        Ok((name.to_owned(), end))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_steps_as_they_come() {
        let log = "a line of its own\ntimings: main=500 engine=700\n";
        let mut steps = Steps::default();
        steps.add(&timings(log).unwrap(), 1000.0).unwrap();
        assert_eq!(steps.names, ["main", "engine", "first next, arrived"]);
        assert_eq!(steps.durations, [[500.0], [200.0], [300.0]]);
    }

    #[test]
    fn a_log_without_timings_is_shown() {
        let error = timings("something else").unwrap_err().to_string();
        assert!(error.contains("something else"), "{error}");
    }
}

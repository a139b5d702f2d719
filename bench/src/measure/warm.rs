//! Warm calls: all processes live at the same time and take turns in blocks.

use crate::{
    cpus::Cpus,
    event::Event,
    lineup::Lineup,
    measurement::{Measurement, Unit},
    process::cpu_time,
    running::Running,
    runtime_api::{Arrival, Wait},
    statistics::quantile,
};

/// Calls in one turn.
const BLOCK: usize = 50;
/// How often all processes are replaced: one may be lucky with its addresses for
/// as long as it lives, so a round of the statistics is one such life.
pub const GENERATIONS: usize = 20;
/// Calls that a new process makes before it is measured.
const WARM_UP: usize = 100;

/// How calls are shared out.
pub struct Portions {
    /// How often all processes are replaced.
    pub generations: usize,
    /// Turns in the life of a process.
    pub turns: usize,
    /// Calls in one turn.
    pub block: usize,
    /// Calls that it makes before it is measured.
    pub warm_up: usize,
}

/// A process between two calls.
struct Idle {
    running: Running,
    next: Arrival,
}

/// The durations of the calls, in nanoseconds.
#[derive(Default)]
struct Calls {
    /// From handing out an event to its answer.
    answers: Vec<f64>,
    /// From handing out an event to the next `GET next`.
    cycles: Vec<f64>,
    /// CPU time of all of them.
    cpu: f64,
    /// Connections opened during the calls.
    connections: usize,
}

/// The time of a call, as it is seen from outside and by the CPU.
pub fn calls(
    lineup: &Lineup,
    cpus: &Cpus,
    calls: usize,
    event: &Event,
    wait: Wait,
) -> anyhow::Result<[Measurement; 5]> {
    let names = match wait {
        Wait::Asleep => ["warm p50", "warm p99", "ready again p50", "CPU per call"],
        Wait::Spinning => [
            "warm p50, server spins",
            "warm p99, server spins",
            "ready again p50, server spins",
            "CPU per call, server spins",
        ],
    };
    let row = |what| Measurement::new(what, Unit::Nanoseconds, lineup.subjects.len());
    let [mut p50, mut p99, mut cycle, mut cpu] = names.map(row);
    let mut connections = Measurement::new(
        names[0].replace("warm p50", "connection to Lambda"),
        Unit::Connections,
        lineup.subjects.len(),
    );
    let turns = calls.div_ceil(GENERATIONS * BLOCK);
    let total = turns * GENERATIONS * BLOCK;
    let portions = Portions {
        generations: GENERATIONS,
        turns,
        block: BLOCK,
        warm_up: WARM_UP,
    };
    eprintln!("{total} warm calls of each: {}", names[0]);
    for _ in 0..GENERATIONS {
        let calls = generation(lineup, cpus, &portions, event, wait)?;
        for (index, calls) in calls.iter().enumerate() {
            p50.push(index, quantile(&calls.answers, 0.5));
            p99.push(index, quantile(&calls.answers, 0.99));
            cycle.push(index, quantile(&calls.cycles, 0.5));
            let count = calls.answers.len() as f64;
            cpu.push(index, calls.cpu / count);
            connections.push(index, calls.connections as f64 / count);
        }
    }
    Ok([p50, p99, cycle, cpu, connections])
}

/// The p50 of a call, for each life of the processes.
pub fn medians(
    what: impl Into<String>,
    lineup: &Lineup,
    cpus: &Cpus,
    portions: &Portions,
    event: &Event,
) -> anyhow::Result<Measurement> {
    let mut row = Measurement::new(what, Unit::Nanoseconds, lineup.subjects.len());
    let total = portions.generations * portions.turns * portions.block;
    eprintln!("{total} calls of each: {}", row.what);
    for _ in 0..portions.generations {
        let calls = generation(lineup, cpus, portions, event, Wait::Asleep)?;
        for (index, Calls { answers, .. }) in calls.iter().enumerate() {
            row.push(index, quantile(answers, 0.5));
        }
    }
    Ok(row)
}

/// Starts all subjects, gives each its turns, and ends them.
fn generation(
    lineup: &Lineup,
    cpus: &Cpus,
    portions: &Portions,
    event: &Event,
    wait: Wait,
) -> anyhow::Result<Vec<Calls>> {
    let mut processes = Vec::new();
    let mut calls = Vec::new();
    for subject in &lineup.subjects {
        let mut idle = Idle::of(Running::start(subject, cpus)?, wait)?;
        idle.call(portions.warm_up, event, wait, &mut Calls::default())?;
        processes.push(idle);
        calls.push(Calls::default());
    }
    for _ in 0..portions.turns {
        for index in lineup.shuffled() {
            processes[index].call(portions.block, event, wait, &mut calls[index])?;
        }
    }
    Ok(calls)
}

impl Idle {
    fn of(mut running: Running, wait: Wait) -> anyhow::Result<Self> {
        let next = running.next(wait)?;
        Ok(Self { running, next })
    }

    /// Makes so many calls and adds what they took.
    fn call(
        &mut self,
        count: usize,
        event: &Event,
        wait: Wait,
        calls: &mut Calls,
    ) -> anyhow::Result<()> {
        let process = self.running.pid();
        let (before, opened) = (cpu_time(process)?, self.running.connections());
        for _ in 0..count {
            let answer = self.running.answer(&self.next, event, wait)?;
            self.next = self.running.next(wait)?;
            let answered = answer.at - answer.handed_out;
            let ready = self.next.at - answer.handed_out;
            calls.answers.push(answered.as_nanos() as f64);
            calls.cycles.push(ready.as_nanos() as f64);
        }
        calls.cpu += (cpu_time(process)? - before).as_nanos() as f64;
        calls.connections += self.running.connections() - opened;
        Ok(())
    }
}

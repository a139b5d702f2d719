//! Streamed answers: their speed, and whether they are held in memory.

use crate::{
    args::Effort,
    cpus::Cpus,
    event::Event,
    lineup::Lineup,
    measurement::{Measurement, Unit},
    process::Footprint,
    running::Running,
    runtime_api::Wait,
};

/// Lengths, in megabytes.
const LENGTHS: [u64; 2] = [20, 200];

/// The speed and the peak of an answer by its length, each in a process of its own.
pub fn streams(lineup: &Lineup, cpus: &Cpus, effort: &Effort) -> anyhow::Result<Vec<Measurement>> {
    let rounds = effort.starts.div_ceil(100);
    let mut rows = Vec::new();
    for length in LENGTHS {
        let bytes = length * 1_000_000;
        let event = Event::stream(bytes)?;
        let row = |what, unit| {
            Measurement::new(format!("{length} MB, {what}"), unit, lineup.subjects.len())
        };
        let mut speed = row("throughput", Unit::BytesPerSecond);
        let mut peak = row("peak memory", Unit::Bytes);
        eprintln!("{rounds} streams of each: {length} MB");
        for _ in 0..rounds {
            for index in lineup.shuffled() {
                let mut running = Running::start(&lineup.subjects[index], cpus)?;
                let next = running.next(Wait::Asleep)?;
                let answer = running.answer(&next, &event, Wait::Asleep)?;
                let took = answer.at - answer.handed_out;
                speed.push(index, bytes as f64 / took.as_secs_f64());
                peak.push(index, Footprint::of(running.pid())?.peak);
            }
        }
        rows.extend([speed, peak]);
    }
    Ok(rows)
}

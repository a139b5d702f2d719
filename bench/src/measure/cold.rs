//! Cold starts: a new process each time, with its files in the page cache.

use crate::{
    cpus::Cpus,
    event::Event,
    lineup::Lineup,
    measurement::{Measurement, Unit},
    running::Running,
    runtime_api::Wait,
};

/// Starts every subject once a round: from spawn to its first `GET next`, and
/// to its first answer, with the event there at once.
pub fn starts(
    lineup: &Lineup,
    cpus: &Cpus,
    rounds: usize,
    event: &Event,
) -> anyhow::Result<Vec<Measurement>> {
    let subjects = lineup.subjects.len();
    let mut init = Measurement::new("cold init", Unit::Nanoseconds, subjects);
    let mut answered = Measurement::new("init and first answer", Unit::Nanoseconds, subjects);
    eprintln!("{rounds} cold starts of each");
    for _ in 0..rounds {
        for index in lineup.shuffled() {
            let mut running = Running::start(&lineup.subjects[index], cpus)?;
            let next = running.next(Wait::Asleep)?;
            let answer = running.answer(&next, event, Wait::Asleep)?;
            init.push(index, (next.at - running.spawned).as_nanos() as f64);
            answered.push(index, (answer.at - running.spawned).as_nanos() as f64);
        }
    }
    Ok(vec![init, answered])
}

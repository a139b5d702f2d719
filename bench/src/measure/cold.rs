//! Cold starts: a new process each time, with its files on the disk or in the page cache.

use crate::{
    cpus::Cpus,
    event::Event,
    lineup::Lineup,
    measurement::{Measurement, Unit},
    process::Footprint,
    running::Running,
    runtime_api::Wait,
};

/// Starts every subject once a round, after its files have left the page cache, as on Lambda, where no start finds them there:
/// from spawn to its first `GET next`, and to its first answer, with the event there at once.
pub fn starts_from_disk(
    lineup: &Lineup,
    cpus: &Cpus,
    rounds: usize,
    event: &Event,
) -> anyhow::Result<Vec<Measurement>> {
    let subjects = lineup.subjects.len();
    let mut init = Measurement::new("init from disk", Unit::Nanoseconds, subjects);
    let mut answered = Measurement::new(
        "init from disk and first answer",
        Unit::Nanoseconds,
        subjects,
    );
    let mut faults = Measurement::new("major page faults, from disk", Unit::Count, subjects);
    eprintln!("{rounds} starts from disk of each");
    for _ in 0..rounds {
        for index in lineup.shuffled() {
            let subject = &lineup.subjects[index];
            subject.leave_page_cache()?;
            let mut running = Running::start(subject, cpus)?;
            let next = running.next(Wait::Asleep)?;
            let answer = running.answer(&next, event, Wait::Asleep)?;
            init.push(index, (next.at - running.spawned).as_nanos() as f64);
            answered.push(index, (answer.at - running.spawned).as_nanos() as f64);
            faults.push(index, Footprint::of(running.pid())?.major_faults);
        }
    }
    Ok(vec![init, answered, faults])
}

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

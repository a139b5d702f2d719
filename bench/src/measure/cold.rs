//! Cold starts: a new process each time, with its files on the disk or in the page cache.

use std::time::Instant;

use crate::{
    cpus::Cpus,
    event::Event,
    lineup::Lineup,
    measurement::{Measurement, Unit},
    process::Footprint,
    read_ahead::ReadAhead,
    running::Running,
    runtime_api::Wait,
    subject::Subject,
};

/// Starts every subject once a round with its files on the disk, as on Lambda, for each size of the read-ahead that can be
/// had: what the start takes, and what it reads.
pub fn from_disk(
    lineup: &Lineup,
    cpus: &Cpus,
    rounds: usize,
    event: &Event,
) -> anyhow::Result<Vec<Measurement>> {
    let subjects = lineup.subjects.len();
    let disk = ReadAhead::of(lineup.subjects[0].folder())?;
    let sizes = disk.as_ref().map_or(vec![None], |disk| {
        disk.sizes().into_iter().map(Some).collect()
    });
    let mut rows = Vec::new();
    for size in sizes {
        let place = match size {
            Some(kibibytes) => format!("from disk, read-ahead {kibibytes} KiB"),
            None => "from disk, read-ahead unknown".to_owned(),
        };
        let row = |what: &str, unit| Measurement::new(format!("{what} {place}"), unit, subjects);
        let mut init = row("init", Unit::Nanoseconds);
        let mut answered = row("init and first answer", Unit::Nanoseconds);
        let mut bytes = row("bytes read", Unit::Bytes);
        let mut faults = row("major page faults", Unit::Count);
        eprintln!("{rounds} cold starts of each {place}");
        for _ in 0..rounds {
            for index in lineup.shuffled() {
                let subject = &lineup.subjects[index];
                subject.leave_page_cache()?;
                if let (Some(disk), Some(kibibytes)) = (&disk, size) {
                    disk.set(kibibytes)?;
                }
                let start = Start::of(subject, cpus, event)?;
                let footprint = Footprint::of(start.running.pid())?;
                init.push(index, start.init);
                answered.push(index, start.answered);
                bytes.push(index, footprint.bytes_read);
                faults.push(index, footprint.major_faults);
            }
        }
        rows.extend([init, answered, bytes, faults]);
    }
    Ok(rows)
}

/// Starts every subject once a round with its files in the page cache.
pub fn from_page_cache(
    lineup: &Lineup,
    cpus: &Cpus,
    rounds: usize,
    event: &Event,
) -> anyhow::Result<[Measurement; 2]> {
    let row = |what: &str| Measurement::new(what, Unit::Nanoseconds, lineup.subjects.len());
    let mut init = row("init from the page cache");
    let mut answered = row("init and first answer, page cache");
    eprintln!("{rounds} cold starts of each from the page cache");
    for _ in 0..rounds {
        for index in lineup.shuffled() {
            let start = Start::of(&lineup.subjects[index], cpus, event)?;
            init.push(index, start.init);
            answered.push(index, start.answered);
        }
    }
    Ok([init, answered])
}

/// A process that has answered once, and the nanoseconds since it was spawned.
struct Start {
    running: Running,
    /// To its first `GET next`.
    init: f64,
    /// To its first answer, with the event there at once.
    answered: f64,
}

impl Start {
    fn of(subject: &Subject, cpus: &Cpus, event: &Event) -> anyhow::Result<Self> {
        let mut running = Running::start(subject, cpus)?;
        let next = running.next(Wait::Asleep)?;
        let answer = running.answer(&next, event, Wait::Asleep)?;
        let since = |at: Instant| (at - running.spawned).as_nanos() as f64;
        Ok(Self {
            init: since(next.at),
            answered: since(answer.at),
            running,
        })
    }
}

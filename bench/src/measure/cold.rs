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

/// Where a start finds the files of its subject.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// On the disk, as on Lambda: the page cache does not have them.
    OnDisk,
    /// In the page cache.
    InPageCache,
}

/// Starts every subject once a round: from spawn to its first `GET next`, and
/// to its first answer, with the event there at once.
pub fn starts(
    files: Files,
    lineup: &Lineup,
    cpus: &Cpus,
    rounds: usize,
    event: &Event,
) -> anyhow::Result<Vec<Measurement>> {
    let (of_init, place) = match files {
        Files::OnDisk => ("init from disk", " from disk"),
        Files::InPageCache => ("cold init", ""),
    };
    let subjects = lineup.subjects.len();
    let row = |what: &str, unit| Measurement::new(what, unit, subjects);
    let mut init = row(of_init, Unit::Nanoseconds);
    let mut answered = row(&format!("init{place} and first answer"), Unit::Nanoseconds);
    let mut faults = row("major page faults, from disk", Unit::Count);
    eprintln!("{rounds} cold starts{place} of each");
    for _ in 0..rounds {
        for index in lineup.shuffled() {
            let subject = &lineup.subjects[index];
            if files == Files::OnDisk {
                subject.leave_page_cache()?;
            }
            let mut running = Running::start(subject, cpus)?;
            let next = running.next(Wait::Asleep)?;
            let answer = running.answer(&next, event, Wait::Asleep)?;
            init.push(index, (next.at - running.spawned).as_nanos() as f64);
            answered.push(index, (answer.at - running.spawned).as_nanos() as f64);
            if files == Files::OnDisk {
                faults.push(index, Footprint::of(running.pid())?.major_faults);
            }
        }
    }
    Ok(match files {
        Files::OnDisk => vec![init, answered, faults],
        Files::InPageCache => vec![init, answered],
    })
}

//! Memory: in starts of its own, so that reading `/proc` costs no time that is
//! measured.

use crate::{
    cpus::Cpus,
    event::Event,
    lineup::Lineup,
    measurement::{Measurement, Unit},
    process::Footprint,
    running::Running,
    runtime_api::Wait,
};

const STARTS: usize = 11;
const CALLS: usize = 200;

/// The peak at the end of init and after some calls, and the page faults of
/// init.
pub fn of_all(lineup: &Lineup, cpus: &Cpus, event: &Event) -> anyhow::Result<[Measurement; 3]> {
    let subjects = lineup.subjects.len();
    let mut at_init = Measurement::new("peak memory, init", Unit::Bytes, subjects);
    let mut at_end = Measurement::new("peak memory, 200 calls", Unit::Bytes, subjects);
    let mut faults = Measurement::new("minor page faults, init", Unit::Count, subjects);
    eprintln!("memory, {STARTS} starts of each");
    for _ in 0..STARTS {
        for index in lineup.shuffled() {
            let mut running = Running::start(&lineup.subjects[index], cpus)?;
            let mut next = running.next(Wait::Asleep)?;
            let init = Footprint::of(running.pid())?;
            for _ in 0..CALLS {
                running.answer(&next, event, Wait::Asleep)?;
                next = running.next(Wait::Asleep)?;
            }
            at_init.push(index, init.peak);
            at_end.push(index, Footprint::of(running.pid())?.peak);
            faults.push(index, init.minor_faults);
        }
    }
    Ok([at_init, at_end, faults])
}

//! The measurements, each taking turns between the subjects.

mod bodies;
mod cold;
mod deadlines;
mod footprint;
mod interruption;
mod requests;
mod streams;
mod warm;

pub use bodies::bodies;
pub use deadlines::{MARGIN, TIMEOUT, deadlines};
pub use interruption::interruption;
pub use requests::requests;
pub use streams::streams;
pub use warm::GENERATIONS;

use crate::{
    args::Effort,
    cpus::Cpus,
    event::Event,
    lineup::Lineup,
    measurement::{Measurement, Unit},
    runtime_api::Wait,
};

/// Everything that the comparison shows of one function, in the order of its rows.
pub fn all(
    lineup: &Lineup,
    cpus: &Cpus,
    effort: &Effort,
    event: &Event,
) -> anyhow::Result<Vec<Measurement>> {
    let mut rows = cold::from_disk(lineup, cpus, effort.starts_from_disk, event)?;
    rows.extend(cold::from_page_cache(lineup, cpus, effort.starts, event)?);
    rows.extend(warm::calls(
        lineup,
        cpus,
        effort.calls,
        event,
        Wait::Asleep,
    )?);
    rows.extend(warm::calls(
        lineup,
        cpus,
        effort.calls,
        event,
        Wait::Spinning,
    )?);
    rows.extend(footprint::of_all(lineup, cpus, event)?);
    rows.extend(sizes(lineup)?);
    Ok(rows)
}

fn sizes(lineup: &Lineup) -> anyhow::Result<[Measurement; 2]> {
    let subjects = lineup.subjects.len();
    let mut raw = Measurement::new("size to deploy", Unit::Bytes, subjects);
    let mut zipped = Measurement::new("the same, zip -9", Unit::Bytes, subjects);
    for (index, subject) in lineup.subjects.iter().enumerate() {
        let size = subject.size()?;
        raw.push(index, size.raw as f64);
        zipped.push(index, size.zipped as f64);
    }
    Ok([raw, zipped])
}

//! The measurements, each taking turns between the subjects.

mod cold;
mod footprint;
mod warm;

pub use warm::GENERATIONS;

use crate::{
    args::Effort,
    cpus::Cpus,
    lineup::Lineup,
    measurement::{Measurement, Unit},
    runtime_api::Wait,
};

/// Everything that the comparison shows, in the order of its rows.
pub fn all(lineup: &Lineup, cpus: &Cpus, effort: &Effort) -> anyhow::Result<Vec<Measurement>> {
    let event = event()?;
    let mut rows = cold::starts(lineup, cpus, effort.starts, &event)?;
    rows.extend(warm::calls(
        lineup,
        cpus,
        effort.calls,
        &event,
        Wait::Asleep,
    )?);
    rows.extend(warm::calls(
        lineup,
        cpus,
        effort.calls,
        &event,
        Wait::Spinning,
    )?);
    rows.extend(footprint::of_all(lineup, cpus, &event)?);
    rows.extend(sizes(lineup)?);
    Ok(rows)
}

/// A REST API's event, without the white space that Lambda would not send.
fn event() -> anyhow::Result<String> {
    let event: serde_json::Value = serde_json::from_str(include_str!("../event.json"))?;
    Ok(event.to_string())
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

//! Bodies of growing size, which are echoed.

use super::warm::{self, Portions};
use crate::{
    args::Effort,
    cpus::Cpus,
    event::{Event, Kind},
    lineup::Lineup,
    measurement::Measurement,
};

/// How often all processes are replaced.
const GENERATIONS: usize = 10;
/// The sizes in bytes. The last stands for the largest that fits in an event.
const SIZES: [usize; 5] = [1 << 10, 10 << 10, 100 << 10, 1 << 20, usize::MAX];
/// About how many bytes go through each bootstrap for each call of the whole run.
const BYTES_PER_CALL: usize = 4 << 10;

/// The time of a call by the size of its body, as text and as base64.
pub fn bodies(lineup: &Lineup, cpus: &Cpus, effort: &Effort) -> anyhow::Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    for (kind, name) in [(Kind::Text, "text"), (Kind::Binary, "base64")] {
        for size in SIZES {
            let (event, bytes) = Event::echo(kind, size)?;
            let what = format!("{}, {name}", shown(size, bytes));
            let portions = portions(effort.calls, bytes);
            rows.push(warm::medians(what, lineup, cpus, &portions, &event)?);
        }
    }
    Ok(rows)
}

/// Fewer calls where more is to be carried.
fn portions(calls: usize, bytes: usize) -> Portions {
    let (least, most) = (calls.div_ceil(3_000), calls.div_ceil(100));
    let calls = (calls * BYTES_PER_CALL / bytes / GENERATIONS).clamp(least, most);
    let block = calls.min(10);
    Portions {
        generations: GENERATIONS,
        turns: calls.div_ceil(block),
        block,
        warm_up: block,
    }
}

fn shown(size: usize, bytes: usize) -> String {
    match size {
        usize::MAX => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        size if size < 1 << 20 => format!("{} KiB", size >> 10),
        size => format!("{} MiB", size >> 20),
    }
}

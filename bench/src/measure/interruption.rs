//! Interruption: the slowdown of a function that computes and can be stopped at its deadline.

use super::{
    GENERATIONS,
    warm::{self, Portions},
};
use crate::{args::Effort, cpus::Cpus, event::Event, lineup::Lineup, measurement::Measurement};

/// The functions: their names, paths, and what their answers begin with.
const FUNCTIONS: [(&str, &str, &str); 2] = [
    ("parsing 1 MB of JSON three times", "/parse", "parsed "),
    (
        "a loop over two instructions, 20 million times",
        "/count",
        "counted ",
    ),
];

/// The time of a call that is all computing.
pub fn interruption(
    lineup: &Lineup,
    cpus: &Cpus,
    effort: &Effort,
) -> anyhow::Result<Vec<Measurement>> {
    let portions = Portions {
        generations: GENERATIONS,
        turns: effort.calls.div_ceil(100 * GENERATIONS),
        block: 1,
        warm_up: 1,
    };
    let measure = |(what, path, answer)| {
        let event = Event::get(path, answer)?;
        warm::medians(what, lineup, cpus, &portions, &event)
    };
    FUNCTIONS.into_iter().map(measure).collect()
}

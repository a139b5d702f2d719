//! The run as Markdown.

use comfy_table::{Table, presets::ASCII_MARKDOWN};

use crate::{
    args::Effort, cpus::Cpus, lineup::Lineup, measure::GENERATIONS, measurement::Measurement,
};

/// One column for each subject, one row for each measurement.
pub fn comparison(lineup: &Lineup, measurements: &[Measurement]) -> String {
    let names = lineup.subjects.iter().map(|subject| subject.name.clone());
    let header = std::iter::once(String::new()).chain(names).collect();
    let rows = measurements.iter().map(|measurement| {
        let subjects = 0..lineup.subjects.len();
        let cells = subjects.map(|subject| measurement.cell(subject, lineup.reference));
        std::iter::once(measurement.what.clone())
            .chain(cells)
            .collect()
    });
    table(header, rows.collect())
}

/// A Markdown table.
pub fn table(header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(ASCII_MARKDOWN)
        .set_header(header)
        .add_rows(rows);
    format!("{table}\n")
}

/// The explanation of the comparison.
pub fn footnotes(lineup: &Lineup, cpus: &Cpus, effort: &Effort, peers: &str) -> String {
    format!(
        "Medians; after the comma the ratio to `{reference}`: the median of the ratios of each \
         round, and its 95 % confidence interval. {starts} starts of each in shuffled rounds, files \
         freshly copied and in the page cache, and {from_disk} after they left it, with each \
         read-ahead of the disk that may be set here; {calls} calls of each in blocks that take turns, processes replaced \
         {generations} times; {placed}. The server sleeps in `poll` where it \
         is not said to spin. `ready again` is from handing out an event to the next `GET next`. \
         {peers}",
        reference = lineup.subjects[lineup.reference].name,
        starts = effort.starts,
        from_disk = effort.starts_from_disk,
        calls = effort.calls,
        generations = GENERATIONS,
        placed = cpus.placed(),
    )
}

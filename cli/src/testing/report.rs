//! The results of cases: for people as `cargo test` prints them, and for CI systems as JUnit XML.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::{Context as _, Result};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use crate::output;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();

/// The result of a case.
pub struct Verdict {
    /// The name of the file of the case, without its extension.
    pub suite: String,
    pub name: String,
    /// The file, and the line if it is known.
    pub place: String,
    /// The differences from the expected outcome. Empty if the case has passed.
    pub differences: Vec<String>,
    /// Whether the snapshot of the case has changed.
    pub is_updated: bool,
    pub log: String,
    pub took: Duration,
}

impl Verdict {
    pub fn has_passed(&self) -> bool {
        self.differences.is_empty()
    }

    /// Prints the line of a case.
    pub fn print(&self) {
        let Self { suite, name, .. } = self;
        let (style, result) = match self.has_passed() {
            true => (GREEN, "ok"),
            false => (RED, "FAILED"),
        };
        let note = if self.is_updated { " (updated)" } else { "" };
        println!("test {suite}::{name} ... {style}{result}{style:#}{note}");
    }

    /// The differences and the log.
    fn details(&self) -> String {
        let mut text = self.differences.join("\n");
        if !self.log.is_empty() {
            text.push_str("\nlog");
            for line in self.log.lines() {
                text.push_str("\n  ");
                text.push_str(line);
            }
        }
        text
    }
}

/// Prints the differences of the cases that failed, and a summary.
pub fn summarize(verdicts: &[Verdict], filtered_out: usize, took: Duration) {
    let failed: Vec<_> = verdicts
        .iter()
        .filter(|verdict| !verdict.has_passed())
        .collect();
    if !failed.is_empty() {
        println!("\nfailures:");
        for verdict in &failed {
            let Verdict {
                suite, name, place, ..
            } = verdict;
            println!(
                "\n---- {suite}::{name} ({place}) ----\n{}",
                verdict.details()
            );
        }
        println!("\nfailures:");
        for Verdict { suite, name, .. } in &failed {
            println!("    {suite}::{name}");
        }
    }
    let (style, result) = match failed.is_empty() {
        true => (GREEN, "ok"),
        false => (RED, "FAILED"),
    };
    println!(
        "\ntest result: {style}{result}{style:#}. {} passed; {} failed; {filtered_out} filtered out; finished in {:.2}s",
        verdicts.len() - failed.len(),
        failed.len(),
        took.as_secs_f64()
    );
}

/// Returns the results as JSON.
pub fn json(verdicts: &[Verdict], filtered_out: usize, took: Duration) -> Value {
    let test = |verdict: &Verdict| {
        json!({
            "file": verdict.suite,
            "name": verdict.name,
            "place": verdict.place,
            "passed": verdict.has_passed(),
            "updated": verdict.is_updated,
            "differences": verdict.differences,
            "log": verdict.log,
            "seconds": verdict.took.as_secs_f64(),
        })
    };
    let passed = verdicts
        .iter()
        .filter(|verdict| verdict.has_passed())
        .count();
    json!({
        "passed": passed,
        "failed": verdicts.len() - passed,
        "filteredOut": filtered_out,
        "seconds": took.as_secs_f64(),
        "tests": verdicts.iter().map(test).collect::<Vec<_>>(),
    })
}

/// Writes the results as JUnit XML.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be written.
pub fn write_junit(path: &Path, verdicts: &[Verdict], took: Duration) -> Result<()> {
    let mut report = Report::new("lambda-wasm");
    report.set_time(took);
    for verdicts in verdicts.chunk_by(|one, next| one.suite == next.suite) {
        let mut suite = TestSuite::new(verdicts[0].suite.as_str());
        suite.set_time(verdicts.iter().map(|verdict| verdict.took).sum());
        suite.add_test_cases(verdicts.iter().map(junit));
        report.add_test_suite(suite);
    }
    let text = report
        .to_string()
        .context("the results cannot be written as JUnit XML")?;
    output::replace(path, |file| Ok(file.write_all(text.as_bytes())?))
}

fn junit(verdict: &Verdict) -> TestCase {
    let mut status = match verdict.has_passed() {
        true => TestCaseStatus::success(),
        false => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    if let Some(first) = verdict.differences.first() {
        let place = first.lines().next().unwrap_or_default();
        status.set_message(format!("{}: {place}", verdict.place));
        status.set_description(verdict.differences.join("\n"));
    }
    let mut case = TestCase::new(verdict.name.as_str(), status);
    case.set_classname(verdict.suite.as_str());
    case.set_time(verdict.took);
    if !verdict.log.is_empty() {
        case.set_system_err(verdict.log.as_str());
    }
    case
}

//! The project's Markdown documents: every code block, every link, and the facts that they share with the code.

mod blocks;
mod commands;
mod facts;
mod markdown;
mod numbers;
mod programs;
mod rust;
mod words;

use std::path::{Path, PathBuf};

/// Returns the project's directory.
fn root() -> PathBuf {
    let cli = Path::new(env!("CARGO_MANIFEST_DIR"));
    cli.parent().unwrap().to_owned()
}

/// Fails with all problems, one a line.
#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

//! `lambda-wasm man`: the manual pages of the program and of each command, for packages of it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// Write the manual pages into a directory
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory
    directory: PathBuf,
}

/// Writes the manual pages of a program and its commands.
///
/// # Errors
///
/// Returns an error if the directory cannot be written.
pub fn run(args: &Args, program: clap::Command) -> Result<()> {
    let shown = args.directory.display();
    std::fs::create_dir_all(&args.directory)
        .and_then(|()| clap_mangen::generate_to(program, &args.directory))
        .with_context(|| format!("{shown} cannot be written"))
}

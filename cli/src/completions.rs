//! `lambda-wasm completions`: a script that completes commands and options in a shell.

use std::io::{self, Write as _};

use anyhow::Result;
use clap_complete::Shell;

/// Print a script that completes commands and options in a shell
///
/// Each shell reads its script at another place, e.g. ~/.local/share/bash-completion/completions/lambda-wasm.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  source <(lambda-wasm completions bash)
  lambda-wasm completions fish > ~/.config/fish/completions/lambda-wasm.fish")]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script for the commands of a program.
///
/// # Errors
///
/// Returns an error if the script cannot be printed.
pub fn run(args: &Args, mut program: clap::Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "lambda-wasm", &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

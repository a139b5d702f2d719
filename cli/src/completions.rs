//! `lambda-wasm completions`: a script that completes commands and options in a shell.

use clap_complete::Shell;

use crate::print;

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
pub fn run(args: &Args, mut program: clap::Command) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "lambda-wasm", &mut script);
    print::bytes(&script);
}

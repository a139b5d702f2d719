//! `lambda-wasm`: compiles and packages WebAssembly components as functions, and runs them locally.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod compile;
mod component;
mod dev;
mod inspect;
mod output;
mod package;

#[derive(Parser)]
#[command(version, about = "Run WebAssembly components as AWS Lambda functions")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile a component for the runtime
    Compile(compile::Args),
    // Its help is at its arguments.
    Dev(dev::Args),
    /// Show a component's world, imports and required grants
    Inspect(inspect::Args),
    /// Zip a directory with a bootstrap and its components for Lambda
    Package(package::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Compile(args) => compile::run(&args),
        Command::Dev(args) => dev::run(args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Package(args) => package::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

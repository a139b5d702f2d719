//! `lambda-wasm`: compiles and packages WebAssembly components as functions, and runs them locally.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

#[macro_use]
mod print;

mod bootstrap;
mod build;
mod compile;
mod completions;
mod component;
mod deploy;
mod dev;
mod doctor;
mod inspect;
mod interrupt;
mod invoke;
mod man;
mod mcp;
mod new;
mod output;
mod package;
mod progress;
mod project;
mod sbom;
mod testing;
mod wit;

#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(version, about = "Run WebAssembly components as AWS Lambda functions")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    // Their help is longer than this list: see there.
    New(new::Args),
    Init(new::InitArgs),
    Build(build::Args),
    /// Compile a component for the runtime
    Compile(compile::Args),
    // Its help is at its arguments.
    Completions(completions::Args),
    // As `dev`.
    Deploy(deploy::Args),
    // Its help is at its arguments.
    Dev(dev::Args),
    // As `dev`.
    Doctor(doctor::Args),
    Invoke(invoke::Args),
    /// Show a component's world, imports and required grants
    Inspect(inspect::Args),
    // For packages of this program.
    #[command(hide = true)]
    Man(man::Args),
    // As `dev`.
    Mcp(mcp::Args),
    /// Zip a directory with a bootstrap and its components for Lambda
    Package(package::Args),
    // As `dev`.
    Test(testing::Args),
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // These two stop in their own way.
    if !matches!(command, Command::Dev(_) | Command::Mcp(_))
        && let Err(error) = interrupt::clean_up()
    {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    let result = match command {
        Command::New(args) => new::run(&args),
        Command::Init(args) => new::init(&args),
        Command::Build(args) => build::run(&args),
        Command::Compile(args) => compile::run(&args),
        Command::Completions(args) => {
            completions::run(&args, Cli::command());
            Ok(())
        }
        Command::Deploy(args) => deploy::run(&args),
        Command::Dev(args) => dev::run(args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Invoke(args) => invoke::run(&args),
        Command::Man(args) => man::run(&args, Cli::command()),
        Command::Mcp(args) => mcp::run(&args),
        Command::Package(args) => package::run(&args),
        Command::Test(args) => testing::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Measures starts, warm calls, CPU and memory of `dist/bootstrap` against
/// `lambda_runtime` and a bare ureq loop.
#[derive(Parser)]
pub struct Args {
    /// Directory with `bootstrap` and `hello.cwasm` [default: dist/ of this checkout]
    #[arg(long, value_name = "DIR")]
    pub dist: Option<PathBuf>,

    /// Another bootstrap to run that directory's function with
    #[arg(long, value_name = "PATH")]
    pub bootstrap: Option<PathBuf>,

    /// One more directory with a `bootstrap`, compared in the same run
    #[arg(long, value_name = "NAME=DIR", value_parser = name_and_folder)]
    pub also: Vec<(String, PathBuf)>,

    /// Starts of each bootstrap from the page cache; a fifth as many from the disk
    #[arg(long, value_name = "N")]
    pub starts: Option<usize>,

    /// Warm calls of each bootstrap, in each of the two ways of waiting
    #[arg(long, value_name = "N")]
    pub calls: Option<usize>,

    /// Measure roughly, in about ten seconds, or a minute with --http or --sandbox
    #[arg(long)]
    pub quick: bool,

    /// Measure components of wasi:http against `lambda_http` instead: hello, bodies up to the largest,
    /// and streamed answers
    #[arg(long)]
    pub http: bool,

    /// Measure the function that each language's template makes instead
    #[arg(long, conflicts_with_all = ["http", "sandbox", "breakdown"])]
    pub languages: bool,

    /// Measure response times by memory size and by concurrency instead, beside AWS's runtimes for other languages, and
    /// draw them into docs/figures/
    #[arg(long, conflicts_with_all = ["http", "languages", "sandbox", "breakdown"])]
    pub lab: bool,

    /// Measure the costs of the sandbox instead: the delay of a stop, the slowdown of interruptible code, and
    /// the time of an outgoing request
    #[arg(long, conflicts_with_all = ["http", "breakdown"])]
    pub sandbox: bool,

    /// Show only the phases of our start, by the bootstrap's own clock; with --http, for its components
    #[arg(long)]
    pub breakdown: bool,

    /// Also count the instructions of a start (needs valgrind)
    #[arg(long)]
    pub instructions: bool,
}

/// The size of a run.
pub struct Effort {
    /// Starts of each bootstrap from the page cache.
    pub starts: usize,
    /// Starts of each bootstrap with its files on the disk: they take longer.
    pub starts_from_disk: usize,
    /// Warm calls of each bootstrap, in each way of waiting.
    pub calls: usize,
}

impl Args {
    /// Returns the counts in the arguments, or those of the default run (60 to 90 seconds) or the quick run
    /// (10 seconds).
    pub fn effort(&self) -> Effort {
        let (starts, calls) = if self.quick {
            (100, 3_000)
        } else {
            (1_000, 30_000)
        };
        let starts = self.starts.unwrap_or(starts).max(1);
        Effort {
            starts,
            starts_from_disk: starts.div_ceil(5),
            calls: self.calls.unwrap_or(calls).max(1),
        }
    }
}

fn name_and_folder(given: &str) -> Result<(String, PathBuf), String> {
    match given.split_once('=') {
        Some((name, folder)) if !name.is_empty() && !folder.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(folder)))
        }
        _ => Err("expected NAME=DIR, as in `before=/tmp/dist-before`".to_owned()),
    }
}

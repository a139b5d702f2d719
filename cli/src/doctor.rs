//! `lambda-wasm doctor`: which tools of the languages are on this machine.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;
use serde::Serialize;

use crate::bootstrap;
use crate::build::{c, go, javascript, python, rust, tool};

/// Show which tools are installed, and how to install the others
///
/// Checks what `build` needs for each language. Nothing is installed or changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm doctor
  lambda-wasm doctor --json")]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One thing that a language needs.
#[derive(Debug, Serialize)]
struct Finding {
    /// The language or purpose.
    area: &'static str,
    /// The tool that it needs.
    what: String,
    /// Its version, if it is there.
    found: Option<String>,
    /// How to get it, if it is not there.
    hint: Option<String>,
}

/// Prints what is there and what is missing.
///
/// # Errors
///
/// Returns an error if the output cannot be written.
pub fn run(args: &Args) -> Result<()> {
    let findings = findings();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
        return Ok(());
    }
    let mut area = "";
    for finding in &findings {
        if finding.area != area {
            area = finding.area;
            println!("{area}");
        }
        match (&finding.found, &finding.hint) {
            (Some(found), _) => println!("  ok       {}: {found}", finding.what),
            (None, hint) => println!(
                "  missing  {}\n           hint: {}",
                finding.what,
                hint.as_deref().unwrap_or_default()
            ),
        }
    }
    Ok(())
}

fn findings() -> Vec<Finding> {
    let has_venv = output("python3", &["-c", "import ensurepip, venv"]).is_some();
    vec![
        Finding {
            area: "host",
            what: "bootstrap".to_owned(),
            found: bootstrap::built_in_names(),
            hint: Some("this tool has none built in: name one with --bootstrap".to_owned()),
        },
        program("Rust", "cargo", rust::CARGO, accept),
        Finding {
            area: "Rust",
            what: format!("the target {}", rust::TARGET),
            found: rust::has_target(None).then(|| "installed".to_owned()),
            hint: Some(rust::add_target()),
        },
        version("Go", "go", &["version"], go::GO, |version| {
            tool::is_at_least(version, &go::OLDEST)
        }),
        Finding {
            area: "C",
            what: "zig".to_owned(),
            found: output("zig", &["version"])
                .or_else(|| has_venv.then(|| "the first build installs it from PyPI".to_owned())),
            hint: Some(c::ZIG.to_owned()),
        },
        program("JavaScript", "node", javascript::NODE, |version| {
            tool::is_at_least(version, &javascript::OLDEST)
        }),
        program("JavaScript", "npm", javascript::NPM, accept),
        program("Python", "python3", python::PYTHON, |version| {
            tool::is_at_least(version, &python::OLDEST)
        }),
        Finding {
            area: "Python",
            what: "the module venv".to_owned(),
            found: has_venv.then(|| "installed".to_owned()),
            hint: Some(python::PYTHON.to_owned()),
        },
        program("deployment", "sam", "pip install aws-sam-cli", accept),
        program(
            "deployment",
            "aws",
            "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
            accept,
        ),
    ]
}

fn program(area: &'static str, name: &str, hint: &str, is_enough: fn(&str) -> bool) -> Finding {
    version(area, name, &["--version"], hint, is_enough)
}

/// Finds a program that prints its version with these arguments.
fn version(
    area: &'static str,
    name: &str,
    arguments: &[&str],
    hint: &str,
    is_enough: fn(&str) -> bool,
) -> Finding {
    let version = output(name, arguments);
    let (found, old) = match version {
        Some(version) if is_enough(&version) => (Some(version), None),
        old => (None, old),
    };
    Finding {
        area,
        what: match old {
            Some(old) => format!("{name} (this is {old})"),
            None => name.to_owned(),
        },
        found,
        hint: Some(hint.to_owned()),
    }
}

fn accept(_version: &str) -> bool {
    true
}

/// The first line that a program prints, or nothing if it is not there or fails.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let path: PathBuf = tool::find(program, "").ok()?;
    let output = Command::new(path)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

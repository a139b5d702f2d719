//! `lambda-wasm build`: the source of a function becomes a directory that Lambda runs.

pub mod c;
pub mod core_module;
pub mod go;
pub mod inputs;
pub mod javascript;
pub mod python;
pub mod rust;
pub mod tool;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use lambda_wasm_emulator::Architecture;

use crate::bootstrap::Bootstrap;
use crate::compile;
use crate::output;
use crate::project::{Language, Project};

/// Build the function of a directory into dist/
///
/// Finds out the language (Cargo.toml, go.mod, package.json, pyproject.toml, app.py, or `command` or the C file
/// `source` under [build] in lambda-wasm.toml), builds the component with the language's own tools, compiles it
/// to machine code, and puts it into dist/ beside its policy and the bootstrap.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm build
  lambda-wasm build orders --arch arm64")]
pub struct Args {
    /// The directory of the project
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// The architecture of the function on Lambda; `both` fills dist/x86_64/ and dist/arm64/ [default: this machine's]
    #[arg(long, value_parser = architectures, value_name = "x86_64|arm64|both")]
    arch: Option<Architectures>,
    /// Accepted for users of Cargo: every build is optimized
    #[arg(long, hide = true)]
    release: bool,
    /// Keep debug information, from which `dev` tells the places of a stack trace in the source
    #[arg(long)]
    debug: bool,
    /// Sign the artifact with this private key of Ed25519, in PKCS#8 and PEM
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// The bootstrap to put into dist/ [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,
    /// Print JSON: the artifact, and whether it is new; an array for both architectures
    #[arg(long)]
    json: bool,
}

/// The architectures to build for.
#[derive(Debug, Clone, Copy)]
enum Architectures {
    One(Architecture),
    Both,
}

fn architectures(name: &str) -> Result<Architectures, String> {
    match name {
        "both" => Ok(Architectures::Both),
        _ => architecture(name).map(Architectures::One),
    }
}

/// Parses an architecture as templates name it.
pub fn architecture(name: &str) -> Result<Architecture, String> {
    match name {
        "x86_64" => Ok(Architecture::X86_64),
        "arm64" | "aarch64" => Ok(Architecture::Arm64),
        _ => Err("Lambda has x86_64 and arm64".to_owned()),
    }
}

/// Builds a project.
///
/// # Errors
///
/// Returns an error if the directory is not a project, if a tool is missing, or if a step fails. `dist/`
/// then has the files of the last build that succeeded.
pub fn run(args: &Args) -> Result<()> {
    let mut project = Project::open(&args.directory)?;
    project.options.debug = args.debug;
    project.options.sign.clone_from(&args.sign);
    let dist = project.directory.join("dist");
    let native = crate::bootstrap::NATIVE.map(Architectures::One);
    let mut reports = Vec::new();
    match args.arch.or(native) {
        Some(Architectures::One(architecture)) => {
            reports.push(build_for(architecture, &dist, &project, args)?);
        }
        Some(Architectures::Both) => {
            for architecture in [Architecture::X86_64, Architecture::Arm64] {
                let dist = dist.join(architecture.sam_name());
                reports.push(build_for(architecture, &dist, &project, args)?);
            }
        }
        None => bail!(
            "Lambda does not have the architecture of this machine\nhint: choose one with --arch"
        ),
    }
    if args.json {
        let report = match &mut *reports {
            [report] => report.take(),
            _ => reports.into(),
        };
        println!("{report:#}");
    }
    Ok(())
}

/// Builds a project for one architecture into a directory, and returns a report, which is printed unless it is to be JSON.
fn build_for(
    architecture: Architecture,
    dist: &Path,
    project: &Project,
    args: &Args,
) -> Result<serde_json::Value> {
    let started = Instant::now();
    let component = component(project)?;
    let artifact = dist.join(format!("{}.cwasm", project.name));
    copy_policy(project, &artifact)?;
    let is_new = compile::update(&component, &project.options, &artifact, architecture)?;
    let bootstrap = copy_bootstrap(args.bootstrap.as_deref(), dist, architecture)?;
    let took = started.elapsed().as_secs_f64();
    let what = if is_new { "built" } else { "is up to date" };
    if !args.json {
        eprintln!(
            "{}: {what} in {took:.1} s (bootstrap: {bootstrap})",
            output::shown(&artifact)
        );
    }
    Ok(serde_json::json!({
        "path": artifact,
        "size": fs::metadata(&artifact)?.len(),
        "new": is_new,
        "seconds": took,
        "bootstrap": bootstrap.to_string(),
    }))
}

/// Builds the component of a project, and returns where it is.
fn component(project: &Project) -> Result<PathBuf> {
    match &project.language {
        Language::Rust => rust::build(project),
        Language::C(source) => unless_built(project, c::COMPILER, || c::build(project, source)),
        Language::Go => unless_built(project, &go::compiler(project)?, || go::build(project)),
        Language::JavaScript(source) => unless_built(project, &javascript::version(), || {
            javascript::build(project, source)
        }),
        Language::Python(source) => unless_built(project, &python::version(), || {
            python::build(project, source)
        }),
        Language::Command { command, component } => {
            tool::run(
                std::process::Command::new("sh")
                    .args(["-c", command])
                    .current_dir(&project.directory),
                command,
            )?;
            if !component.is_file() {
                bail!(
                    "`{command}` did not make {}, which is `component` under [build]",
                    output::shown(component)
                );
            }
            Ok(component.clone())
        }
    }
}

/// Builds a component unless it was built from the same files. Cargo finds that out without this.
fn unless_built(
    project: &Project,
    compiler: &str,
    build: impl FnOnce() -> Result<PathBuf>,
) -> Result<PathBuf> {
    let scratch = project.scratch();
    let component = scratch.join(format!("{}.wasm", project.name));
    let stamp = scratch.join("inputs");
    let inputs = inputs::digest(project, compiler)?;
    if component.is_file() && fs::read_to_string(&stamp).is_ok_and(|there| there == inputs) {
        return Ok(component);
    }
    // A build that fails or is interrupted leaves no stamp.
    let _ = fs::remove_file(&stamp);
    fs::create_dir_all(&scratch)
        .with_context(|| format!("{} cannot be created", scratch.display()))?;
    let component = build()?;
    fs::write(&stamp, inputs).with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok(component)
}

/// Copies the policy of a project, `policy.toml`, to its place beside the artifact.
fn copy_policy(project: &Project, artifact: &Path) -> Result<()> {
    let source = project.directory.join("policy.toml");
    let policy = artifact.with_extension("toml");
    match fs::read(&source) {
        Ok(text) => {
            if fs::read(&policy).is_ok_and(|there| there == text) {
                return Ok(());
            }
            output::replace(&policy, |file| Ok(std::io::Write::write_all(file, &text)?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", source.display())),
    }
}

/// Copies the bootstrap to `dist/`: the named one, or else the built-in one. Without either, the one
/// in `dist/` stays.
fn copy_bootstrap(
    named: Option<&Path>,
    dist: &Path,
    architecture: Architecture,
) -> Result<Bootstrap> {
    let bootstrap = Bootstrap::to_install(named, dist, architecture)?;
    let program = fs::read(bootstrap.path())
        .with_context(|| format!("{} cannot be read", bootstrap.path().display()))?;
    let path = dist.join("bootstrap");
    if !fs::read(&path).is_ok_and(|there| there == program) {
        output::replace_executable(&path, &program)?;
    }
    Ok(bootstrap)
}

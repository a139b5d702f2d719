//! Checks before a deployment that a package can run.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Result, bail};
use lambda_wasm_emulator::{Architecture, Template};
use lambda_wasm_host::artifact::{self, Trailer};
use lambda_wasm_host::cpu;
use lambda_wasm_host::policy::Policy;

use super::files::Packed;

/// Checks the components and policies of a package, and returns what its author should know.
///
/// # Errors
///
/// Returns an error that names the file if Lambda could not run it.
pub(super) fn check(
    folder: &Path,
    files: &[Packed],
    template: Option<&Template>,
) -> Result<Vec<String>> {
    let bootstrap = files.iter().find(|file| file.name == "bootstrap");
    let machine = bootstrap.and_then(|bootstrap| machine(&bootstrap.path));
    let mut warnings = Vec::new();
    for file in files {
        let Some(handler) = file.name.strip_suffix(".cwasm") else {
            continue;
        };
        let path = &file.path;
        let trailer = Trailer::inspect(path)?;
        artifact::verify(path, &trailer)?;
        let target = arch_of(&trailer.target);
        if let (Some(bootstrap), Some(machine)) = (bootstrap, machine)
            && machine != target
        {
            bail!(
                "{} is compiled for {target}, and {} is built for {machine}\nhint: compile the component with --target {machine}-unknown-linux-gnu, or take the bootstrap for {target}",
                path.display(),
                bootstrap.path.display(),
            );
        }
        let policy = Policy::path(path);
        let (instances, may) = (
            trailer.core_instances,
            Policy::read(&policy)?.limits.instances,
        );
        if instances as usize > may {
            bail!(
                "{} has {instances} core instances and may have {may}\nhint: raise `instances` under [limits] in {}",
                path.display(),
                policy.display()
            );
        }
        let more = beyond_baseline(&trailer);
        if !more.is_empty() {
            warnings.push(format!(
                "{} uses CPU features that not every machine of Lambda has ({})\nhint: compile it without --cpu native",
                path.display(),
                more.join(", ")
            ));
        }
        let functions = template
            .into_iter()
            .flat_map(|template| &template.functions);
        for function in functions.filter(|function| function.handler == handler) {
            // Only if the template does not name another directory for the function's code.
            let is_elsewhere = function.code.as_ref().is_some_and(|code| {
                code.canonicalize()
                    .is_ok_and(|code| Some(code) != folder.canonicalize().ok())
            });
            let wants = function.architecture.as_str();
            if !is_elsewhere && wants != target {
                warnings.push(format!(
                    "{} is compiled for {target}, and the template's function {} has the architecture {}\nhint: change its Architectures, or compile the component with --target {wants}-unknown-linux-gnu",
                    path.display(),
                    function.name,
                    function.architecture.sam_name(),
                ));
            }
        }
    }
    Ok(warnings)
}

/// Returns the architecture of the first component of a package.
///
/// # Errors
///
/// Returns an error if there is no component, or if it cannot be read.
pub(super) fn architecture(directory: &Path, files: &[Packed]) -> Result<Architecture> {
    let mut artifacts = files.iter().filter(|file| file.name.ends_with(".cwasm"));
    let Some(artifact) = artifacts.next() else {
        bail!(
            "{} does not contain a compiled component\nhint: write NAME.cwasm there with `lambda-wasm build` or `compile`",
            directory.display()
        );
    };
    match arch_of(&Trailer::inspect(&artifact.path)?.target) {
        "aarch64" => Ok(Architecture::Arm64),
        _ => Ok(Architecture::X86_64),
    }
}

/// The architecture of a target triple.
fn arch_of(target: &str) -> &str {
    target.split('-').next().unwrap_or(target)
}

/// Returns the architecture of an ELF executable, or `None` for another file, such as a script.
fn machine(path: &Path) -> Option<&'static str> {
    let mut header = [0; 20];
    File::open(path).ok()?.read_exact(&mut header).ok()?;
    // `e_machine` of the ELF header.
    match (&header[..4], header[18], header[19]) {
        (b"\x7fELF", 62, 0) => Some("x86_64"),
        (b"\x7fELF", 183, 0) => Some("aarch64"),
        _ => None,
    }
}

fn beyond_baseline(trailer: &Trailer) -> Vec<&str> {
    let baseline = match arch_of(&trailer.target) {
        "aarch64" => cpu::AARCH64_BASELINE,
        _ => cpu::X86_64_BASELINE,
    };
    let features = trailer.cpu.iter().map(String::as_str);
    features.filter(|name| !baseline.contains(name)).collect()
}

//! Checks before a deployment that a package can run.

mod archive;
mod component;
mod start;
mod template;

use std::path::Path;

use anyhow::{Result, bail};
use lambda_wasm_emulator::Architecture;
use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_host::artifact::signature::TrustedKeys;

use super::files::Packed;
use super::{MAX_UNZIPPED, megabytes};
pub(super) use archive::check as archive;
pub(super) use start::refuse_below;
pub(super) use template::check as against;

/// The problems that a package would have on Lambda: causes and hints.
#[derive(Debug, Default)]
pub struct Findings {
    /// Lambda cannot run the package.
    pub faults: Vec<String>,
    /// The package does not fit the template.
    pub of_template: Vec<String>,
    /// It may go wrong on some machines.
    pub warnings: Vec<String>,
}

/// Checks the files of a package.
///
/// `as_it_is` says that the files are deployed with the permissions that they have. `package` corrects
/// them. With `trust`, one of its keys has to have signed each artifact.
pub(super) fn check(
    directory: &Path,
    files: &[Packed],
    trust: Option<&TrustedKeys>,
    as_it_is: bool,
) -> Findings {
    let mut findings = Findings::default();
    let bootstrap = start::bootstrap(directory, files, &mut findings.faults);
    if as_it_is {
        start::permissions(directory, files, &mut findings.faults);
    }
    for file in files {
        if file.name.ends_with(".cwasm") {
            component::check(file, bootstrap.as_ref(), &mut findings);
            if let Some(Err(error)) = trust.map(|keys| keys.open(&file.path)) {
                findings.faults.push(error.to_string());
            }
        }
    }
    let size: u64 = files.iter().map(|file| file.size).sum();
    if size > MAX_UNZIPPED {
        let largest = files.iter().max_by_key(|file| file.size);
        let largest = largest.map(|file| file.path.display().to_string());
        findings.faults.push(format!(
            "{} has {} of files, and Lambda takes at most {}: the largest is {}",
            directory.display(),
            megabytes(size),
            megabytes(MAX_UNZIPPED),
            largest.unwrap_or_default()
        ));
    }
    findings
}

/// Fails with these faults, if there are any.
///
/// # Errors
///
/// Returns an error with all of them.
pub(super) fn refuse(faults: Vec<String>) -> Result<()> {
    match faults.is_empty() {
        true => Ok(()),
        false => bail!("{}", faults.join("\nerror: ")),
    }
}

/// Returns the architecture of the first component of a package.
///
/// # Errors
///
/// Returns an error if there is no component, or if it cannot be read.
pub(super) fn architecture(directory: &Path, files: &[Packed]) -> Result<Architecture> {
    let mut artifacts = files.iter().filter(|file| file.name.ends_with(".cwasm"));
    // A Handler has no path.
    let Some(artifact) = artifacts.clone().find(|file| !file.name.contains('/')) else {
        if let Some(below) = artifacts.next() {
            bail!(
                "{} is in a directory, and a Handler is a component beside `bootstrap`\nhint: move it up to {}",
                below.path.display(),
                directory.display()
            );
        }
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

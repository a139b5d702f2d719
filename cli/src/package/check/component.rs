//! Checks a component and its policy.

use anyhow::Result;
use lambda_wasm_host::artifact::{self, Trailer, WASMTIME};
use lambda_wasm_host::cpu;
use lambda_wasm_host::policy::Policy;
use lambda_wasm_host::variant::need_for_full;

use super::super::files::Packed;
use super::start::Bootstrap;
use super::{Findings, arch_of};

/// Checks one component of a package.
pub(super) fn check(file: &Packed, bootstrap: Option<&Bootstrap>, findings: &mut Findings) {
    if let Err(error) = faults(file, bootstrap, findings) {
        findings.faults.push(format!("{error:#}"));
    }
}

fn faults(file: &Packed, bootstrap: Option<&Bootstrap>, findings: &mut Findings) -> Result<()> {
    let path = file.path.display();
    let trailer = Trailer::inspect(&file.path)?;
    artifact::verify(&file.path, &trailer)?;
    let target = arch_of(&trailer.target);
    if let Some(bootstrap) = bootstrap
        && let Some(machine) = bootstrap.machine
        && machine != target
    {
        findings.faults.push(format!(
            "{path} is compiled for {target}, and {} is built for {machine}\nhint: compile the component with --target {machine}-unknown-linux-gnu, or take the bootstrap for {target}",
            bootstrap.path.display(),
        ));
    }
    let (version, of) = match bootstrap.and_then(|bootstrap| bootstrap.wasmtime.as_deref()) {
        Some(version) => (version, "bootstrap"),
        None => (WASMTIME, "this lambda-wasm"),
    };
    if trailer.wasmtime != version {
        findings.faults.push(format!(
            "{path} is compiled by wasmtime {}, and {of} has wasmtime {version}\nhint: compile the component with the lambda-wasm that bootstrap is from",
            trailer.wasmtime
        ));
    }
    let more = beyond_baseline(&trailer);
    if !more.is_empty() {
        findings.warnings.push(format!(
            "{path} uses CPU features that not every machine of Lambda has ({})\nhint: compile it without --cpu native",
            more.join(", ")
        ));
    }
    let policy_path = Policy::path(&file.path);
    let policy = Policy::read(&policy_path)?;
    let (instances, may) = (trailer.core_instances, policy.limits.instances);
    if instances as usize > may {
        findings.faults.push(format!(
            "{path} has {instances} core instances and may have {may}\nhint: raise `instances` under [limits] in {}",
            policy_path.display()
        ));
    }
    if let Some(bootstrap) = bootstrap.filter(|bootstrap| bootstrap.is_small)
        && let Some(need) = need_for_full(&trailer, &policy)
    {
        findings.faults.push(format!(
            "{path} needs the full bootstrap ({need}), and {} is the small one\nhint: remove that file, and `lambda-wasm package` chooses the bootstrap",
            bootstrap.path.display()
        ));
    }
    Ok(())
}

fn beyond_baseline(trailer: &Trailer) -> Vec<&str> {
    let baseline = match arch_of(&trailer.target) {
        "aarch64" => cpu::AARCH64_BASELINE,
        _ => cpu::X86_64_BASELINE,
    };
    let features = trailer.cpu.iter().map(String::as_str);
    features.filter(|name| !baseline.contains(name)).collect()
}

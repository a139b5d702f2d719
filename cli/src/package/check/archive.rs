//! Checks a zip that any tool made.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use lambda_wasm_emulator::Template;
use lambda_wasm_host::artifact::signature::TrustedKeys;
use zip::ZipArchive;

use super::super::files::Packed;
use super::super::{MAX_UNZIPPED, megabytes};
use super::Findings;

/// Unpacks a zip into a temporary directory, and checks it as it is.
///
/// # Errors
///
/// Returns an error if the file is not a zip, or cannot be unpacked.
pub fn check(
    path: &Path,
    is_layered: bool,
    template: Option<&Template>,
    trust: Option<&TrustedKeys>,
) -> Result<Findings> {
    let shown = path.display().to_string();
    let directory = tempfile::tempdir()?;
    let temporary = directory.path().display().to_string();
    let files = unpack(path, directory.path()).with_context(|| shown.clone())?;
    let mut findings = super::check(directory.path(), &files, trust, true);
    if let Some(template) = template {
        findings.of_template = super::against(path, &files, template);
    }
    let has = |name: &str| files.iter().any(|file| file.name.ends_with(name));
    if !is_layered && !has("bootstrap") {
        findings.faults.push(format!(
            "{shown} does not contain a bootstrap\nhint: package the function with `lambda-wasm package`, or check it with --layer if a layer has the bootstrap"
        ));
    }
    if let Err(error) = super::architecture(directory.path(), &files) {
        findings.faults.push(error.to_string());
    }
    let lists = [
        &mut findings.faults,
        &mut findings.of_template,
        &mut findings.warnings,
    ];
    for text in lists.into_iter().flatten() {
        *text = text.replace(&temporary, &shown);
    }
    Ok(findings)
}

fn unpack(path: &Path, into: &Path) -> Result<Vec<Packed>> {
    let mut zip = ZipArchive::new(File::open(path)?).context("it is not a zip")?;
    let mut size = 0;
    for index in 0..zip.len() {
        size += zip.by_index_raw(index)?.size();
    }
    if size > MAX_UNZIPPED {
        bail!(
            "it has {} of files, and Lambda takes at most {}",
            megabytes(size),
            megabytes(MAX_UNZIPPED)
        );
    }
    let mut files = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index)?;
        if entry.is_dir() {
            continue;
        }
        let Some(name) = entry.enclosed_name() else {
            bail!("{:?} leads out of the zip", entry.name());
        };
        let path = into.join(&name);
        fs::create_dir_all(path.parent().unwrap_or(into))?;
        // No more than it claims, which is within the limit.
        let mut content = std::io::Read::take(&mut entry, size);
        std::io::copy(&mut content, &mut File::create(&path)?)?;
        files.push(Packed {
            name: name.to_string_lossy().into_owned(),
            size: entry.size(),
            // Without permissions in the zip, Lambda gives none to others.
            permissions: entry.unix_mode().unwrap_or(0) & 0o777,
            path,
        });
    }
    Ok(files)
}

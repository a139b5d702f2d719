//! `lambda-wasm package`: zips a directory for Lambda.

mod check;
mod files;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Cursor, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_emulator::{Architecture, Template};
use lambda_wasm_host::artifact;
use lambda_wasm_host::artifact::signature::{TRUST, TrustedKeys};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::bootstrap::Bootstrap;
use crate::{build, output};
use check::Findings;
use files::Packed;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm package
  lambda-wasm package dist -o function.zip --json
  lambda-wasm package --check")]
pub struct Args {
    /// The directory with the functions' artifacts; or a zip, with --check
    #[arg(default_value = "dist", value_name = "DIRECTORY")]
    path: PathBuf,
    /// The zip to write
    #[arg(short, long, value_name = "FILE", default_value = "function.zip")]
    output: PathBuf,
    /// The bootstrap to pack [default: the directory's, or else the built-in one]
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,
    /// Zip the build for this architecture; after `build --arch both`, DIRECTORY/x86_64 or DIRECTORY/arm64
    #[arg(long, value_parser = build::architecture, value_name = "x86_64|arm64")]
    arch: Option<Architecture>,
    /// Leave the bootstrap out, for functions that have it from a layer
    #[arg(long, conflicts_with = "bootstrap")]
    layer: bool,
    /// Check the directory or the zip, and write nothing
    #[arg(long)]
    check: bool,
    /// Refuse artifacts that are not signed by one of the public keys in this file, in PEM
    #[arg(long, value_name = "FILE", env = TRUST)]
    trust: Option<PathBuf>,
    /// Print JSON: the path, size and hash of the zip, and its files
    #[arg(long)]
    json: bool,
    /// Compare the components with the functions in this SAM template [default: template.yaml, .yml or .json, if it exists]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
}

impl Args {
    /// The directory of the architecture, if it has one of its own.
    fn path(&self) -> Cow<'_, Path> {
        let of_architecture = self.arch.map(|arch| self.path.join(arch.sam_name()));
        match of_architecture.filter(|path| path.is_dir()) {
            Some(path) => Cow::Owned(path),
            None => Cow::Borrowed(&self.path),
        }
    }

    fn check_architecture(&self, contents: &Contents) -> Result<()> {
        let Some(wanted) = self.arch.filter(|arch| *arch != contents.architecture) else {
            return Ok(());
        };
        bail!(
            "the components in {} are for {}, not for {}\nhint: build them first, with `lambda-wasm build --arch {}`",
            contents.directory.display(),
            contents.architecture.sam_name(),
            wanted.sam_name(),
            wanted.sam_name()
        )
    }
}

/// Lambda's limits for a deployment package, in bytes: "Lambda quotas" in
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub const MAX_UNZIPPED: u64 = 250 * 1024 * 1024;
pub const MAX_DIRECT_UPLOAD: u64 = 50 * 1024 * 1024;

/// Zips the files of a directory.
///
/// The same files give the same zip: names are sorted, times are left out, and permissions are set
/// for Lambda.
///
/// # Errors
///
/// Returns an error if Lambda could not run what is in the directory, or a file cannot be read or
/// written. The zip of an earlier run then stays as it is.
pub fn run(args: &Args) -> Result<()> {
    let template = match &args.template {
        Some(path) => Some(Template::read(path)?),
        // A default template that cannot be read is not an error of this command.
        None => Template::find().and_then(|path| Template::read(&path).ok()),
    };
    let trust = args.trust.as_deref().map(TrustedKeys::read).transpose();
    let trust = trust.map_err(|why| anyhow!(why))?;
    let trust = trust.as_ref();
    if args.check {
        return report_check(args, template.as_ref(), trust);
    }
    let path = args.path();
    if path.is_file() {
        bail!(
            "{} is a file\nhint: name the directory to zip, or check a zip with --check",
            path.display()
        );
    }
    // The zip of an earlier run may lie in the directory. It does not belong to the function.
    let except = Some(args.output.as_path());
    let contents = Contents::collect(&path, except, args.bootstrap.as_deref(), args.layer)?;
    args.check_architecture(&contents)?;
    let findings = contents.check(template.as_ref(), trust)?;
    for warning in findings.warnings.iter().chain(&findings.of_template) {
        eprintln!("warning: {warning}");
    }
    let zip = contents.zip()?;
    output::replace(&args.output, |file| Ok(file.write_all(&zip)?))?;
    let size = zip.len() as u64;
    if size > MAX_DIRECT_UPLOAD {
        eprintln!(
            "warning: {} has {}, and Lambda takes at most {} in a direct upload: deploy it from S3, as `sam deploy` does",
            args.output.display(),
            megabytes(size),
            megabytes(MAX_DIRECT_UPLOAD)
        );
    }
    if args.json {
        let report = report(&args.output, &contents.files, &zip)?;
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}

/// Checks a directory or a zip as it is, and prints everything that would fail.
fn report_check(
    args: &Args,
    template: Option<&Template>,
    trust: Option<&TrustedKeys>,
) -> Result<()> {
    let path = args.path();
    let findings = if path.is_file() {
        check::archive(&path, args.layer, template, trust)?
    } else {
        let except = Some(args.output.as_path());
        let contents = Contents::collect(&path, except, args.bootstrap.as_deref(), args.layer)?;
        args.check_architecture(&contents)?;
        contents.findings(template, trust, true)
    };
    let Findings {
        faults,
        of_template,
        warnings,
    } = findings;
    let faults: Vec<_> = faults.into_iter().chain(of_template).collect();
    if args.json {
        let report = serde_json::json!({ "faults": faults, "warnings": warnings });
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    check::refuse(faults)
}

/// The files of a package.
pub struct Contents {
    directory: PathBuf,
    files: Vec<Packed>,
    /// The architecture of its first component.
    pub architecture: Architecture,
}

impl Contents {
    /// Collects the files of a directory except one, with a bootstrap unless it comes from a layer.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no component or no bootstrap, or a file cannot be read.
    pub fn collect(
        directory: &Path,
        except: Option<&Path>,
        bootstrap: Option<&Path>,
        is_layered: bool,
    ) -> Result<Self> {
        if !directory.is_dir() {
            bail!(
                "{} is not a directory\nhint: build the function first, with `lambda-wasm build`",
                directory.display()
            );
        }
        let mut files = files::collect(directory, except)?;
        let architecture = check::architecture(directory, &files)?;
        let has_bootstrap = files.iter().any(|file| file.name == "bootstrap");
        if is_layered || bootstrap.is_some() {
            files.retain(|file| file.name != "bootstrap");
        }
        if !has_bootstrap && bootstrap.is_none() {
            check::refuse_below(directory, &files)?;
        }
        if !is_layered && (bootstrap.is_some() || !has_bootstrap) {
            let found = Bootstrap::to_package(bootstrap, directory, architecture)?;
            files.push(Packed::program("bootstrap", found.path())?);
            files.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(Self {
            directory: directory.to_owned(),
            files,
            architecture,
        })
    }

    /// The handlers that a function can have: the names of the artifacts.
    pub fn handlers(&self) -> Vec<&str> {
        let names = self.files.iter().map(|file| file.name.as_str());
        names
            .filter_map(|name| name.strip_suffix(".cwasm"))
            .filter(|name| !name.contains('/'))
            .collect()
    }

    /// Checks that Lambda can run the package, and returns what its author should know.
    ///
    /// # Errors
    ///
    /// Returns an error that names the files if Lambda could not run them.
    pub fn check(
        &self,
        template: Option<&Template>,
        trust: Option<&TrustedKeys>,
    ) -> Result<Findings> {
        let mut findings = self.findings(template, trust, false);
        check::refuse(std::mem::take(&mut findings.faults))?;
        Ok(findings)
    }

    fn findings(
        &self,
        template: Option<&Template>,
        trust: Option<&TrustedKeys>,
        as_it_is: bool,
    ) -> Findings {
        let mut findings = check::check(&self.directory, &self.files, trust, as_it_is);
        if let Some(template) = template {
            findings.of_template = check::against(&self.directory, &self.files, template);
        }
        findings
    }

    /// Returns the zip.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read.
    pub fn zip(&self) -> Result<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for file in &self.files {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(9))
                .unix_permissions(file.mode());
            let unreadable = || format!("{} cannot be read", file.path.display());
            let mut source = File::open(&file.path).with_context(unreadable)?;
            zip.start_file(&file.name, options)?;
            io::copy(&mut source, &mut zip).with_context(|| file.path.display().to_string())?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

/// Returns the JSON that `--json` prints.
fn report(path: &Path, files: &[Packed], zip: &[u8]) -> Result<serde_json::Value> {
    let files: Vec<_> = files
        .iter()
        .map(|file| serde_json::json!({ "name": file.name, "size": file.size }))
        .collect();
    Ok(serde_json::json!({
        "path": path.canonicalize()?,
        "size": zip.len(),
        "sha256": artifact::sha256(zip),
        // As Lambda's `CodeSha256` has it.
        "codeSha256": STANDARD.encode(Sha256::digest(zip)),
        "files": files,
    }))
}

/// Returns a size in Lambda's megabytes, rounded up so that a size over the limit never looks like the limit.
pub fn megabytes(bytes: u64) -> String {
    let tenths = (bytes * 10).div_ceil(1024 * 1024);
    match tenths % 10 {
        0 => format!("{} MB", tenths / 10),
        rest => format!("{}.{rest} MB", tenths / 10),
    }
}

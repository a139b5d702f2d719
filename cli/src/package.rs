//! `lambda-wasm package`: zips a directory for Lambda.

mod check;
mod files;

use std::fs::File;
use std::io;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_emulator::Template;
use lambda_wasm_host::artifact;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::bootstrap::Bootstrap;
use crate::output;
use files::Packed;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm package
  lambda-wasm package dist -o function.zip --json
  lambda-wasm package --check")]
pub struct Args {
    /// The directory with the functions' artifacts
    #[arg(default_value = "dist")]
    directory: PathBuf,
    /// The zip to write
    #[arg(short, long, value_name = "FILE", default_value = "function.zip")]
    output: PathBuf,
    /// The bootstrap to pack [default: the directory's, or else the built-in one]
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,
    /// Leave the bootstrap out, for functions that have it from a layer
    #[arg(long, conflicts_with = "bootstrap")]
    layer: bool,
    /// Check the directory, and write nothing
    #[arg(long)]
    check: bool,
    /// Print JSON: the path, size and hash of the zip, and its files
    #[arg(long)]
    json: bool,
    /// Compare the components with the architectures in this SAM template [default: template.yaml, .yml or .json, if it exists]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
}

/// Lambda's limits for a deployment package, in bytes: "Lambda quotas" in
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const MAX_UNZIPPED: u64 = 250 * 1024 * 1024;
const MAX_DIRECT_UPLOAD: u64 = 50 * 1024 * 1024;

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
    let directory = args.directory.display();
    if !args.directory.is_dir() {
        bail!(
            "{directory} is not a directory\nhint: build the function first, with `lambda-wasm build`"
        );
    }
    // The zip of an earlier run may lie in the directory. It does not belong to the function.
    let mut files = files::collect(&args.directory, &args.output)?;
    let template = match &args.template {
        Some(path) => Some(Template::read(path)?),
        // A default template that cannot be read is not an error of this command.
        None => Template::find().and_then(|path| Template::read(&path).ok()),
    };
    let architecture = check::architecture(&args.directory, &files)?;
    let has_bootstrap = files.iter().any(|file| file.name == "bootstrap");
    if args.layer || args.bootstrap.is_some() {
        files.retain(|file| file.name != "bootstrap");
    }
    if !args.layer && (args.bootstrap.is_some() || !has_bootstrap) {
        let named = args.bootstrap.as_deref();
        let bootstrap = Bootstrap::find(named, &args.directory, Some(architecture))?;
        files.push(Packed::program("bootstrap", bootstrap.path())?);
        files.sort_by(|a, b| a.name.cmp(&b.name));
    }
    for warning in check::check(&args.directory, &files, template.as_ref())? {
        eprintln!("warning: {warning}");
    }
    let size: u64 = files.iter().map(|file| file.size).sum();
    if size > MAX_UNZIPPED {
        let largest = files.iter().max_by_key(|file| file.size);
        let largest = largest.map(|file| file.path.display().to_string());
        bail!(
            "{directory} has {} of files, and Lambda takes at most {}: the largest is {}",
            megabytes(size),
            megabytes(MAX_UNZIPPED),
            largest.unwrap_or_default()
        );
    }
    if args.check {
        return Ok(());
    }
    output::replace(&args.output, |zip| write(&files, zip))?;
    let size = args.output.metadata()?.len();
    if size > MAX_DIRECT_UPLOAD {
        eprintln!(
            "warning: {} has {}, and Lambda takes at most {} in a direct upload: deploy it from S3, as `sam deploy` does",
            args.output.display(),
            megabytes(size),
            megabytes(MAX_DIRECT_UPLOAD)
        );
    }
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&report(args, &files, size)?)?
        );
    }
    Ok(())
}

/// Returns the JSON that `--json` prints.
fn report(args: &Args, files: &[Packed], size: u64) -> Result<serde_json::Value> {
    let bytes = std::fs::read(&args.output)?;
    let files: Vec<_> = files
        .iter()
        .map(|file| serde_json::json!({ "name": file.name, "size": file.size }))
        .collect();
    Ok(serde_json::json!({
        "path": args.output.canonicalize()?,
        "size": size,
        "sha256": artifact::sha256(&bytes),
        // As Lambda's `CodeSha256` has it.
        "codeSha256": STANDARD.encode(Sha256::digest(&bytes)),
        "files": files,
    }))
}

fn write(files: &[Packed], zip: &mut File) -> Result<()> {
    let mut zip = ZipWriter::new(zip);
    for file in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .unix_permissions(file.mode());
        let unreadable = || format!("{} cannot be read", file.path.display());
        let mut source = File::open(&file.path).with_context(unreadable)?;
        zip.start_file(&file.name, options)?;
        io::copy(&mut source, &mut zip).with_context(|| file.path.display().to_string())?;
    }
    zip.finish()?;
    Ok(())
}

/// Returns a size in Lambda's megabytes, rounded up so that a size over the limit never looks like the limit.
fn megabytes(bytes: u64) -> String {
    let tenths = (bytes * 10).div_ceil(1024 * 1024);
    match tenths % 10 {
        0 => format!("{} MB", tenths / 10),
        rest => format!("{}.{rest} MB", tenths / 10),
    }
}

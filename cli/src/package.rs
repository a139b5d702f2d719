//! `lambda-wasm package`: zips a directory for Lambda.

mod check;
mod files;

use std::fs::File;
use std::io;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use lambda_wasm_emulator::Template;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::output;
use files::Packed;

#[derive(clap::Args)]
pub struct Args {
    /// The directory with `bootstrap` and the functions' components
    folder: PathBuf,
    /// Write the zip to this file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
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
    let folder = args.folder.display();
    if !args.folder.join("bootstrap").is_file() {
        bail!("{folder} does not contain `bootstrap`, which Lambda starts");
    }
    // The zip of an earlier run may be in the directory. It does not belong to the function.
    let files = files::collect(&args.folder, &args.output)?;
    let size: u64 = files.iter().map(|file| file.size).sum();
    if size > MAX_UNZIPPED {
        let largest = files.iter().max_by_key(|file| file.size);
        let largest = largest.map(|file| file.path.display().to_string());
        bail!(
            "{folder} has {} of files, and Lambda takes at most {}: the largest is {}",
            megabytes(size),
            megabytes(MAX_UNZIPPED),
            largest.unwrap_or_default()
        );
    }
    let template = match &args.template {
        Some(path) => Some(Template::read(path)?),
        // A default template that cannot be read is not an error of this command.
        None => Template::find().and_then(|path| Template::read(&path).ok()),
    };
    for warning in check::check(&args.folder, &files, template.as_ref())? {
        eprintln!("warning: {warning}");
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
    Ok(())
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

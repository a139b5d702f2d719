//! `lambda-wasm package`: a folder becomes the zip that Lambda takes.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[derive(clap::Args)]
pub struct Args {
    /// The folder, which has `bootstrap` and the functions' components in it
    folder: PathBuf,
    /// Where the zip goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Zips the files of a folder. The same files give the same zip: names are sorted, and times are left out.
///
/// # Errors
///
/// If there is no `bootstrap` in the folder, or a file cannot be read or written.
pub fn run(args: &Args) -> Result<()> {
    let folder = args.folder.display();
    if !args.folder.join("bootstrap").is_file() {
        bail!("{folder} has no file `bootstrap` in it, which is what Lambda starts");
    }
    let mut files: Vec<PathBuf> = Vec::new();
    collect(&args.folder, &mut files).with_context(|| format!("{folder} cannot be read"))?;
    // A zip of an earlier run that lies in the folder is no part of the function.
    if let Ok(output) = args.output.canonicalize() {
        files.retain(|file| file.canonicalize().ok().as_ref() != Some(&output));
    }
    files.sort();
    let write = || -> Result<()> {
        let mut zip = ZipWriter::new(File::create(&args.output)?);
        for file in &files {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(9))
                .unix_permissions(fs::metadata(file)?.permissions().mode() & 0o777);
            let name = file
                .strip_prefix(&args.folder)
                .unwrap_or(file)
                .to_string_lossy();
            zip.start_file(name, options)?;
            io::copy(&mut File::open(file)?, &mut zip)?;
        }
        zip.finish()?;
        Ok(())
    };
    write().with_context(|| format!("{} cannot be written", args.output.display()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?
        } else {
            files.push(path)
        }
    }
    Ok(())
}

//! One bootstrap that is measured, and the files that would be deployed.

use std::{
    env,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use flate2::{Compression, write::DeflateEncoder};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use tempfile::TempDir;

use crate::built;

/// The function that every bootstrap runs.
pub const HANDLER: &str = "hello";
/// The function's artifact, and its policy.
pub const FUNCTION: &str = "hello.cwasm";
const POLICY: &str = "hello.toml";

/// A bootstrap and the directory that it finds its function in.
pub struct Subject {
    /// Its column in the report.
    pub name: String,
    /// The executable, in the task root.
    pub bootstrap: PathBuf,
    /// `LAMBDA_TASK_ROOT`: a fresh copy, since how a file lies in the page cache depends on when and how it was written, and
    /// is a tenth of a start.
    task_root: TempDir,
    /// The function's own variables.
    variables: Vec<(String, String)>,
}

/// Bytes on disk and in the zip that is uploaded.
pub struct Size {
    pub raw: u64,
    pub zipped: u64,
}

impl Subject {
    /// Returns the `bootstrap` in `folder`, or an error that names the missing file.
    pub fn in_folder(name: &str, folder: &Path) -> anyhow::Result<Self> {
        let function = folder.join(FUNCTION);
        Self::new(name, &folder.join("bootstrap"), &function)
    }

    /// Builds a program of a package in `bench/peers/`, which needs no artifact.
    pub fn peer(name: &str, package: &str, program: &str) -> anyhow::Result<Self> {
        let bootstrap = built::peer(package)?.join(program);
        Self::new(name, &bootstrap, Path::new(""))
    }

    /// `bootstrap` in a task root of its own, with `function` if there is such a file.
    pub fn new(name: &str, bootstrap: &Path, function: &Path) -> anyhow::Result<Self> {
        ensure!(
            bootstrap.is_file(),
            "{name}: the bootstrap {} does not exist",
            bootstrap.display()
        );
        let beside = env::current_exe()?;
        let task_root = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(beside.parent().unwrap_or(Path::new(".")))?;
        let copy = |file: &Path, name: &str| -> anyhow::Result<PathBuf> {
            let to = task_root.path().join(name);
            fs::copy(file, &to).with_context(|| format!("copying {}", file.display()))?;
            Ok(to)
        };
        if function.is_file() {
            copy(function, FUNCTION)?;
        }
        Ok(Self {
            name: name.to_owned(),
            bootstrap: copy(bootstrap, "bootstrap")?,
            task_root,
            variables: Vec::new(),
        })
    }

    /// Gives the function a policy.
    pub fn give_policy(&self, policy: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.task_root.path().join(POLICY), policy)?)
    }

    /// Gives the function another variable.
    pub fn give_variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Starts it, with the environment that Lambda gives a runtime, but for the
    /// Runtime API's address.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.bootstrap);
        self.give_environment(&mut command);
        command
    }

    /// Starts it by another program, which is `tool`'s first word.
    pub fn command_under(&self, tool: &[&str]) -> Command {
        let mut words = tool.iter();
        let mut command = Command::new(words.next().unwrap_or(&"env"));
        command.args(words).arg(&self.bootstrap);
        self.give_environment(&mut command);
        command
    }

    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
    fn give_environment(&self, command: &mut Command) {
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("LAMBDA_TASK_ROOT", self.task_root.path())
            .envs([
                ("_HANDLER", HANDLER),
                ("AWS_DEFAULT_REGION", "us-east-1"),
                ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_FUNCTION_NAME", "hello"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/hello"),
                (
                    "AWS_LAMBDA_LOG_STREAM_NAME",
                    "2026/01/01/[$LATEST]0123456789abcdef",
                ),
                ("AWS_REGION", "us-east-1"),
                ("LANG", "en_US.UTF-8"),
                ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
                ("TZ", ":UTC"),
            ]);
    }

    /// The directory of the deployed files.
    pub fn folder(&self) -> &Path {
        self.task_root.path()
    }

    /// Takes the deployed files out of the page cache, so that the next start reads them from the disk.
    pub fn leave_page_cache(&self) -> anyhow::Result<()> {
        for path in self.files() {
            let file = File::open(&path)?;
            // What has not been written yet would stay.
            file.sync_all()?;
            posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        }
        Ok(())
    }

    /// The size of the deployed files.
    pub fn size(&self) -> anyhow::Result<Size> {
        let mut size = Size { raw: 0, zipped: 0 };
        for file in self.files() {
            let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            size.raw += bytes.len() as u64;
            size.zipped += deflated(&bytes)?;
        }
        Ok(size)
    }

    /// The size of the function's artifact, if it is a file of its own: what is deployed beside a layer.
    pub fn artifact_size(&self) -> anyhow::Result<Option<Size>> {
        let artifact = self.task_root.path().join(FUNCTION);
        if !artifact.is_file() {
            return Ok(None);
        }
        let bytes = fs::read(artifact)?;
        Ok(Some(Size {
            raw: bytes.len() as u64,
            zipped: deflated(&bytes)?,
        }))
    }

    /// The deployed files: the bootstrap, and the function where it is a file of its own.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.bootstrap.clone()];
        files.extend(Some(self.task_root.path().join(FUNCTION)).filter(|file| file.is_file()));
        files
    }
}

/// The length that `zip -9` would store, but for its headers.
fn deflated(bytes: &[u8]) -> anyhow::Result<u64> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len() as u64)
}

//! Runs the tools of languages.

use std::fs::{self, File};
use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::bootstrap::cache_directory;
use crate::interrupt::{self, Begun, Unfinished};
use crate::progress::Step;

/// Runs a command whose output is for the user. Its standard output goes to standard error.
///
/// # Errors
///
/// Returns an error that names the command if it cannot be started, or fails.
pub fn run(command: &mut Command, name: &str) -> Result<()> {
    command.stdout(std::io::stderr()).stdin(Stdio::null());
    let (mut child, _unfinished) = start(command, name)?;
    failed_unless_success(child.wait()?, name)
}

/// Runs a command that says little and takes long. On a terminal, shows that it runs.
///
/// # Errors
///
/// As [`run`].
pub fn run_quiet(command: &mut Command, name: &str) -> Result<()> {
    let step = Step::begin(name);
    if !step.is_shown() {
        return run(command, name);
    }
    let (output, write) = std::io::pipe()?;
    command.stdin(Stdio::null());
    command.stdout(write.try_clone()?).stderr(write);
    let (mut child, _unfinished) = start(command, name)?;
    // The command has the ends of the pipe, and the reader waits for all of them.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let printed = step.print_above(output);
    let status = child.wait()?;
    let _ = printed.join();
    drop(step);
    failed_unless_success(status, name)
}

/// Runs a command whose standard error is for the user, and returns its standard output.
///
/// # Errors
///
/// As [`run`].
pub fn output(command: &mut Command, name: &str) -> Result<Vec<u8>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let (child, _unfinished) = start(command, name)?;
    let output = child.wait_with_output()?;
    failed_unless_success(output.status, name)?;
    Ok(output.stdout)
}

/// Starts a command, which ends with this program.
///
/// On a terminal, Ctrl-C reaches the command and all that it has started, and it can ask for a password there.
/// Elsewhere they are a group of processes, so that they can be ended together.
fn start(command: &mut Command, name: &str) -> Result<(Child, Unfinished)> {
    let is_on_terminal = std::io::stderr().is_terminal();
    if !is_on_terminal {
        command.process_group(0);
    }
    let begun = |child: &Child| match is_on_terminal {
        true => Begun::process(child.id()),
        false => Begun::group(child.id()),
    };
    interrupt::begin(|| command.spawn(), begun)
        .map_err(|error| anyhow!("`{name}` cannot be started: {error}"))
}

fn failed_unless_success(status: ExitStatus, name: &str) -> Result<()> {
    if !status.success() {
        bail!("`{name}` failed ({status}); its output is above");
    }
    Ok(())
}

/// Finds a program on `PATH`.
///
/// # Errors
///
/// Returns an error with a hint if it is not there.
pub fn find(program: &str, hint: &str) -> Result<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
        .ok_or_else(|| anyhow!("`{program}` is not installed\nhint: {hint}"))
}

/// Installs something into a directory of this user's cache, unless it is there, and returns the directory.
/// A process that wants the same waits for it. An installation that fails or is interrupted is repeated, and so is one
/// whose directory was moved, since its programs name it, or has lost the file `needed`.
///
/// # Errors
///
/// Returns an error if the directory cannot be written, or if `install` fails.
pub fn install_once(
    name: &str,
    what: &str,
    needed: &Path,
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    install_once_in(&cache_directory()?, name, what, needed, install)
}

fn install_once_in(
    cache: &Path,
    name: &str,
    what: &str,
    needed: &Path,
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let directory = cache.join(name);
    let complete = directory.join("complete");
    let place = directory.as_os_str().as_bytes();
    let is_complete = || {
        fs::read(&complete).is_ok_and(|installed| installed == place)
            && directory.join(needed).exists()
    };
    if is_complete() {
        return Ok(directory);
    }
    fs::create_dir_all(cache).with_context(|| format!("{} cannot be created", cache.display()))?;
    let path = cache.join(format!("{name}.lock"));
    let lock = File::create(&path).and_then(|lock| lock.lock().map(|()| lock));
    let _lock = lock.with_context(|| format!("{} cannot be locked", path.display()))?;
    if is_complete() {
        return Ok(directory);
    }
    eprintln!("installing {what} into {} (once)", directory.display());
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory)
        .with_context(|| format!("{} cannot be created", directory.display()))?;
    install(&directory)?;
    fs::write(&complete, place)
        .with_context(|| format!("{} cannot be written", complete.display()))?;
    Ok(directory)
}

/// Checks the version that a program prints.
///
/// # Errors
///
/// Returns an error with a hint if the program fails or is too old.
pub fn require(program: &Path, least: &[u32], hint: &str) -> Result<()> {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let version = output(
        Command::new(program).arg("--version"),
        &format!("{name} --version"),
    )?;
    let version = String::from_utf8_lossy(&version);
    if !is_at_least(&version, least) {
        bail!("{name} is too old: {}\nhint: {hint}", version.trim());
    }
    Ok(())
}

/// Whether the first number of a text, such as `Python 3.11.2` or `v20.1.0`, is a version that is new enough.
pub fn is_at_least(version: &str, least: &[u32]) -> bool {
    let start = version.find(|digit: char| digit.is_ascii_digit());
    let numbers = version[start.unwrap_or(version.len())..]
        .split(|end: char| !end.is_ascii_digit())
        .map_while(|part| part.parse::<u32>().ok());
    numbers.collect::<Vec<_>>().as_slice() >= least
}

#[cfg(test)]
mod tests {
    use anyhow::ensure;

    use super::*;

    #[test]
    fn an_installation_is_repeated_where_it_failed_was_moved_or_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        let install = |cache: &Path, fails: bool| {
            let mut installed = false;
            let needed = Path::new("program");
            let directory = install_once_in(cache, "compiler", "a compiler", needed, |directory| {
                installed = true;
                ensure!(!fails, "no network");
                Ok(fs::write(directory.join(needed), "")?)
            });
            (directory.ok(), installed)
        };
        assert_eq!(install(&first, true), (None, true));
        let directory = Some(first.join("compiler"));
        assert_eq!(install(&first, false), (directory.clone(), true));
        assert_eq!(install(&first, false), (directory, false));
        fs::rename(&first, &second).unwrap();
        let directory = Some(second.join("compiler"));
        assert_eq!(install(&second, false), (directory.clone(), true));
        assert_eq!(install(&second, false), (directory.clone(), false));
        fs::remove_file(second.join("compiler/program")).unwrap();
        assert_eq!(install(&second, false), (directory, true));
    }

    #[test]
    fn versions_are_compared_by_number() {
        for (version, least, expected) in [
            ("Python 3.11.2", &[3, 10][..], true),
            ("Python 3.9.18", &[3, 10], false),
            ("v20.20.2", &[20], true),
            ("v18.19.0", &[20], false),
            ("v100.0.0", &[20], true),
            ("unknown", &[20], false),
        ] {
            assert_eq!(is_at_least(version, least), expected, "{version}");
        }
    }
}

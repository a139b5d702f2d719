//! Builds the project that `dev` serves, at the start and whenever its source changes.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::{Child, Command};

use super::watch::{self, Changes};
use crate::build::inputs;
use crate::interrupt::{self, Begun, Running};
use crate::project::Project;

/// Builds a project, with `lambda-wasm build` in a process of its own: it can be ended at any moment. Returns
/// whether it succeeded. The output of a build that fails is for the user.
///
/// # Errors
///
/// Returns an error if this program cannot be started.
pub async fn build(project: &Project, bootstrap: Option<&Path>) -> anyhow::Result<bool> {
    let program = std::env::current_exe().context("this program cannot be found")?;
    let mut command = Command::new(program);
    command.arg("build").arg(&project.directory);
    if project.options.debug {
        command.arg("--debug");
    }
    if let Some(bootstrap) = bootstrap {
        command.arg("--bootstrap").arg(bootstrap);
    }
    command
        .stdin(Stdio::null())
        // The lines of `dev` on standard output are for programs, too.
        .stdout(std::io::stderr());
    let begun = |build: &Child| build.id().and_then(Begun::process);
    let (mut build, _unfinished) =
        interrupt::begin(|| command.spawn(), begun).context("a build cannot be started")?;
    let mut running = Running::new(build.id());
    let status = build.wait().await;
    running.has_ended();
    Ok(status?.success())
}

/// Watches the source of a project.
///
/// # Errors
///
/// Returns an error if files cannot be watched.
pub(super) fn watch(project: &Project) -> anyhow::Result<Changes> {
    watch::source(&sources(&project.directory))
}

/// Builds a project whenever its source changes.
///
/// # Errors
///
/// Returns an error if files cannot be watched, or a build cannot be started.
pub(super) async fn follow(
    project: &Project,
    bootstrap: Option<&Path>,
    mut changes: Changes,
) -> anyhow::Result<Infallible> {
    loop {
        changes.next().await;
        // Again, since directories may be new; and before the build, since it may change something else.
        changes = watch(project)?;
        super::log("the source has changed: building");
        if !build(project, bootstrap).await? {
            super::log("the build failed: the last build that succeeded is still served");
        }
    }
}

/// The directories with the source of a project.
fn sources(directory: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::from([directory.to_owned()]);
    for entry in directory.read_dir().into_iter().flatten().flatten() {
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_directory && !inputs::is_skipped(&entry.file_name().to_string_lossy()) {
            all.extend(sources(&entry.path()));
        }
    }
    all
}

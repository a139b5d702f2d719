//! Components of Go, by its standard toolchain.
//!
//! A project is a Go module whose package at the root is the function. It imports
//! `lambda-wasm.internal/function`, a module that a build writes into `.lambda-wasm/go`: the bindings of the
//! project's world, and a small package over them. A `replace` in the project's `go.mod` points there. Go code
//! registers its handler in `init`, since `main` does not run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use include_dir::{Dir, include_dir};
use lambda_wasm_host::artifact;

use super::core_module::{self, World};
use super::tool;
use crate::project::{Project, ProjectWorld};

/// How to get Go.
pub const GO: &str = "install Go 1.25 or newer: https://go.dev/dl";

/// The oldest Go that builds components.
pub const OLDEST: [u32; 2] = [1, 25];

/// The module that projects import.
const MODULE: &str = "lambda-wasm.internal/function";

/// The module that the bindings import. The packages in `wit` take its place, so that no build needs the network.
const RUNTIME: &str = "go.bytecodealliance.org/pkg";

/// `wit`, and a directory with the package `function` for each world.
static PACKAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/build/go");

/// Without debug information, which nothing reads. The runtime of the bindings refers to `runtime.sbrk`, since
/// memory is allocated before the runtime of Go starts; the linker of Go refuses such a reference otherwise.
const LINKER: &str = "-ldflags=-w -checklinkname=0";

/// Builds the component of a Go project.
///
/// # Errors
///
/// Returns an error if Go is missing or too old, if the world has no bindings for Go, or if the build fails.
pub fn build(project: &Project) -> Result<PathBuf> {
    let go = tool::find("go", GO)?;
    let world = World::of(project)?;
    write_module(project, &world)?;
    let module = project.scratch().join("go.wasm");
    tool::run_quiet(
        Command::new(go)
            .args(["build", "-buildmode=c-shared", "-trimpath", LINKER])
            .arg("-o")
            .arg(&module)
            .arg(".")
            .env("GOOS", "wasip1")
            .env("GOARCH", "wasm")
            .current_dir(&project.directory),
        "go build",
    )?;
    world.component(&module, project)
}

/// Returns the version of Go and of the packages that this tool writes.
///
/// # Errors
///
/// Returns an error with a hint if Go is missing or too old.
pub fn compiler(project: &Project) -> Result<String> {
    let mut command = Command::new(tool::find("go", GO)?);
    command
        .args(["env", "GOVERSION"])
        .current_dir(&project.directory);
    let output = tool::output(&mut command, "go env GOVERSION")?;
    let version = String::from_utf8_lossy(&output).trim().to_owned();
    if !tool::is_at_least(&version, &OLDEST) {
        bail!("{version} is too old\nhint: {GO}");
    }
    let packages = all_files(&PACKAGES).map(|file| artifact::sha256(file.contents()));
    Ok(format!("{version} {}", packages.collect::<String>()))
}

/// Writes the module that the project imports.
fn write_module(project: &Project, world: &World) -> Result<()> {
    let name = match project.world {
        ProjectWorld::Http => "http",
        ProjectWorld::Handler => "handler",
        ProjectWorld::Api | ProjectWorld::Stream => bail!(
            "Go has no package for this world\nhint: set `world` under [build] to \"http\" or \"handler\""
        ),
    };
    let directory = project.scratch().join("go");
    let _ = fs::remove_dir_all(&directory);
    let bindings = wit_bindgen_go::Opts {
        format: wit_bindgen_go::Format::False,
        pkg_name: Some(format!("{MODULE}/bindings")),
        ..wit_bindgen_go::Opts::default()
    };
    for (name, text) in world.bindings(bindings.build())?.iter() {
        let text = String::from_utf8_lossy(text).replace(RUNTIME, MODULE);
        core_module::write(&directory.join("bindings").join(name), text)?;
    }
    let own = PACKAGES.get_dir(name).map(|packages| (packages, name));
    let runtime = PACKAGES.get_dir("wit").map(|packages| (packages, ""));
    for (packages, base) in own.into_iter().chain(runtime) {
        for file in all_files(packages) {
            let path = file.path().strip_prefix(base).unwrap_or(file.path());
            let text = file.contents_utf8().unwrap_or_default();
            core_module::write(&directory.join(path), text)?;
        }
    }
    let manifest = format!("module {MODULE}\n\ngo {}.{}\n", OLDEST[0], OLDEST[1]);
    core_module::write(&directory.join("go.mod"), manifest)
}

fn all_files<'a>(
    directory: &'a Dir<'a>,
) -> Box<dyn Iterator<Item = &'a include_dir::File<'a>> + 'a> {
    Box::new(
        directory
            .files()
            .chain(directory.dirs().flat_map(all_files)),
    )
}

//! Components of C, by `zig cc`, which has a compiler, a linker and the libc of WASI in it.
//!
//! A project is one C file, which `source` under `[build]` in `lambda-wasm.toml` names: a C file alone does not
//! make a directory a project. It includes the header of the bindings, which is named after the world:
//! `handler_function.h`, `api_function.h` or `proxy.h`. A build writes it into `.lambda-wasm/c`. A project with
//! more files includes them, or has a `command` of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::core_module::{self, World};
use super::{python, tool};
use crate::project::Project;

/// The compiler, as PyPI has it.
pub const COMPILER: &str = "ziglang==0.17.1";

/// How to get Zig.
pub const ZIG: &str = "install Zig from https://ziglang.org/download, or Python 3.10 or newer with venv, which installs it";

/// Builds the component of a C project.
///
/// # Errors
///
/// Returns an error if there is neither Zig nor Python to install it, or if the build fails.
pub fn build(project: &Project, source: &Path) -> Result<PathBuf> {
    let mut compiler = compiler()?;
    let world = World::of(project)?;
    let bindings = project.scratch().join("c");
    let _ = fs::remove_dir_all(&bindings);
    let mut sources = vec![source.to_owned()];
    let generator = wit_bindgen_c::Opts::default().build();
    for (name, content) in world.bindings(generator)?.iter() {
        let path = bindings.join(name);
        core_module::write(&path, content)?;
        // The object has the type of the component in it.
        if !name.ends_with(".h") {
            sources.push(path);
        }
    }
    let module = project.scratch().join("c.wasm");
    tool::run_quiet(
        compiler
            .args(["cc", "--target=wasm32-wasi", "-mexec-model=reactor"])
            .args(["-O2", "-Wall"])
            .args(project.options.debug.then_some("-g"))
            .arg("-I")
            .arg(&bindings)
            .args(sources)
            .arg("-o")
            .arg(&module)
            .current_dir(&project.directory),
        "zig cc",
    )?;
    world.component(&module, project)
}

/// Returns the `zig` on `PATH`, or else the one that is installed for this user at its first use.
fn compiler() -> Result<Command> {
    if let Ok(zig) = tool::find("zig", ZIG) {
        return Ok(Command::new(zig));
    }
    if tool::find("python3", ZIG).is_err() {
        bail!("`zig` is not installed\nhint: {ZIG}");
    }
    let environment = python::environment(COMPILER)?;
    let mut command = Command::new(environment.join("bin/python"));
    command.args(["-m", "ziglang"]);
    Ok(command)
}

//! Components of Python, by componentize-py.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use include_dir::{Dir, include_dir};
use lambda_wasm_host::artifact;

use super::{core_module, tool};
use crate::project::Project;
use crate::wit;

/// The compiler, as PyPI has it.
pub const COMPILER: &str = "componentize-py==0.25.1";

/// The package `lambda_wasm`, which serves web frameworks and sends requests.
static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/build/python");

/// Returns the compiler and the content of the library, which both make the component.
pub fn version() -> String {
    let files = LIBRARY.dirs().flat_map(Dir::files);
    let digests = files.map(|file| artifact::sha256(file.contents()));
    format!("{COMPILER} {}", digests.collect::<String>())
}

const PIP_INSTALL: [&str; 4] = [
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-input",
];

/// The oldest Python that the compiler runs with.
pub const OLDEST: [u32; 2] = [3, 10];

/// How to get Python.
pub const PYTHON: &str =
    "install Python 3.10 or newer with venv (Debian, Ubuntu: apt-get install python3-venv)";

/// Builds the component of a Python project.
///
/// # Errors
///
/// Returns an error if Python is missing, if the compiler or a dependency cannot be installed, or if the build
/// fails.
pub fn build(project: &Project, source: &Path) -> Result<PathBuf> {
    let compiler = compiler()?;
    let scratch = project.scratch();
    let wit = scratch.join("wit");
    wit::write(&wit)?;
    let (packages, native) = dependencies(project, &scratch)?;
    let library = scratch.join("library");
    let files = LIBRARY.dirs().flat_map(Dir::files);
    for file in files {
        core_module::write(&library.join(file.path()), file.contents())?;
    }
    let world = match project.world.wit_name() {
        Some(name) => name.to_owned(),
        None => format!("wasi:http/proxy@{}", wit::wasi_version()),
    };
    let module = source.file_stem().and_then(|name| name.to_str());
    let module = module.with_context(|| format!("{} is not a module", source.display()))?;
    let component = scratch.join(format!("{}.wasm", project.name));
    let mut command = Command::new(compiler);
    command
        .arg("-d")
        .arg(&wit)
        .args(["-w", &world, "componentize", "-p"])
        .arg(source.parent().unwrap_or(&project.directory));
    if let Some(packages) = packages {
        command.arg("-p").arg(packages);
    }
    command.arg("-p").arg(library);
    command.arg(module).arg("-o").arg(&component);
    let built = tool::run_quiet(command.current_dir(&project.directory), "componentize-py");
    if native.is_empty() {
        built?;
    } else {
        let native = native.join(", ");
        eprintln!(
            "warning: the native code of {native} cannot run in a component, and is left out"
        );
        built.with_context(|| {
            format!("it may need the native code of {native}\nhint: use a package of Python alone in its place")
        })?;
    }
    Ok(component)
}

/// Returns the compiler, which is installed for this user at its first use.
fn compiler() -> Result<PathBuf> {
    Ok(environment(COMPILER)?.join("bin/componentize-py"))
}

/// Returns a virtual environment with a package, which is installed for this user at its first use.
///
/// # Errors
///
/// Returns an error if Python is missing, or if the package cannot be installed.
pub fn environment(package: &str) -> Result<PathBuf> {
    let python = tool::find("python3", PYTHON)?;
    let what = format!("{package} from PyPI");
    // The link to this Python ends when the system replaces it by another version.
    let needed = Path::new("bin/python3");
    tool::install_once(&package.replace("==", "-"), &what, needed, |directory| {
        tool::require(&python, &OLDEST, PYTHON)?;
        tool::run_quiet(
            Command::new(python).args(["-m", "venv"]).arg(directory),
            "python3 -m venv",
        )
        .with_context(|| format!("hint: {PYTHON}"))?;
        let mut pip = Command::new(directory.join("bin/pip"));
        let name = package.split("==").next().unwrap_or(package);
        tool::run_quiet(
            pip.args(PIP_INSTALL).arg(package),
            &format!("pip install {name}"),
        )
    })
}

/// Installs the dependencies of a project into its scratch directory, if it has any. Returns the directory, and the
/// packages whose native code was left out: many work without it.
fn dependencies(project: &Project, scratch: &Path) -> Result<(Option<PathBuf>, Vec<String>)> {
    let wanted = wanted(project)?;
    if wanted.is_empty() {
        return Ok((None, Vec::new()));
    }
    let directory = scratch.join("python");
    // The packages that were asked for, an empty line, and those with native code.
    let stamp = directory.join(".complete");
    let wanted_text = format!("{}\n\n", wanted.join("\n"));
    if let Ok(there) = fs::read_to_string(&stamp)
        && let Some(native) = there.strip_prefix(&wanted_text)
    {
        let native = native.lines().map(str::to_owned).collect();
        return Ok((Some(directory), native));
    }
    let _ = fs::remove_dir_all(&directory);
    let pip = compiler()?.with_file_name("pip");
    eprintln!("installing {} from PyPI", wanted.join(", "));
    tool::run_quiet(
        Command::new(pip)
            .args(PIP_INSTALL)
            .arg("--target")
            .arg(&directory)
            .args(&wanted),
        "pip install",
    )?;
    let native = remove_native_code(&directory)?;
    fs::write(&stamp, format!("{wanted_text}{}", native.join("\n")))?;
    Ok((Some(directory), native))
}

/// The dependencies that pyproject.toml or requirements.txt has.
fn wanted(project: &Project) -> Result<Vec<String>> {
    let manifest = project.directory.join("pyproject.toml");
    if let Ok(text) = fs::read_to_string(&manifest) {
        let value: toml::Table =
            toml::from_str(&text).with_context(|| manifest.display().to_string())?;
        let project = value
            .get("project")
            .and_then(|project| project.get("dependencies"));
        if let Some(list) = project.and_then(toml::Value::as_array) {
            return Ok(list
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect());
        }
    }
    let text = fs::read_to_string(project.directory.join("requirements.txt")).unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| line.split(" #").next().unwrap_or_default().trim());
    Ok(lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect())
}

/// Removes the shared libraries below a directory, and returns the packages that had some.
fn remove_native_code(directory: &Path) -> Result<Vec<String>> {
    let mut native = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if remove_libraries(&path)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = name.split('.').next().unwrap_or_default().to_owned();
            native.push(name);
        }
    }
    native.sort();
    native.dedup();
    Ok(native)
}

fn remove_libraries(path: &Path) -> Result<bool> {
    if path.is_dir() {
        let mut any = false;
        for entry in fs::read_dir(path)? {
            any |= remove_libraries(&entry?.path())?;
        }
        return Ok(any);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_library = name.ends_with(".so") || name.contains(".so.") || name.ends_with(".pyd");
    if is_library {
        fs::remove_file(path)?;
    }
    Ok(is_library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_code_is_removed_and_its_packages_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in [
            "markupsafe/__init__.py",
            "markupsafe/_speedups.cpython-311-x86_64-linux-gnu.so",
            "numpy/core/deep.so",
            "numpy/libs/libblas.so.3",
            "_cffi_backend.cpython-311-x86_64-linux-gnu.so",
            "flask/app.py",
        ] {
            core_module::write(&path(name), "").unwrap();
        }
        let native = remove_native_code(directory.path()).unwrap();
        assert_eq!(native, ["_cffi_backend", "markupsafe", "numpy"]);
        assert!(path("markupsafe/__init__.py").exists() && path("flask/app.py").exists());
        assert!(!path("numpy/core/deep.so").exists() && !path("numpy/libs/libblas.so.3").exists());
        assert_eq!(remove_native_code(directory.path()).unwrap(), [""; 0]);
    }
}

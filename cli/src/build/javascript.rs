//! Components of JavaScript and TypeScript: bundled by rolldown, then compiled by componentize-js.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::tool;
use lambda_wasm_host::artifact;

use crate::output;
use crate::project::Project;
use crate::wit;

/// The packages that build components, and their exact versions.
const PACKAGE: &str = include_str!("javascript/package.json");
const COMPILER: &str = include_str!("javascript/package-lock.json");

/// The engine in componentize-js is built for this version of WASI, and takes the WIT of no other.
const WASI: &str = "0.2.10";

/// The script that builds, and the module that it puts in front of the source.
const DRIVER: (&str, &str) = ("build.mjs", include_str!("javascript/build.mjs"));
const CONSOLE: (&str, &str) = ("console.mjs", include_str!("javascript/console.mjs"));

/// The oldest Node.js that the compiler runs with.
pub const OLDEST: [u32; 1] = [20];

/// How to get Node.js.
pub const NODE: &str = "install Node.js 20 or newer: https://nodejs.org";

/// How to get npm.
pub const NPM: &str = "install npm, which comes with Node.js: https://nodejs.org";

/// Returns all that makes a component: the packages and the scripts.
pub fn version() -> String {
    [COMPILER, DRIVER.1, CONSOLE.1].concat()
}

/// Builds the component of a JavaScript or TypeScript project.
///
/// # Errors
///
/// Returns an error if Node.js is missing, if the compiler or a dependency cannot be installed, if the
/// source uses a module of Node.js, or if the build fails.
pub fn build(project: &Project, source: &Path) -> Result<PathBuf> {
    let node = tool::find("node", NODE)?;
    tool::require(&node, &OLDEST, NODE)?;
    let driver = compiler()?;
    install_dependencies(project)?;
    let scratch = project.scratch();
    let wit = scratch.join("wit");
    let _ = fs::remove_dir_all(&wit);
    wit::write_for_wasi(&wit, WASI)?;
    let world = project.world.wit_name().unwrap_or("proxy");
    if project.world.wit_name().is_none() {
        // The package with the world has to be the directory's own.
        for entry in fs::read_dir(&wit)? {
            let path = entry?.path();
            if path.is_file() {
                fs::remove_file(path)?;
            }
        }
        fs::rename(wit.join("deps/http.wit"), wit.join("http.wit"))?;
    }
    let component = scratch.join(format!("{}.wasm", project.name));
    tool::run_quiet(
        Command::new(&node)
            .arg(driver)
            .arg(source)
            .arg(scratch.join("bundle.mjs"))
            .arg(wit)
            .arg(world)
            .arg(&component)
            .current_dir(&project.directory),
        "componentize-js",
    )?;
    Ok(component)
}

/// Returns the script that builds components. Its packages are installed for this user at its first use.
fn compiler() -> Result<PathBuf> {
    let version = &artifact::sha256(COMPILER.as_bytes())[..16];
    let what = "componentize-js from npm, 385 MB,";
    let (name, needed) = (format!("javascript-{version}"), Path::new("node_modules"));
    let directory = tool::install_once(&name, what, needed, |directory| {
        fs::write(directory.join("package.json"), PACKAGE)?;
        fs::write(directory.join("package-lock.json"), COMPILER)?;
        npm("ci", directory)
    })?;
    // The scripts may be newer than the packages.
    for (name, text) in [DRIVER, CONSOLE] {
        let path = directory.join(name);
        if !fs::read_to_string(&path).is_ok_and(|there| there == text) {
            output::replace(&path, |file| Ok(file.write_all(text.as_bytes())?))?;
        }
    }
    Ok(directory.join(DRIVER.0))
}

/// Installs the dependencies of a project, unless they are there.
fn install_dependencies(project: &Project) -> Result<()> {
    let directory = &project.directory;
    let text = fs::read_to_string(directory.join("package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let has_any = ["dependencies", "devDependencies"].iter().any(|key| {
        manifest[key]
            .as_object()
            .is_some_and(|list| !list.is_empty())
    });
    if !has_any || directory.join("node_modules").is_dir() {
        return Ok(());
    }
    eprintln!("installing the dependencies of package.json from npm");
    npm("install", directory)
}

fn npm(command: &str, directory: &Path) -> Result<()> {
    let npm = tool::find(
        "npm",
        "install npm, which comes with Node.js: https://nodejs.org",
    )?;
    let mut run = Command::new(npm);
    run.args([
        command,
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--loglevel=error",
    ])
    .current_dir(directory);
    if command == "ci" {
        run.arg("--ignore-scripts");
    }
    // Node.js trusts the certificates that it came with, where other tools trust those of this variable.
    if let (Some(certificates), None) = (
        std::env::var_os("SSL_CERT_FILE"),
        std::env::var_os("NODE_EXTRA_CA_CERTS"),
    ) {
        run.env("NODE_EXTRA_CA_CERTS", certificates);
    }
    tool::run_quiet(&mut run, &format!("npm {command}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_imported_in_the_version_of_the_engine() {
        let import = format!("from \"wasi:cli/environment@{WASI}\"");
        assert!(CONSOLE.1.contains(&import));
    }
}

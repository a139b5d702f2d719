//! The tool as people install it: a program with the hosts in it, as a wheel, an npm package and a tarball.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output};

use lambda_wasm_test_support::{built, root};
use zip::ZipArchive;

use crate::support::Folder;

const ARCHITECTURE: &str = std::env::consts::ARCH;

/// Packs this build of the tool, with the host for this machine, into `out`.
fn pack(folder: &Folder, out: &str) {
    fs::create_dir_all(folder.path("hosts")).unwrap();
    let host = folder.path(&format!("hosts/bootstrap-{ARCHITECTURE}"));
    fs::copy(built("dist/bootstrap"), host).unwrap();
    let output = Command::new("python3")
        .arg(root().join("scripts/pack-release.py"))
        .args([ARCHITECTURE, env!("CARGO_BIN_EXE_lambda-wasm")])
        .args([folder.path("hosts"), folder.path(out)])
        .output()
        .unwrap();
    succeeded(&output);
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The files of a directory, by name.
fn files(folder: &Folder, name: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder.path(name)).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The tool in a virtual environment, installed from the wheel in `out`.
fn install(folder: &Folder, out: &str) -> PathBuf {
    let environment = folder.path("environment");
    succeeded(
        &Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment)
            .output()
            .unwrap(),
    );
    let wheel = files(folder, out)
        .into_iter()
        .find(|(name, _)| name.ends_with(".whl"));
    let wheel = folder.path(out).join(wheel.unwrap().0);
    let install = [
        "install",
        "--quiet",
        "--no-index",
        "--disable-pip-version-check",
    ];
    let pip = environment.join("bin/pip");
    succeeded(&Command::new(pip).args(install).arg(wheel).output().unwrap());
    environment.join("bin/lambda-wasm")
}

#[test]
fn the_wheel_builds_invokes_and_packs() {
    let folder = Folder::with_component();
    pack(&folder, "out");
    let tool = install(&folder, "out");
    folder.write(
        "lambda-wasm.toml",
        "[build]\nname = \"hello\"\ncommand = \"cp hello.wasm out.wasm\"\ncomponent = \"out.wasm\"\n",
    );
    let run = |args: &[&str]| {
        let mut command = Command::new(&tool);
        command
            .args(args)
            .current_dir(folder.path(""))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LAMBDA_WASM_CACHE", folder.path("cache"));
        command.output().unwrap()
    };
    let doctor = succeeded(&run(&["doctor"]));
    assert!(
        doctor.starts_with("host\n  ok       bootstrap: built in for "),
        "{doctor}"
    );
    let said = run(&["build"]);
    succeeded(&said);
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("(bootstrap: built in ("), "{said}");
    let bootstrap = fs::read(built("dist/bootstrap")).unwrap();
    assert!(fs::read(folder.path("dist/bootstrap")).unwrap() == bootstrap);
    // The component traps, and its bootstrap says so.
    let invoked = run(&["invoke", "hello"]);
    let said = String::from_utf8(invoked.stderr).unwrap();
    assert_eq!(invoked.status.code(), Some(1), "{said}");
    assert!(said.contains("Function.Trap"), "{said}");
    // A directory with artifacts only gets the built-in bootstrap.
    fs::remove_file(folder.path("dist/bootstrap")).unwrap();
    let report: serde_json::Value =
        serde_json::from_str(&succeeded(&run(&["package", "--json"]))).unwrap();
    let mut zip = ZipArchive::new(File::open(folder.path("function.zip")).unwrap()).unwrap();
    let mut entry = zip.by_name("bootstrap").unwrap();
    assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
    let mut packed = Vec::new();
    entry.read_to_end(&mut packed).unwrap();
    assert!(packed == bootstrap);
    let size = fs::metadata(folder.path("function.zip")).unwrap().len();
    assert_eq!(report["size"], size);
    assert_eq!(report["files"][0]["name"], "bootstrap");
    // With a layer the package is the function alone.
    succeeded(&run(&["package", "--layer", "-o", "layered.zip"]));
    let zip = ZipArchive::new(File::open(folder.path("layered.zip")).unwrap()).unwrap();
    assert_eq!(zip.file_names().collect::<Vec<_>>(), ["hello.cwasm"]);
}

#[test]
fn the_same_input_gives_the_same_packages() {
    let folder = Folder::new();
    pack(&folder, "one");
    pack(&folder, "two");
    let (one, two) = (files(&folder, "one"), files(&folder, "two"));
    assert!(one == two);
    let names: Vec<_> = one.iter().map(|(name, _)| name.as_str()).collect();
    let version = env!("CARGO_PKG_VERSION");
    let is_there = |start: &str, end: &str| {
        names
            .iter()
            .any(|name| name.starts_with(start) && name.ends_with(end))
    };
    assert!(
        is_there(
            &format!("lambda-wasm-{version}-{ARCHITECTURE}-linux"),
            ".tar.gz"
        ),
        "{names:?}"
    );
    assert!(
        is_there(&format!("lambda_wasm-{version}-py3-none-manylinux"), ".whl"),
        "{names:?}"
    );
    assert!(
        is_there("lambda-wasm-linux-", &format!("{version}.tgz")),
        "{names:?}"
    );
    assert!(
        is_there(&format!("lambda-wasm-layer-{version}-"), ".zip"),
        "{names:?}"
    );
}

#[test]
fn the_npm_package_has_the_program() {
    let folder = Folder::new();
    pack(&folder, "out");
    let package = files(&folder, "out")
        .into_iter()
        .find(|(name, _)| name.ends_with(".tgz"));
    let package = folder.path("out").join(package.unwrap().0);
    let unpack = Command::new("tar")
        .arg("-xzf")
        .arg(package)
        .current_dir(folder.path(""))
        .output();
    succeeded(&unpack.unwrap());
    let manifest: serde_json::Value =
        serde_json::from_slice(&folder.read("package/package.json")).unwrap();
    let program = manifest["bin"]["lambda-wasm"].as_str().unwrap();
    let version = Command::new(folder.path("package").join(program))
        .arg("--version")
        .output();
    assert_eq!(
        succeeded(&version.unwrap()),
        format!("lambda-wasm {}\n", manifest["version"].as_str().unwrap())
    );
}

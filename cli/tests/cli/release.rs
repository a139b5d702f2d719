//! The tool as people install it: a program with the hosts in it, as a wheel, an npm package and a tarball.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use lambda_wasm_host::artifact::sha256;
use lambda_wasm_test_support::{artifact, full_bootstrap, once_a_run, root, small_bootstrap};
use zip::ZipArchive;

use crate::sbom::assert_valid;
use crate::support::Folder;

const ARCHITECTURE: &str = std::env::consts::ARCH;

/// Packs this build of the tool, with the host for this machine, into a directory.
fn pack(out: &Path) {
    let hosts = tempfile::tempdir().unwrap();
    for host in [full_bootstrap(), small_bootstrap()] {
        fs::copy(&host, hosts.path().join(host.file_name().unwrap())).unwrap();
    }
    // They are beside the hosts after `./build.sh test`, and after a build that was stopped.
    for other in ["-aarch64-quick", "-x86_64.unfinished"] {
        let other = format!("bootstrap{other}");
        fs::write(hosts.path().join(other), "not for a package").unwrap();
    }
    let man = tempfile::tempdir().unwrap();
    let mut pages = Command::new(env!("CARGO_BIN_EXE_lambda-wasm"));
    succeeded(&pages.arg("man").arg(man.path()).output().unwrap());
    let output = Command::new("python3")
        .arg(root().join("scripts/pack-release.py"))
        .args([ARCHITECTURE, env!("CARGO_BIN_EXE_lambda-wasm")])
        .args([hosts.path(), man.path(), out])
        .output()
        .unwrap();
    succeeded(&output);
}

/// The packages of this build of the tool, which all tests share.
fn packed() -> &'static Path {
    static PACKED: LazyLock<PathBuf> = LazyLock::new(|| {
        let out = root().join("target/test-release");
        once_a_run("release", || {
            let _ = fs::remove_dir_all(&out);
            pack(&out);
        });
        out
    });
    &PACKED
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The files of a directory, by name.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The package whose name ends with this.
fn package(end: &str) -> PathBuf {
    let mut packages = fs::read_dir(packed()).unwrap().map(Result::unwrap);
    let package = packages.find(|entry| entry.file_name().to_string_lossy().ends_with(end));
    package.unwrap().path()
}

/// The wheel with this build of the tool.
pub fn wheel() -> PathBuf {
    package(".whl")
}

/// The layer with the host for this machine.
pub fn layer() -> PathBuf {
    package(".zip")
}

/// Installs a wheel as `environment/bin/lambda-wasm` of a folder, without the network.
pub fn install(folder: &Path, wheel: &Path) {
    let environment = folder.join("environment");
    let mut create = Command::new("python3");
    succeeded(
        &create
            .args(["-m", "venv"])
            .arg(&environment)
            .output()
            .unwrap(),
    );
    let mut pip = Command::new(environment.join("bin/pip"));
    pip.args([
        "install",
        "--quiet",
        "--no-index",
        "--disable-pip-version-check",
    ]);
    succeeded(&pip.arg(wheel).output().unwrap());
}

#[test]
fn the_wheel_builds_invokes_and_packs() {
    let folder = Folder::with_component();
    install(&folder.path(""), &wheel());
    let tool = folder.path("environment/bin/lambda-wasm");
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
    let named = format!(
        "(bootstrap: built in ({}, small))",
        env!("CARGO_PKG_VERSION")
    );
    assert!(said.contains(&named), "{said}");
    let bootstrap = fs::read(small_bootstrap()).unwrap();
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

/// A directory with one function more, or another policy, may need another bootstrap.
#[test]
fn the_bootstrap_is_the_smallest_for_all_functions() {
    let folder = Folder::new();
    install(&folder.path(""), &wheel());
    let tool = folder.path("environment/bin/lambda-wasm");
    let run = |args: &[&str]| {
        let mut command = Command::new(&tool);
        command.args(args).current_dir(folder.path(""));
        command.env("LAMBDA_WASM_CACHE", folder.path("cache"));
        command.output().unwrap()
    };
    let packed = || {
        succeeded(&run(&["package", "-o", "function.zip"]));
        let mut zip = ZipArchive::new(File::open(folder.path("function.zip")).unwrap()).unwrap();
        let mut bytes = Vec::new();
        let mut entry = zip.by_name("bootstrap").unwrap();
        entry.read_to_end(&mut bytes).unwrap();
        let variants = [small_bootstrap(), full_bootstrap()].map(|path| fs::read(path).unwrap());
        ["small", "full"][variants
            .iter()
            .position(|variant| *variant == bytes)
            .unwrap()]
    };
    let inspected = |file: &str| {
        let text = succeeded(&run(&["inspect", file]));
        let line = text.lines().find(|line| line.starts_with("bootstrap: "));
        line.unwrap().to_owned()
    };
    let dist = folder.path("dist");
    fs::create_dir(&dist).unwrap();
    fs::copy(artifact("http_p2"), dist.join("a.cwasm")).unwrap();
    assert_eq!(packed(), "small");
    assert_eq!(inspected("dist/a.cwasm"), "bootstrap: small");

    folder.write("dist/a.toml", "[http]\nallow = [\"https://example.com\"]\n");
    assert_eq!(packed(), "full");
    let need = "bootstrap: full (its policy allows requests)";
    assert_eq!(inspected("dist/a.cwasm"), need);
    // One that is there is checked.
    fs::copy(small_bootstrap(), dist.join("bootstrap")).unwrap();
    let refused = run(&["package", "-o", "function.zip"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    let fault = "error: dist/a.cwasm needs the full bootstrap (its policy allows requests), and dist/bootstrap is the small one\nhint: remove that file";
    assert!(said.starts_with(fault), "{said}");
    fs::remove_file(dist.join("bootstrap")).unwrap();

    fs::remove_file(dist.join("a.toml")).unwrap();
    fs::copy(artifact("http_p3"), dist.join("b.cwasm")).unwrap();
    assert_eq!(packed(), "full");
    let said = inspected("dist/b.cwasm");
    assert!(
        said.starts_with("bootstrap: full (it imports wasi:"),
        "{said}"
    );
}

#[test]
fn the_same_input_gives_the_same_packages() {
    let again = tempfile::tempdir().unwrap();
    pack(again.path());
    let (one, two) = (files(packed()), files(again.path()));
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

/// Every program in a package has its bill, and every crate that is linked into one has a license.
#[test]
fn the_packages_have_licenses_and_bills_of_their_programs() {
    let folder = Folder::new();
    let tar = Command::new("tar")
        .args(["--strip-components=1", "-xzf"])
        .arg(package(".tar.gz"))
        .current_dir(folder.path(""))
        .output();
    succeeded(&tar.unwrap());
    let bills = files(&folder.path("sbom"));
    let names: Vec<_> = bills.iter().map(|(name, _)| name.clone()).collect();
    let host = format!("bootstrap-{ARCHITECTURE}");
    let expected = [
        format!("{host}-small.cdx.json"),
        format!("{host}.cdx.json"),
        "lambda-wasm.cdx.json".to_owned(),
    ];
    assert_eq!(names, expected);
    let licenses = String::from_utf8(folder.read("THIRD_PARTY_LICENSES")).unwrap();
    let (list, _) = licenses.split_once("\n\n====").unwrap();
    let programs = [
        small_bootstrap(),
        full_bootstrap(),
        folder.path("lambda-wasm"),
    ];
    for ((name, bill), program) in bills.iter().zip(programs) {
        let bill: serde_json::Value = serde_json::from_slice(bill).unwrap();
        let hash = sha256(&fs::read(program).unwrap());
        assert_eq!(bill["metadata"]["component"]["hashes"][0]["content"], hash);
        let components = bill["components"].as_array().unwrap().iter();
        let linked = components.filter(|crate_| crate_["scope"] == "required");
        let mut count = 0;
        for crate_ in linked.filter(|crate_| crate_["hashes"].is_array()) {
            count += 1;
            let [id, version] = ["name", "version"].map(|key| crate_[key].as_str().unwrap());
            let start = format!("{id}@{version}: ");
            let is_there = list.lines().any(|line| line.starts_with(&start));
            assert!(is_there, "{name} has {start}");
        }
        assert!(count > 150, "{name} has {count} crates");
        let compiler = "cranelift-codegen";
        let components = bill["components"].as_array().unwrap();
        let has_compiler = components.iter().any(|crate_| crate_["name"] == compiler);
        assert_eq!(has_compiler, name == "lambda-wasm.cdx.json", "{name}");
    }
    let paths: Vec<_> = names
        .iter()
        .map(|name| folder.path("sbom").join(name))
        .collect();
    assert_valid(&paths);

    let layer = ZipArchive::new(File::open(layer()).unwrap()).unwrap();
    let about = ["LICENSE", "THIRD_PARTY_LICENSES", "bootstrap.cdx.json"];
    let about = about.map(|name| format!("share/doc/lambda-wasm/{name}"));
    let expected: Vec<_> = ["bootstrap"]
        .into_iter()
        .chain(about.iter().map(String::as_str))
        .collect();
    assert_eq!(layer.file_names().collect::<Vec<_>>(), expected);
}

#[test]
fn the_provenance_names_every_package_and_its_hash() {
    let out = tempfile::tempdir().unwrap();
    for (name, bytes) in files(packed()) {
        fs::write(out.path().join(name), bytes).unwrap();
    }
    let mut write = Command::new("python3");
    write
        .arg(root().join("scripts/provenance.py"))
        .arg(out.path());
    succeeded(&write.output().unwrap());
    let statement = fs::read(out.path().join("provenance.intoto.json")).unwrap();
    let statement: serde_json::Value = serde_json::from_slice(&statement).unwrap();
    let subjects = files(packed()).into_iter();
    let subjects = subjects.map(
        |(name, bytes)| serde_json::json!({ "name": name, "digest": { "sha256": sha256(&bytes) } }),
    );
    assert_eq!(
        statement["subject"],
        subjects.collect::<serde_json::Value>()
    );
    let definition = &statement["predicate"]["buildDefinition"];
    let lock = serde_json::json!({
        "name": "Cargo.lock",
        "digest": { "sha256": sha256(&fs::read(root().join("Cargo.lock")).unwrap()) },
    });
    assert_eq!(definition["resolvedDependencies"][0], lock);
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
}

#[test]
fn the_npm_package_has_the_program() {
    let folder = Folder::new();
    let unpack = Command::new("tar")
        .arg("-xzf")
        .arg(package(".tgz"))
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

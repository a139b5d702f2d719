//! What releases and their sources promise: paths, versions, workflows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lambda_wasm_test_support::tools::skip;
use lambda_wasm_test_support::{full_bootstrap, root, small_bootstrap};

use crate::support::Folder;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn check_paths(program: &Path) -> Output {
    let mut command = Command::new(root().join("scripts/check-paths.py"));
    command.arg(program).output().unwrap()
}

#[test]
fn bootstrap_names_no_directory_of_the_machine_that_built_it() {
    for bootstrap in [full_bootstrap(), small_bootstrap()] {
        let output = check_paths(&bootstrap);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
    let folder = Folder::new();
    let planted = format!(
        "\0{}/host/src/main.rs\0crate-1.0.0/src/lib.rs\0",
        root().display()
    );
    folder.write("program", planted);
    let output = check_paths(&folder.path("program"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    let found = format!("\n  {}/: 1 times\n", root().display());
    assert!(said.ends_with(&found), "{said}");
}

/// Returns the value of `key = "value"` in a file of TOML.
fn value(file: &str, key: &str) -> String {
    let text = read(file);
    let start = format!("{key} = \"");
    let mut values = text.lines().filter_map(|line| line.strip_prefix(&start));
    values.next().unwrap().trim_end_matches('"').to_owned()
}

#[test]
fn the_oldest_rust_is_the_same_everywhere() {
    let oldest = value("Cargo.toml", "rust-version");
    for (file, line) in [
        ("docs/building.md", format!("| Rust {oldest} or newer, ")),
        ("CONTRIBUTING.md", format!("Rust {oldest} or newer ")),
        (
            ".github/workflows/test.yml",
            format!("      RUSTUP_TOOLCHAIN: \"{oldest}\""),
        ),
    ] {
        let text = read(file);
        let is_there = text.lines().any(|found| found.starts_with(&line));
        assert!(is_there, "{file} has no line that starts with {line:?}");
    }
}

#[test]
fn the_changelog_has_the_version_below_what_is_not_released() {
    let changelog = read("CHANGELOG.md");
    let sections = changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "));
    let sections: Vec<_> = sections.collect();
    let version = value("Cargo.toml", "version");
    assert_eq!(sections[0], "Unreleased");
    // A date follows when it is released.
    assert!(
        sections[1].split(' ').next() == Some(&version),
        "{sections:?}"
    );
}

#[test]
fn workflows_have_few_rights_and_exact_versions_of_actions() {
    let mut count = 0;
    for entry in fs::read_dir(root().join(".github/workflows")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.display();
        // What is at the top holds for each job that says nothing else.
        let (_, rights) = text.split_once("\npermissions:").unwrap();
        assert!(
            rights.starts_with(" {}\n") || rights.starts_with("\n  contents: read\n\n"),
            "{name}"
        );
        for line in text.lines().filter(|line| line.contains("uses:")) {
            count += 1;
            let (action, version) = line.rsplit_once("@v").unwrap();
            assert!(action.contains("uses: actions/"), "{name}: {line}");
            let numbers: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
            let is_exact = numbers.len() == 3 && numbers.iter().all(Result::is_ok);
            assert!(is_exact, "{name}: {line}");
        }
    }
    assert!(count >= 8, "{count} actions");
    let test = read(".github/workflows/test.yml");
    assert!(test.contains("- run: .ci/run\n"), "{test}");
}

/// Returns the version of wasmtime's crates in a lock file, which is the same for all of them.
fn wasmtime(lock: &str) -> String {
    let text = read(lock);
    let packages = text.split("[[package]]\nname = \"").skip(1);
    let versions = packages.filter_map(|package| {
        let (name, rest) = package.split_once("\"\nversion = \"")?;
        let is_it = name == "wasmtime" || name.starts_with("wasmtime-");
        is_it.then(|| rest.split_once('"').unwrap().0.to_owned())
    });
    let versions: BTreeSet<_> = versions.collect();
    assert_eq!(versions.len(), 1, "{lock}: {versions:?}");
    versions.into_iter().next().unwrap()
}

fn numbers(version: &str) -> Vec<u32> {
    let numbers = version.split('.').map(|number| number.parse().unwrap());
    numbers.collect()
}

/// Returns the advisories of the tables under a heading of `docs/wasmtime.md`, with the versions that fix them.
fn advisories(heading: &str) -> Vec<(String, String)> {
    let text = read("docs/wasmtime.md");
    let (_, section) = text.split_once(&format!("\n### {heading}\n")).unwrap();
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let rows = rows.filter(|row| !row.starts_with("| advisory |") && !row.starts_with("|---"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 7, "{row}");
        (cells[1].to_owned(), cells[5].to_owned())
    })
    .collect()
}

#[test]
fn wasmtime_is_as_new_as_the_list_of_its_advisories_says() {
    let used = wasmtime("Cargo.lock");
    assert_eq!(wasmtime("fuzz/Cargo.lock"), used);
    let line = format!("\n- In use: {used}, by `Cargo.lock`.\n");
    assert!(read("docs/wasmtime.md").contains(&line), "{line}");
    let open = advisories("Open in the version in use");
    let fixed = advisories("Fixed in the version in use");
    for (ids, version) in &open {
        let is_open = numbers(version) > numbers(&used);
        assert!(is_open, "{ids} is fixed in {used}: move its row");
    }
    for (ids, version) in &fixed {
        let is_fixed = numbers(version) <= numbers(&used);
        assert!(
            is_fixed,
            "{ids} is not fixed in {used}: move its row, or raise the version"
        );
    }
    let ids: Vec<_> = open
        .iter()
        .chain(&fixed)
        .flat_map(|(ids, _)| ids.split(", "))
        .collect();
    for id in &ids {
        let is_id = ["GHSA-", "RUSTSEC-2026-", "CVE-2026-"]
            .iter()
            .any(|kind| id.starts_with(kind));
        assert!(is_id, "{id:?}");
    }
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "an id is there twice"
    );
    assert!(fixed.len() >= 60, "{} advisories", fixed.len());
}

/// Has Cargo take the tool from a repository, as people do it, up to its first compilation.
#[test]
fn cargo_installs_the_tool_from_the_repository() {
    let folder = Folder::new();
    let wrapper = "#!/bin/sh\ncase \" $* \" in *\" --crate-name ___ \"* | *\" -vV \"*) exec \"$@\" ;; esac\necho compiled: $* >&2\nexit 1\n";
    crate::support::program(&folder, "rustc", wrapper);
    // A repository of the files here, which need not be in one.
    let files = root();
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(&files);
        git.arg("--git-dir").arg(folder.path("repository"));
        git.arg("--work-tree").arg(&files);
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
        let output = git.args(identity).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all", "."]);
    git(&["commit", "--quiet", "--message", "all"]);
    let url = format!("file://{}", folder.path("repository").display());
    let output = Command::new(env!("CARGO"))
        .args(["install", "--locked", "--git", &url, "lambda-wasm"])
        .arg("--root")
        .arg(folder.path("installed"))
        .env("CARGO_BUILD_RUSTC_WRAPPER", folder.path("tools/rustc"))
        .env("CARGO_TARGET_DIR", folder.path("target"))
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Installing lambda-wasm v"), "{said}");
    if said.contains("spurious network error") {
        skip("cargo install", "it could not ask crates.io");
        return;
    }
    assert!(said.contains("compiled: "), "{said}");
}

//! `lambda-wasm package --check`: what fails at a first deployment.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::Folder;

/// A bootstrap that can be started anywhere.
const SCRIPT: &[u8] = b"#!/bin/sh\nexit\n";

/// A directory with `dist/`, which has nothing wrong.
pub fn dist() -> Folder {
    let folder = Folder::with_component();
    fs::create_dir(folder.path("dist")).unwrap();
    folder.succeed(&["compile", "hello.wasm", "-o", "dist/hello.cwasm"]);
    folder.write("dist/bootstrap", SCRIPT);
    chmod(&folder, "dist/bootstrap", 0o755);
    chmod(&folder, "dist/hello.cwasm", 0o644);
    folder
}

pub fn chmod(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.path(name), Permissions::from_mode(mode)).unwrap();
}

/// An entry of a zip: its name, permissions and bytes.
type Entry<'a> = (&'a str, u32, &'a [u8]);

fn write_zip(folder: &Folder, entries: &[Entry<'_>]) {
    let mut zip = ZipWriter::new(File::create(folder.path("f.zip")).unwrap());
    for (name, mode, bytes) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// Checks a zip with these entries, and returns why it is refused.
#[track_caller]
fn refused(folder: &Folder, entries: &[Entry<'_>]) -> String {
    write_zip(folder, entries);
    folder.fail(&["package", "--check", "f.zip"])
}

#[track_caller]
pub fn says(said: &str, expected: &[&str]) {
    for expected in expected {
        assert!(said.contains(expected), "no {expected:?} in {said}");
    }
}

/// An artifact whose trailer has another value.
fn altered(artifact: &[u8], key: &str, value: &str) -> Vec<u8> {
    let end = artifact.len() - 12;
    let length = u32::from_le_bytes(artifact[end..end + 4].try_into().unwrap()) as usize;
    let mut trailer: Value = serde_json::from_slice(&artifact[end - length..end]).unwrap();
    trailer[key] = value.into();
    let mut line = trailer.to_string().into_bytes();
    line.push(b'\n');
    let mut all = artifact[..end - length].to_vec();
    all.extend(&line);
    all.extend((line.len() as u32).to_le_bytes());
    all.extend(&artifact[end + 4..]);
    all
}

#[test]
fn what_package_makes_has_no_faults() {
    let folder = dist();
    folder.write("dist/hello.toml", "[limits]\r\nmemory = \"1MiB\"\r\n");
    chmod(&folder, "dist/hello.toml", 0o644);
    folder.succeed(&["package", "-o", "f.zip"]);
    assert_eq!(folder.succeed(&["package", "--check", "f.zip"]), "");
    assert_eq!(folder.succeed(&["package", "--check"]), "");
    folder.succeed(&["package", "--layer", "-o", "alone.zip"]);
    assert_eq!(
        folder.succeed(&["package", "--check", "--layer", "alone.zip"]),
        ""
    );
    let said = folder.fail(&["package", "--check", "alone.zip"]);
    says(
        &said,
        &[
            "alone.zip does not contain a bootstrap\nhint: ",
            "check it with --layer",
        ],
    );
    assert_eq!(
        folder.succeed(&["package", "--check", "--json"]),
        "{\n  \"faults\": [],\n  \"warnings\": []\n}\n"
    );
}

#[test]
fn a_file_that_is_not_a_package_is_refused() {
    let folder = dist();
    folder.write("f.zip", "tea");
    says(
        &folder.fail(&["package", "--check", "f.zip"]),
        &["error: f.zip: it is not a zip"],
    );
    says(
        &folder.fail(&["package", "f.zip"]),
        &["f.zip is a file\nhint: name the directory to zip, or check a zip with --check"],
    );
    says(
        &refused(&folder, &[("bootstrap", 0o755, SCRIPT)]),
        &["f.zip does not contain a compiled component"],
    );
    says(
        &refused(&folder, &[("../bootstrap", 0o755, SCRIPT)]),
        &["\"../bootstrap\" leads out of the zip"],
    );
}

#[test]
fn a_bootstrap_that_lambda_cannot_start_is_refused() {
    let folder = dist();
    let component = folder.read("dist/hello.cwasm");
    let hello = ("hello.cwasm", 0o644, &component[..]);
    let below = [
        ("dist/bootstrap", 0o755, SCRIPT),
        ("dist/hello.cwasm", 0o644, &component[..]),
    ];
    says(
        &refused(&folder, &below),
        &[
            "f.zip/dist/bootstrap is in a directory, and Lambda starts only a `bootstrap` at the top\nhint: zip the files of the directory",
            "\nerror: f.zip/dist/hello.cwasm is in a directory, and a Handler is a component beside `bootstrap`",
        ],
    );
    says(
        &refused(&folder, &[("bootstrap", 0o644, SCRIPT), hello]),
        &[
            "f.zip/bootstrap is not executable for everyone (its permissions are 644)\nhint: run `chmod 755 f.zip/bootstrap`",
        ],
    );
    says(
        &refused(
            &folder,
            &[
                ("bootstrap", 0o755, SCRIPT),
                ("hello.cwasm", 0o600, &component),
            ],
        ),
        &["f.zip/hello.cwasm is not readable for everyone (its permissions are 600)"],
    );
    says(
        &refused(
            &folder,
            &[("bootstrap", 0o755, b"#!/bin/sh\r\nexit\r\n"), hello],
        ),
        &["f.zip/bootstrap has Windows line ends (CRLF)"],
    );
    says(
        &refused(&folder, &[("bootstrap", 0o755, b""), hello]),
        &["f.zip/bootstrap is empty"],
    );
}

#[test]
fn a_directory_is_checked_as_it_is() {
    let folder = dist();
    chmod(&folder, "dist/bootstrap", 0o700);
    chmod(&folder, "dist/hello.cwasm", 0o640);
    let said = folder.fail(&["package", "--check"]);
    says(
        &said,
        &[
            "dist/bootstrap is not executable for everyone",
            "\nerror: dist/hello.cwasm is not readable for everyone",
        ],
    );
    // The zip has the permissions that Lambda needs.
    folder.succeed(&["package"]);
    fs::create_dir(folder.path("dist/inner")).unwrap();
    fs::rename(
        folder.path("dist/bootstrap"),
        folder.path("dist/inner/bootstrap"),
    )
    .unwrap();
    for args in [&["package"][..], &["package", "--check"]] {
        says(
            &folder.fail(args),
            &["dist/inner/bootstrap is in a directory"],
        );
    }
}

#[test]
fn a_component_that_bootstrap_does_not_run_is_refused() {
    let folder = dist();
    let component = folder.read("dist/hello.cwasm");
    let mut elf = [0_u8; 64];
    elf[..4].copy_from_slice(b"\x7fELF");
    let (other, machine) = match cfg!(target_arch = "x86_64") {
        true => ("aarch64", 183),
        false => ("x86_64", 62),
    };
    elf[18] = machine;
    says(
        &refused(
            &folder,
            &[
                ("bootstrap", 0o755, &elf),
                ("hello.cwasm", 0o644, &component),
            ],
        ),
        &[
            "f.zip/hello.cwasm is compiled for ",
            &format!("and f.zip/bootstrap is built for {other}\nhint: "),
        ],
    );
    let script = ("bootstrap", 0o755, SCRIPT);
    let old = altered(&component, "wasmtime", "47.0.1");
    says(
        &refused(&folder, &[script, ("hello.cwasm", 0o644, &old)]),
        &[
            "f.zip/hello.cwasm is compiled by wasmtime 47.0.1, and this lambda-wasm has wasmtime 48.",
        ],
    );
    let panics =
        b"\x7fELF /registry/wasmtime-wasi-46.0.0/src/a.rs /registry/wasmtime-46.0.3/src/b.rs";
    says(
        &refused(
            &folder,
            &[
                ("bootstrap", 0o755, panics),
                ("hello.cwasm", 0o644, &component),
            ],
        ),
        &[
            "is compiled by wasmtime 48.",
            "and bootstrap has wasmtime 46.0.3\nhint: compile the component",
        ],
    );
    let policy = ("hello.toml", 0o644, &b"[limits]\nmemroy = \"1MiB\"\n"[..]);
    says(
        &refused(
            &folder,
            &[script, ("hello.cwasm", 0o644, &component), policy],
        ),
        &["f.zip/hello.toml, line 2"],
    );
    let mut damaged = component.clone();
    damaged[5000] ^= 1;
    says(
        &refused(&folder, &[script, ("hello.cwasm", 0o644, &damaged)]),
        &["f.zip/hello.cwasm is damaged"],
    );
}

#[test]
fn a_zip_over_lambdas_limit_is_refused() {
    let folder = dist();
    let component = folder.read("dist/hello.cwasm");
    let mut zip = ZipWriter::new(File::create(folder.path("f.zip")).unwrap());
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("hello.cwasm", options).unwrap();
    zip.write_all(&component).unwrap();
    zip.start_file("large", options).unwrap();
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..251 {
        zip.write_all(&zeros).unwrap();
    }
    zip.finish().unwrap();
    let said = folder.fail(&["package", "--check", "f.zip"]);
    says(
        &said,
        &[
            "f.zip: it has 25",
            " of files, and Lambda takes at most 250 MB",
        ],
    );
}

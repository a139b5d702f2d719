//! Rust blocks, which are built as components and compiled.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::markdown::{Block, documents};
use super::{assert_none, root};

/// A crate made of blocks: the project's guest with another `src/lib.rs`, or the files that the blocks name.
fn write_crate<'a>(directory: &Path, base: &str, files: impl Iterator<Item = (&'a str, &'a str)>) {
    drop(fs::remove_dir_all(directory));
    fs::create_dir_all(directory.join("src")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock"] {
        fs::copy(root().join(base).join(file), directory.join(file)).unwrap();
    }
    for (file, text) in files {
        fs::write(directory.join(file), text).unwrap();
    }
}

fn is_done(output: &Output) -> Result<(), String> {
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Builds a crate, and compiles its component as a reader would.
fn build(directory: &Path) -> Result<(), String> {
    let target = root().join("target/guests");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--target", "wasm32-wasip2"])
        .arg("--manifest-path")
        .arg(directory.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    if let Some(rustc) = std::env::var_os("WASM_RUSTC") {
        cargo.env("RUSTC", rustc);
    }
    is_done(&cargo.output().unwrap())?;
    let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
    let name = manifest
        .lines()
        .find_map(|line| line.strip_prefix("name = "));
    let component = format!(
        "wasm32-wasip2/release/{}.wasm",
        name.unwrap().trim_matches('"')
    );
    let output = Command::new(env!("CARGO_BIN_EXE_lambda-wasm"))
        .arg("compile")
        .arg(target.join(component))
        .arg("-o")
        .arg(directory.join("out.cwasm"))
        .output();
    is_done(&output.unwrap())
}

/// Returns a directory for crates, beside which `../wit` is the project's.
fn crates() -> PathBuf {
    let directory = root().join("target/documents");
    fs::create_dir_all(&directory).unwrap();
    let wit = directory.join("wit");
    if !wit.exists() {
        symlink(root().join("wit"), wit).unwrap();
    }
    directory
}

#[test]
fn rust_blocks_are_functions() {
    let directory = crates().join("block");
    let mut problems = Vec::new();
    let mut count = 0;
    let mut report = |block: &Block, built: Result<(), String>| {
        count += 1;
        problems.extend(built.err().map(|why| block.place.problem(why)));
    };
    for document in documents() {
        for block in document.blocks_in("rust").filter(|b| b.file.is_none()) {
            write_crate(
                &directory,
                "guest",
                [("src/lib.rs", block.text.as_str())].into_iter(),
            );
            report(block, build(&directory));
        }
        let is_of_crate = |block: &&Block| {
            let file = block.file.as_deref();
            file.is_some_and(|file| file == "Cargo.toml" || file.ends_with(".rs"))
        };
        let named = || document.blocks.iter().filter(is_of_crate);
        let Some(first) = named().next() else {
            continue;
        };
        let files = named().filter_map(|b| Some((b.file.as_deref()?, b.text.as_str())));
        write_crate(&directory, "examples/rust", files);
        report(first, build(&directory));
    }
    assert!(count >= 2, "{count} crates");
    assert_none(&problems);
}

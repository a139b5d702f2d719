//! Dependencies of Rust that a component cannot have.

use std::fs;

use crate::support::{Folder, Output};

/// A package with these lines under `[dependencies]`.
fn package(folder: &Folder, name: &str, features: &str, dependencies: &str) {
    let directory = folder.path(name);
    fs::create_dir_all(directory.join("src")).unwrap();
    fs::write(directory.join("src/lib.rs"), "").unwrap();
    let features = features.replace(',', " = []\n");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n[lib]\ncrate-type = [\"rlib\"]\n\
         [features]\n{features}\n[dependencies]\n{dependencies}"
    );
    fs::write(directory.join("Cargo.toml"), manifest).unwrap();
}

/// Builds the package `hello`.
fn build(folder: &Folder, variables: &[(&str, &str)]) -> Output {
    let mut command = folder.command(&["build", "hello"]);
    if let Some(rustc) = std::env::var_os("WASM_RUSTC") {
        command.env("RUSTC", rustc);
    }
    command.envs(variables.iter().copied());
    Output::of(command)
}

#[test]
fn packages_that_need_c_are_named_before_the_build_with_what_to_use() {
    let folder = Folder::new();
    package(&folder, "openssl-sys", "", "");
    package(&folder, "ring", "", "");
    package(
        &folder,
        "client",
        "",
        "openssl-sys = { path = \"../openssl-sys\" }\n",
    );
    // What only a build script or a test has is not in the component.
    package(
        &folder,
        "hello",
        "",
        "client = { path = \"../client\" }\n[build-dependencies]\nring = { path = \"../ring\" }\n",
    );
    // Without a C compiler for WebAssembly on `PATH`.
    let cargo = std::path::Path::new(env!("CARGO")).parent().unwrap();
    let path = format!("{}:/nowhere", cargo.display());
    let output = build(&folder, &[("PATH", &path)]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let expected = "error: a component cannot have these dependencies:
  client > openssl-sys: it is not Rust alone, and there is no C compiler for WebAssembly
  hint: use a client of `wasi:http`, such as `wstd`: the host has TLS; for the rest, the crates of RustCrypto\n";
    assert!(output.stderr.ends_with(expected), "{output:?}");
    assert!(!folder.path("hello/target").exists());
    // With one, the build itself decides.
    let output = build(&folder, &[("PATH", &path), ("CC_wasm32_wasip2", "clang")]);
    assert!(!output.stderr.contains("cannot have"), "{output:?}");
}

#[test]
fn features_of_tokio_that_need_an_operating_system_are_named() {
    let folder = Folder::new();
    package(&folder, "tokio", "net,rt,rt-multi-thread,", "");
    let tokio =
        "tokio = { path = \"../tokio\", features = [\"rt\", \"net\", \"rt-multi-thread\"] }\n";
    package(&folder, "hello", "", tokio);
    let output = build(&folder, &[]);
    let expected = "\n  tokio: it does not have the features net, rt-multi-thread on WebAssembly\n  hint: use only sync, ";
    assert!(output.stderr.contains(expected), "{output:?}");
    // A change of the manifest is seen.
    package(
        &folder,
        "hello",
        "",
        &tokio.replace(", \"net\", \"rt-multi-thread\"", ""),
    );
    let output = build(&folder, &[]);
    assert!(!output.stderr.contains("cannot have"), "{output:?}");
    assert!(
        output.stderr.contains("`cargo build` made no component"),
        "{output:?}"
    );
}

//! Artifacts with a trailer that is none, or that says that they are for somewhere else.

use lambda_wasm_host::artifact::{FORMAT, Trailer, WASMTIME};
use lambda_wasm_test_support::arch;

use super::{good_parts, refuse, run};

/// [`good`] with another trailer.
fn with_trailer(change: impl FnOnce(&mut Trailer)) -> Vec<u8> {
    let (mut artifact, mut trailer) = good_parts();
    change(&mut trailer);
    artifact.extend(trailer.to_bytes().unwrap());
    artifact
}

/// [`good`] with a trailer that has this line, of the length that it claims.
fn with_line(line: &str, claimed: u32) -> Vec<u8> {
    let (mut artifact, _) = good_parts();
    artifact.extend(line.as_bytes());
    artifact.extend(claimed.to_le_bytes());
    artifact.extend(b"lmbdwasm");
    artifact
}

fn with_whole_line(line: &str) -> Vec<u8> {
    with_line(line, line.len().try_into().unwrap())
}

#[test]
fn a_trailer_for_another_file() {
    let artifact = with_trailer(|trailer| trailer.length += 1);
    refuse(
        &artifact,
        "Runtime.TrailerInvalid",
        &["was written for", "again"],
    );
    let artifact = with_trailer(|trailer| trailer.length = u64::MAX);
    refuse(&artifact, "Runtime.TrailerInvalid", &["was written for"]);
}

#[test]
fn a_trailer_of_another_format() {
    let artifact = with_trailer(|trailer| trailer.format = FORMAT + 1);
    refuse(
        &artifact,
        "Runtime.TrailerInvalid",
        &[&format!("format is {}", FORMAT + 1), "again", "lambda-wasm"],
    );
}

#[test]
fn a_trailer_that_is_no_json() {
    for line in [
        "",
        "{",
        "null",
        "{}",
        "\0\0\0",
        "\"a string\"",
        &"[".repeat(500_000),
    ] {
        refuse(
            &with_whole_line(line),
            "Runtime.TrailerInvalid",
            &["lambda-wasm"],
        );
    }
}

#[test]
fn a_trailer_of_an_unknown_world() {
    let (_, trailer) = good_parts();
    let line = serde_json::to_string(&trailer)
        .unwrap()
        .replace("handler-function", "tea-function");
    refuse(
        &with_whole_line(&line),
        "Runtime.TrailerInvalid",
        &["tea-function", "lambda-wasm"],
    );
}

#[test]
fn a_trailer_longer_than_its_file() {
    for claimed in [1_000_000, 2_000_000, u32::MAX] {
        refuse(
            &with_line("{}", claimed),
            "Runtime.TrailerInvalid",
            &[&claimed.to_string()],
        );
    }
}

#[test]
fn a_long_trailer_is_read_whole() {
    run(
        &with_trailer(|trailer| trailer.exports.push("x".repeat(20_000))),
        &[],
    );
}

#[test]
fn another_version_of_wasmtime() {
    for version in ["49.0.0", "48.0.1"] {
        let artifact = with_trailer(|trailer| trailer.wasmtime = version.to_owned());
        refuse(
            &artifact,
            "Runtime.WasmtimeMismatch",
            &[version, WASMTIME, "lambda-wasm"],
        );
    }
}

#[test]
fn another_machine() {
    let artifact =
        with_trailer(|trailer| trailer.target = "riscv64gc-unknown-linux-gnu".to_owned());
    refuse(
        &artifact,
        "Runtime.TargetMismatch",
        &[
            "riscv64gc-unknown-linux-gnu",
            &format!("lambda-wasm compile --target {}-unknown-linux-gnu", arch()),
        ],
    );
}

#[test]
fn cpu_features_that_are_not_here() {
    let artifact = with_trailer(|trailer| {
        trailer
            .cpu
            .extend(["teleport".to_owned(), "telepathy".to_owned()]);
    });
    refuse(
        &artifact,
        "Runtime.CpuMismatch",
        &["does not have: teleport, telepathy\n", "--cpu native"],
    );
}

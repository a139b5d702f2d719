//! How many instructions a start and an invocation take, as valgrind counts them. Other programs on the machine change the
//! time that these take, and not their number.

use std::path::PathBuf;

use lambda_wasm_test_support::tools::skip;
use lambda_wasm_test_support::{Deployment, PATIENCE, built, root};

/// The instructions of a process that serves so many events, from its start to its end.
fn instructions(valgrind: &str, invocations: usize) -> u64 {
    let deployment = Deployment::empty();
    std::fs::copy(built("dist/hello.cwasm"), deployment.artifact()).unwrap();
    let callgrind = [
        valgrind,
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
    ];
    let host = deployment.under(&callgrind).start();
    for _ in 0..invocations {
        host.invoke(std::fs::read(root().join("bench/event.json")).unwrap())
            .response();
    }
    assert!(host.api.wait_idle(PATIENCE));
    let log = host.terminate().stderr;
    // "==123== Collected : 1553210"
    let (_, count) = log
        .rsplit_once("Collected : ")
        .unwrap_or_else(|| panic!("{log}"));
    count.lines().next().unwrap().trim().parse().unwrap()
}

fn valgrind() -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join("valgrind"));
    let found: Option<PathBuf> = programs.find(|program| program.is_file());
    if found.is_none() {
        skip(
            "the instructions of a start and of an invocation",
            "there is no valgrind",
        );
    }
    found.map(|program| program.to_str().unwrap().to_owned())
}

/// Checks a number against what was measured, with 5 % more allowed.
#[track_caller]
fn at_most(measured: u64, count: u64) {
    let bound = measured + measured / 20;
    assert!(count <= bound, "{count} instructions instead of {measured}");
}

#[test]
fn a_start_and_an_invocation_take_as_few_instructions_as_before() {
    if !cfg!(target_arch = "x86_64") {
        return skip(
            "the instructions of a start and of an invocation",
            "they were counted on x86_64",
        );
    }
    let Some(valgrind) = valgrind() else {
        return;
    };
    let start = instructions(&valgrind, 0);
    at_most(1_037_000, start);
    const FEW: usize = 10;
    const MANY: usize = 60;
    let few = instructions(&valgrind, FEW);
    let many = instructions(&valgrind, MANY);
    at_most(340_000, (many - few) / (MANY - FEW) as u64);
}

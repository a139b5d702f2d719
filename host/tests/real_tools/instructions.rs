//! How many instructions a start and an invocation take, as valgrind counts them, and how far apart these lie. Other programs
//! on the machine change the time that these take, and nothing else.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lambda_wasm_test_support::tools::skip;
use lambda_wasm_test_support::{Deployment, PATIENCE, built, root};

/// The instructions of a process.
struct Instructions {
    /// How many it has run.
    count: u64,
    /// The blocks of 128 KiB of memory in which these lie. With the read-ahead of that size, each is read from the disk by
    /// itself.
    blocks: BTreeSet<u64>,
}

/// Runs a process that serves so many events, from its start to its end.
fn instructions(valgrind: &str, invocations: usize) -> Instructions {
    let deployment = Deployment::empty();
    let profile = deployment.path().join("profile");
    std::fs::copy(built("dist/hello.cwasm"), deployment.artifact()).unwrap();
    let file = format!("--callgrind-out-file={}", profile.display());
    let callgrind = [
        valgrind,
        "--tool=callgrind",
        "--dump-instr=yes",
        "--compress-pos=no",
        &file,
    ];
    let host = deployment.clone().small().under(&callgrind).start();
    let event = std::fs::read(root().join("bench/event.json")).unwrap();
    for _ in 0..invocations {
        host.invoke(event.clone()).response();
    }
    assert!(host.api.wait_idle(PATIENCE));
    let log = host.terminate().stderr;
    // "==123== Collected : 1553210"
    let (_, count) = log
        .rsplit_once("Collected : ")
        .unwrap_or_else(|| panic!("{log}"));
    // A line of the profile begins with the address of an instruction:
    // https://valgrind.org/docs/manual/cl-format.html
    let profile = std::fs::read_to_string(profile).unwrap();
    let addresses = profile.lines().filter_map(|line| {
        let (address, _) = line.strip_prefix("0x")?.split_once(' ')?;
        u64::from_str_radix(address, 16).ok()
    });
    Instructions {
        count: count.lines().next().unwrap().trim().parse().unwrap(),
        blocks: addresses.map(|address| address / (128 * 1024)).collect(),
    }
}

/// valgrind, where `bootstrap` is the program whose instructions were counted.
fn valgrind() -> Option<String> {
    const NAME: &str = "the instructions of a start and of an invocation";
    let map = root().join("target/x86_64-unknown-linux-musl/bootstrap/bootstrap.map");
    if !map.exists() {
        skip(
            NAME,
            "bootstrap is not linked with musl here, or not for x86_64",
        );
        return None;
    }
    let path = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join("valgrind"));
    let found: Option<PathBuf> = programs.find(|program| program.is_file());
    if found.is_none() {
        skip(NAME, "there is no valgrind");
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
    let Some(valgrind) = valgrind() else {
        return;
    };
    let start = instructions(&valgrind, 0);
    at_most(977_000, start.count);
    // 18 were measured, 7 of them for less than 200 instructions each, which host/startup.ld has not put beside the others. There are
    // more where it has old names: scripts/startup-order.py makes it again.
    let blocks = start.blocks.len();
    assert!(blocks <= 19, "the code of a start lies in {blocks} blocks");
    const FEW: usize = 10;
    const MANY: usize = 60;
    let few = instructions(&valgrind, FEW);
    let many = instructions(&valgrind, MANY);
    at_most(340_000, (many.count - few.count) / (MANY - FEW) as u64);
}

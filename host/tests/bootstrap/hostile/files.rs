//! Folders that a policy grants: what is in them is the guest's to use up, and nothing beside them.

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::Deployment;

use super::{Answers, Bystander, LONG};

const GOOD: &str = "\"good\"";

/// The name of a file in `/tmp`, which all deployments share.
fn scratch() -> String {
    format!("lambda-wasm-hostile-{}", std::process::id())
}

fn start(access: &str) -> Bystander {
    let policy = format!("[files]\n\"/tmp\" = \"{access}\"\n");
    let deployment = Deployment::of("hostile").policy(policy);
    Bystander::start(deployment.env("SCRATCH", &scratch()), GOOD)
}

#[test]
fn no_path_is_too_odd() {
    let bystander = start("read-write");
    let link = format!("link:{}", scratch());
    for command in [
        "long-path:1000000",
        "up-and-up:1000",
        "nul-path",
        &link,
        "link:/proc/self/environ",
        "link:../proc/self/environ",
        "link:../../../../proc/self/environ",
        "link:/dev/zero",
        "link:.",
    ] {
        let answer = bystander.host.ask(command);
        assert!(answer.starts_with("error: "), "{command}: {answer}");
        bystander.goes_on(command);
    }
    bystander.finish();
}

/// What other threads of the host allocate and free for it is counted with it.
#[test]
fn more_than_the_memory_goes_through_files() {
    let bystander = start("read-write");
    for _ in 0..2 {
        let event = Invocation::new("\"again:300\"").timeout(LONG);
        bystander.endure("300 MiB", event, Answers("\"again\""));
    }
    bystander.finish();
}

#[test]
fn a_file_may_say_that_it_is_large() {
    let bystander = start("read-write");
    // Those that no file system has are refused; one that is all holes has a byte at its end.
    for (length, expected) in [
        ("18446744073709551615", "\"error: InvalidInput\""),
        ("9223372036854775808", "\"error: InvalidInput\""),
        ("1099511627776", "\"1\""),
    ] {
        let event = Invocation::new(format!("\"large:{length}\""));
        bystander.endure(length, event, Answers(expected));
    }
    bystander.finish();
}

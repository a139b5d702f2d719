//! The examples that are projects: built by the tool in their own directories, and run in the real `bootstrap`.

use std::path::PathBuf;
use std::process::Command;

use lambda_wasm_test_support::{full_bootstrap, lock, root};

use crate::support::with_tools;

fn directory(example: &str) -> PathBuf {
    root().join("examples").join(example)
}

fn command(example: &str, args: &[&str]) -> Command {
    let mut command = with_tools();
    command.current_dir(directory(example)).args(args);
    command.arg("--bootstrap").arg(full_bootstrap());
    command
}

/// Runs the cases in `tests/` of an example, which builds it. What has not changed is not built again.
#[track_caller]
fn passes_its_tests(example: &str, cases: usize) {
    // `real_tools` uses some of them.
    let _lock = lock(&format!("example-{example}"));
    let output = command(example, &["test"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let all = format!("{cases} passed; 0 failed");
    assert!(
        output.status.success() && said.contains(&all),
        "{example}:\n{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn examples_in_rust_pass_their_tests() {
    passes_its_tests("axum", 4);
    passes_its_tests("s3-event", 5);
}

#[test]
fn examples_in_python_pass_their_tests() {
    passes_its_tests("fastapi", 6);
    passes_its_tests("flask", 4);
    passes_its_tests("sqs-batch", 2);
}

#[test]
fn examples_in_javascript_pass_their_tests() {
    passes_its_tests("hono", 7);
}

#[test]
fn examples_in_go_pass_their_tests() {
    passes_its_tests("schedule", 2);
}

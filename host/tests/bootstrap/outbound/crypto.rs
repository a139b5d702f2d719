//! What `bootstrap` is linked with.

use std::process::Command;

/// AWS-LC gathers entropy for some 50 ms when a process first uses it.
#[test]
fn tls_is_by_ring_and_not_by_aws_lc() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--edges", "normal,build", "--prefix", "none"])
        .args([
            "--package",
            "lambda-wasm-host",
            "--format",
            "{p}",
            "--locked",
        ])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let tree = String::from_utf8(output.stdout).unwrap();
    let has = |name: &str| tree.lines().any(|line| line.starts_with(name));
    assert!(has("ring v") && has("rustls v"));
    assert!(!has("aws-lc"), "{tree}");
}

//! The machine, the time and the subjects of a run.

use std::{env, fs, path::Path, process::Command};

use jiff::Timestamp;

use crate::{built::checkout, cpus::Cpus};

/// Date, CPU, kernel, and our own versions.
pub fn description(cpus: &Cpus) -> String {
    format!(
        "{date}; {cpu}, {cores} CPUs; Linux {kernel}; {rustc}; lambda-wasm {ours} with wasmtime \
         {wasmtime}.",
        date = Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        cpu = cpu_model(),
        cores = cpus.usable,
        kernel = read_line("/proc/sys/kernel/osrelease"),
        rustc = rustc(),
        ours = env!("CARGO_PKG_VERSION"),
        wasmtime = version(checkout(), "wasmtime"),
    )
}

/// Describes the peers and how they were built.
pub fn peers() -> String {
    let peers = checkout().join("bench/peers");
    format!(
        "`lambda_runtime` is {lambda_runtime}, a typed handler, built as `cargo lambda build \
         --release` does (stripped, thin LTO, one codegen unit, panic=abort, its target CPU): on \
         tokio's current thread, where its HTTP client keeps the connection, and on multi-threaded \
         tokio, as its README has it. `ureq` is {ureq}, a loop without wasm that looks at no event: \
         one reads Lambda's acknowledgements, which keeps the connection; the other drops them. \
         `plain HTTP` is the same loop on a bare socket. Both are linked statically, with glibc.",
        lambda_runtime = version(&peers.join("lambda_runtime"), "lambda_runtime"),
        ureq = version(&peers.join("ureq"), "ureq"),
    )
}

/// The same of the peers of `--http`.
pub fn http_peers() -> String {
    let peer = checkout().join("bench/peers/lambda_http");
    format!(
        "`lambda_http` is {lambda_http}, built as `cargo lambda build --release` does, on tokio's \
         current thread and on multi-threaded tokio; `api-function` is the hello of `guest/`, asked by the same event. The \
         functions echo bodies: JSON that is text in the event's JSON, or base64 of bytes, up to \
         the largest event; the larger they are, the fewer calls. A streamed answer is timed from \
         handing out its event to its last byte, in a process of its own; there the ratio is to \
         0.2.",
        lambda_http = version(&peer, "lambda_http"),
    )
}

/// The version of a package that a directory's `Cargo.lock` has.
fn version(folder: &Path, package: &str) -> String {
    let lock = fs::read_to_string(folder.join("Cargo.lock")).unwrap_or_default();
    locked_version(&lock, package).unwrap_or_else(|| "?".to_owned())
}

fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    // x86-64 says "model name"; arm64 gives numbers only.
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(':'));
    model.map_or_else(
        || env::consts::ARCH.to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}

fn read_line(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(
        |_| "rustc ?".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// A package's version in the text of a `Cargo.lock`.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = ")?;
    Some(version.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_locked_version() {
        let lock = "[[package]]\nname = \"a-b\"\nversion = \"2.0.0\"\n\n\
                    [[package]]\nname = \"a\"\nversion = \"1.2.3\"\n";
        assert_eq!(locked_version(lock, "a").as_deref(), Some("1.2.3"));
        assert_eq!(locked_version(lock, "b"), None);
    }
}

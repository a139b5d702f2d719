//! Programs that documents name, and that the tests of the documents do not run.

use super::commands::takes;

/// Programs that are not run here: their subcommands and the options that documents may use.
///
/// None of them need be on a machine that tests.
const OTHERS: &[(&[&str], &[&str])] = &[
    (&["apt-get", "install"], &[]),
    // host/tests/real_tools runs these.
    (&["aws", "lambda", "add-permission"], AWS_CLI),
    (&["aws", "lambda", "create-function"], AWS_CLI),
    (&["aws", "lambda", "create-function-url-config"], AWS_CLI),
    (&["aws", "lambda", "publish-layer-version"], AWS_CLI),
    (&["aws", "lambda", "update-function-code"], AWS_CLI),
    (&["aws", "lambda", "wait", "function-active-v2"], AWS_CLI),
    (
        &["aws", "lambda", "invoke"],
        &["--endpoint-url", "--function-name"],
    ),
    (&["cargo", "fmt"], &["--all"]),
    (&["cargo", "install"], &["--git", "--locked"]),
    (
        &["docker", "build"],
        &["--platform", "--provenance", "-f", "-t"],
    ),
    (&["docker", "push"], &[]),
    (&["gh", "attestation", "verify"], &["--repo"]),
    (&["sha256sum"], &["--check"]),
    (&["openssl", "genpkey"], &["-algorithm", "-out"]),
    (&["openssl", "pkey"], &["-in", "-out", "-pubout"]),
    (&["wac", "plug"], &["--plug", "-o"]),
];

/// Options of the commands that a test runs.
const AWS_CLI: &[&str] = &[
    "--action",
    "--architectures",
    "--auth-type",
    "--code",
    "--compatible-runtimes",
    "--function-name",
    "--function-url-auth-type",
    "--handler",
    "--invoked-via-function-url",
    "--layer-name",
    "--layers",
    "--package-type",
    "--principal",
    "--role",
    "--runtime",
    "--statement-id",
    "--zip-file",
];

/// Checks a command of such a program.
pub fn check(words: &[&str]) -> Result<(), String> {
    let (start, options) = OTHERS
        .iter()
        .find(|(start, _)| words.starts_with(start))
        .ok_or("no check for this program")?;
    takes(&options.join(" "), &words[start.len()..])
}

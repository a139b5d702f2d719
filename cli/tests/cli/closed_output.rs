//! Commands whose output has no reader, or cannot be written.

use std::fs::{self, File};
use std::process::Stdio;

use crate::support::{Folder, Output};

const COMMANDS: [&[&str]; 7] = [
    &["--help"],
    &["completions", "bash"],
    &["compile", "hello.wasm", "-o", "hello.cwasm", "--json"],
    &["doctor"],
    &["inspect", "hello.wasm"],
    &["invoke", "--sample", "list"],
    &["new", "--list"],
];

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    let (_, writer) = std::io::pipe().unwrap();
    writer.into()
}

#[test]
fn a_reader_that_has_gone_fails_no_command() {
    let folder = Folder::with_component();
    for args in COMMANDS {
        let mut command = folder.command(args);
        command.stdout(closed());
        let output = Output::of(command);
        assert_eq!(output.code, Some(0), "{args:?}: {output:?}");
        assert_eq!(output.stderr, "", "{args:?}");
    }
    assert!(fs::metadata(folder.path("hello.cwasm")).is_ok());
}

#[test]
fn an_error_that_nobody_reads_has_its_exit_code() {
    let folder = Folder::new();
    let mut command = folder.command(&["inspect", "missing.wasm"]);
    command.stderr(closed());
    let output = Output::of(command);
    assert_eq!(output.code, Some(1), "{output:?}");
}

#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = folder.command(&["new", "--list"]);
    command.stdout(full);
    let output = Output::of(command);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output
            .stderr
            .starts_with("error: standard output cannot be written: No space left on device"),
        "{output:?}"
    );
}

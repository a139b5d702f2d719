//! What a terminal shows of a step that takes long, and what a pipe gets.

use std::process::{Command, Output};

use crate::support::{Folder, program};

/// Runs the tool with a terminal: `pty` of Python copies what it shows to standard output.
fn on_a_terminal(folder: &Folder, args: &[&str]) -> Output {
    let run = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let path = format!("{}:/usr/bin:/bin", folder.path("tools").display());
    Command::new("/usr/bin/python3")
        .args(["-c", run, env!("CARGO_BIN_EXE_lambda-wasm")])
        .args(args)
        .current_dir(folder.path(""))
        .env("PATH", path)
        .env("TERM", "xterm")
        .env("LAMBDA_WASM_CACHE", folder.path("cache"))
        .output()
        .unwrap()
}

/// A project whose compiler takes a while, says something, and fails.
fn project() -> Folder {
    let folder = Folder::new();
    folder.write("app.py", "");
    folder.write("lambda-wasm.toml", "[build]\nname = \"hello\"\n");
    let script = "#!/bin/sh\n[ \"$1\" != --version ] || { echo Python 3.12.1; exit; }\nsleep 1.3\necho no such module >&2\nexit 4\n";
    program(&folder, "python3", script);
    folder
}

const FAILED: &str = "error: hint: install Python 3.10 or newer with venv (Debian, Ubuntu: apt-get install python3-venv): `python3 -m venv` failed (exit status: 4); its output is above";

#[test]
fn a_terminal_shows_the_step_and_then_clears_it() {
    let folder = project();
    let output = on_a_terminal(&folder, &["build"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    // The step, with the seconds so far.
    let step = "python3 -m venv 1s";
    assert!(shown.contains(step), "{shown:?}");
    // Its line is erased at the end, and the compiler's own line stays.
    let (_, rest) = shown.rsplit_once("python3 -m venv ").unwrap();
    assert!(shown.contains("no such module"), "{shown:?}");
    let after = "\r\u{1b}[2K";
    assert!(
        shown
            .rsplit_once(after)
            .is_some_and(|(_, end)| end.trim_end() == FAILED),
        "{rest:?}"
    );
}

#[test]
fn a_pipe_gets_lines_without_escape_codes() {
    let folder = project();
    let mut command = folder.command(&["build"]);
    command
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", folder.path("tools").display()),
        )
        .env("LAMBDA_WASM_CACHE", folder.path("cache"));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let (first, rest) = said.split_once('\n').unwrap();
    assert!(first.starts_with("installing componentize-py"), "{said}");
    assert_eq!(rest, format!("no such module\n{FAILED}\n"));
    assert_eq!(output.stdout, b"");
}

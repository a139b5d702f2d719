//! What a terminal shows of a step that takes long, and what a pipe gets.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{Folder, processes_in, program, wait_until};

/// The tool with a terminal: `pty` of Python copies standard input to it, and what it shows to standard output.
fn on_a_terminal(folder: &Folder, args: &[&str]) -> Command {
    let run = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let path = format!("{}:/usr/bin:/bin", folder.path("tools").display());
    let mut command = Command::new("/usr/bin/python3");
    command
        .args(["-c", run, env!("CARGO_BIN_EXE_lambda-wasm")])
        .args(args)
        .current_dir(folder.path(""))
        .env("PATH", path)
        .env("TERM", "xterm")
        .env("LAMBDA_WASM_CACHE", folder.path("cache"));
    command
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
    let output = on_a_terminal(&folder, &["build"]).output().unwrap();
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

#[test]
fn ctrl_c_at_a_terminal_ends_the_tool_of_a_language_too() {
    let folder = project();
    let mark = folder.path("started");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" != --version ] || {{ echo Python 3.12.1; exit; }}\ntouch {}\nsleep 50\n",
        mark.display()
    );
    program(&folder, "python3", &script);
    let mut command = on_a_terminal(&folder, &["build"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut terminal = command.spawn().unwrap();
    wait_until("the tool runs", || mark.exists());
    // What a terminal sends for Ctrl-C.
    terminal.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    let output = terminal.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    wait_until("no process is left", || processes_in(&folder).is_empty());
}

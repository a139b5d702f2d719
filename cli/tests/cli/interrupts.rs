//! Ctrl-C and SIGTERM: no process and no half file stays.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lambda_wasm_test_support::components;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::{Folder, processes_in, program, wait_until};
use crate::testing::functions;

/// Starts the tool as the first of a process group, as a shell does. The directory `tools` comes first on `PATH`.
fn start(folder: &Folder, args: &[&str]) -> Child {
    let path = format!("{}:/usr/bin:/bin", folder.path("tools").display());
    Command::new(env!("CARGO_BIN_EXE_lambda-wasm"))
        .args(args)
        .current_dir(folder.path(""))
        .env("PATH", path)
        .env("RUSTC", folder.path("tools/rustc"))
        .env("LAMBDA_WASM_CACHE", folder.path("cache"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Interrupts the tool once it is so far, and checks what is left.
#[track_caller]
fn interrupt(folder: &Folder, args: &[&str], what: &str, is_so: impl Fn() -> bool) {
    for signal in [Signal::INT, Signal::TERM] {
        let mut child = start(folder, args);
        wait_until(what, &is_so);
        let pid = Pid::from_child(&child);
        // A terminal signals the whole group, and a supervisor the process alone.
        match signal {
            Signal::INT => kill_process_group(pid, signal).unwrap(),
            _ => kill_process(pid, signal).unwrap(),
        }
        let status = child.wait().unwrap();
        let expected = if args[0] == "dev" {
            0
        } else {
            128 + signal.as_raw()
        };
        assert_eq!(
            status.code(),
            Some(expected),
            "{args:?}: {:?}",
            status.signal()
        );
        wait_until("no process is left", || processes_in(folder).is_empty());
        let _ = fs::remove_file(folder.path("started"));
    }
}

/// The files of a directory and those below it, apart from the marks of this test.
fn files(directory: &Path) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.to_str().unwrap().to_owned());
        }
    }
    all
}

const WAITS: &str = "#!/bin/sh\ntouch \"$MARK/started\"\nsleep 50\n";

/// Puts a tool on `PATH` that does not end.
fn waits(folder: &Folder, name: &str) {
    let mark = folder.path("");
    program(
        folder,
        name,
        &WAITS.replace("$MARK", mark.to_str().unwrap()),
    );
}

#[test]
fn the_tools_of_every_language_end_with_the_build() {
    for (lang, world, tool) in [
        ("rust", "http", "cargo"),
        ("go", "http", "go"),
        ("c", "handler", "zig"),
        ("js", "http", "npm"),
        ("python", "http", "python3"),
    ] {
        let folder = Folder::new();
        folder.succeed(&["new", "hello", "--lang", lang, "--world", world]);
        waits(&folder, tool);
        // `js` needs both, and installs its compiler by npm first.
        if lang == "js" {
            program(&folder, "node", "#!/bin/sh\necho v24.0.0\n");
        }
        let is_started = || folder.path("started").exists();
        interrupt(
            &folder,
            &["build", "hello"],
            &format!("{tool} runs"),
            is_started,
        );
        assert!(!folder.path("hello/dist").exists(), "{lang}");
        let complete = files(&folder.path(""));
        let complete: Vec<_> = complete
            .iter()
            .filter(|path| path.ends_with("complete"))
            .collect();
        assert_eq!(complete, [""; 0], "{lang}");
    }
}

#[test]
fn a_command_of_the_project_ends_and_dist_stays() {
    let folder = Folder::with_component();
    folder.write("host", "an executable");
    let settings = |command: &str| {
        format!("[build]\nname = \"orders\"\ncommand = \"{command}\"\ncomponent = \"out.wasm\"\n")
    };
    folder.write("lambda-wasm.toml", settings("cp hello.wasm out.wasm"));
    let build = ["build", "--bootstrap", "host"];
    assert_eq!(folder.run(&build).code, Some(0));
    folder.write(
        "lambda-wasm.toml",
        settings("touch started; sleep 50; true"),
    );
    let before = files(&folder.path(""));
    for args in [&build[..], &["dev", "--port", "0"], &["test"]] {
        if args[0] == "test" {
            fs::create_dir(folder.path("tests")).unwrap();
            folder.write("tests/a.toml", "[[test]]\nname = \"a\"\n");
        }
        interrupt(&folder, args, "the command runs", || {
            folder.path("started").exists()
        });
    }
    fs::remove_dir_all(folder.path("tests")).unwrap();
    assert_eq!(files(&folder.path("")), before);
}

#[test]
fn a_component_that_is_being_compiled_leaves_no_artifact() {
    let folder = Folder::new();
    let functions = "(func (result i32) i32.const 1)".repeat(300_000);
    let module = format!(
        r#"(module (memory (export "memory") 1) {functions}
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32) unreachable))"#
    );
    let world = "include lambda:function/handler-function@0.1.0;";
    folder.write("hello.wasm", components::function(world, Some(&module)));
    let before = files(&folder.path(""));
    let args = ["compile", "hello.wasm", "-o", "dist/hello.cwasm"];
    // The compiler has threads of its own.
    let compiles = || {
        let threads =
            |id: &u32| fs::read_dir(format!("/proc/{id}/task")).map_or(0, Iterator::count);
        processes_in(&folder).iter().any(|id| threads(id) > 2)
    };
    interrupt(&folder, &args, "it is compiled", compiles);
    assert_eq!(files(&folder.path("")), before);
}

#[test]
fn a_package_that_is_interrupted_leaves_nothing() {
    let folder = Folder::with_component();
    folder.succeed(&["compile", "hello.wasm", "-o", "dist/hello.cwasm"]);
    folder.write("dist/bootstrap", fs::read("/bin/true").unwrap());
    // Zeros, so that it takes no space.
    let large = File::create(folder.path("dist/data")).unwrap();
    large.set_len(200 * 1024 * 1024).unwrap();
    let before = files(&folder.path(""));
    let begun = || {
        processes_in(&folder)
            .iter()
            .any(|&id| bytes_read(id) > 100 * 1024 * 1024)
    };
    interrupt(&folder, &["package"], "the files are read", begun);
    assert_eq!(files(&folder.path("")), before);
}

#[test]
fn a_function_that_runs_ends_with_its_command() {
    let case = "[[test]]\nname = \"a\"\nfunction = \"Jobs\"\nevent = \"sleep:50000\"\n";
    let folder = functions(case);
    folder.write(
        "template.yaml",
        "Resources:
  Jobs: { Type: AWS::Serverless::Function, Properties: { Handler: handler, Timeout: 60 } }
",
    );
    folder.write("event.json", "\"sleep:50000\"");
    let runs = || processes_in(&folder).len() > 1;
    interrupt(
        &folder,
        &["invoke", "Jobs", "--event", "event.json"],
        "it runs",
        runs,
    );
    interrupt(&folder, &["test"], "it runs", runs);
    interrupt(&folder, &["dev", "--port", "0"], "it runs", runs);
}

/// The bytes that a process has read so far.
fn bytes_read(id: u32) -> u64 {
    let figures = fs::read_to_string(format!("/proc/{id}/io")).unwrap_or_default();
    let read = figures
        .lines()
        .find_map(|line| line.strip_prefix("rchar: "));
    read.map_or(0, |bytes| bytes.parse().unwrap())
}

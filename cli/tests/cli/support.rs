//! Runs the tool in a folder of its own.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use lambda_wasm_test_support::{PATIENCE, components, root};
use tempfile::TempDir;

/// A folder that the tool runs in, so that the paths it prints are short.
pub struct Folder(TempDir);

/// What the tool wrote, and how it ended.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Runs a command to its end.
    pub fn of(mut command: Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With `hello.wasm`, a component that does nothing and can be compiled.
    pub fn with_component() -> Self {
        let folder = Self::new();
        folder.write("hello.wasm", components::function(HANDLER, Some(MODULE)));
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The tool in this folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-wasm"));
        command.args(args).current_dir(self.0.path());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        Output::of(self.command(args))
    }

    /// Runs what succeeds, and returns what it printed.
    #[track_caller]
    pub fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.code, Some(0), "{output:?}");
        assert_eq!(output.stderr, "");
        output.stdout
    }

    /// Runs what fails, and returns what it said.
    #[track_caller]
    pub fn fail(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert_eq!(output.stdout, "");
        assert!(output.stderr.starts_with("error: "), "{output:?}");
        assert!(!output.stderr.contains("panicked at"), "{output:?}");
        output.stderr
    }
}

/// The tool, which finds the tools of languages that the tests have installed.
pub fn with_tools() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-wasm"));
    let mut paths = Vec::new();
    if let Some(tools) = std::env::var_os("LAMBDA_WASM_TOOLS") {
        paths.push(PathBuf::from(tools).join("bin"));
    }
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    command
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("LAMBDA_WASM_CACHE", root().join("target/cache"))
        .env("CARGO_TARGET_DIR", root().join("target/languages"));
    if let Some(rustc) = std::env::var_os("WASM_RUSTC") {
        command.env("RUSTC", rustc);
    }
    command
}

/// The lines of a world.
const HANDLER: &str = "include lambda:function/handler-function@0.1.0;";

/// A handler's core module: one memory, one import besides what every handler may have.
const MODULE: &str = r#"(module
    (import "wasi:cli/exit@0.2.12" "exit" (func (param i32)))
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "lambda:function/handler@0.1.0#handle") (param i32) (result i32) unreachable))"#;

/// The processes whose working directory is in a folder.
pub fn processes_in(folder: &Folder) -> Vec<u32> {
    let directory = folder.path("").canonicalize().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let is_in = |id: &u32| {
        let working = std::fs::read_link(format!("/proc/{id}/cwd"));
        working.is_ok_and(|working| working.starts_with(&directory))
    };
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(is_in).collect()
}

/// Waits for what has to come.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Puts a script into the directory `tools` of a folder.
pub fn program(folder: &Folder, name: &str, script: &str) {
    std::fs::create_dir_all(folder.path("tools")).unwrap();
    let path = folder.path(&format!("tools/{name}"));
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
}

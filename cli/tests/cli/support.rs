//! Runs the tool in a folder of its own.

use std::path::PathBuf;
use std::process::Command;

use lambda_wasm_test_support::{components, root};
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

    pub fn run(&self, args: &[&str]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_lambda-wasm"))
            .args(args)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Output {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
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

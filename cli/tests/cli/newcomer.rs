//! The way of a newcomer, in each language: the tool from its wheel, then `new`, `dev`, a request, an edit, the
//! request again, `invoke`, `test` and `package`. No language has Rust or a C compiler on its machine.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use lambda_wasm_test_support::program::Program;
use lambda_wasm_test_support::{root, small_bootstrap, tools};
use serde_json::Value;
use tempfile::TempDir;
use zip::ZipArchive;

use crate::release;

/// How long a build may take that installs the compiler of its language first.
const BUILD: Duration = Duration::from_secs(600);

/// How long `new` may take, the quickest of five on a machine that may be busy.
const NEW: Duration = Duration::from_millis(100);

/// Hides compilers from a program in a mount namespace of its own: nobody can execute them there.
const HIDE: &str = r#"
for directory in $(echo "$HIDDEN_FROM" | tr : ' '); do
    for name in cc c89 c99 gcc g++ c++ cpp clang ld ld.bfd ld.gold ld.lld as ar cargo rustc rustup; do
        file=$(readlink -e "$directory/$name") && mount --bind /dev/null "$file"
    done
done
exec "$@"
"#;

#[test]
fn python() {
    walk("python", "app.py", &[]);
}

#[test]
fn javascript() {
    walk("js", "app.js", &["node", "npm"]);
}

#[test]
fn go() {
    walk("go", "main.go", &["go"]);
}

#[test]
fn c() {
    walk("c", "main.c", &[]);
}

/// A machine with the tool and with a few programs.
struct Machine {
    folder: TempDir,
    tool: PathBuf,
    lang: &'static str,
    steps: Vec<(&'static str, Duration)>,
}

/// Walks the whole way in a language, whose template has this source. `needed` are the programs that the language
/// needs, and that the tool does not install.
fn walk(lang: &'static str, source: &str, needed: &[&str]) {
    let programs: Option<Vec<_>> = needed.iter().map(|name| tools::tool(name)).collect();
    let Some(programs) = programs else { return };
    if !can_hide() {
        return tools::skip("the way of a newcomer", "`unshare --mount` needs root");
    }
    let mut machine = Machine::new(lang, &programs);
    let project = machine.folder.path().join("hello");

    machine.step("new", |machine| {
        machine.run(&["new", "hello", "--lang", lang]);
    });
    let quickest = machine.quickest_new();
    assert!(quickest < NEW, "{quickest:?}");
    let mut dev = None;
    machine.step("dev, to the first response", |machine| {
        let mut program = Program::start(&mut machine.command(&["dev", "--port", "0", "--json"]));
        let line = program.wait_within(BUILD, "\"listening\"");
        let said: Value = serde_json::from_str(&line).unwrap();
        let address = said["address"].as_str().unwrap().to_owned();
        assert_eq!(get(&address), "Hello, you!\n");
        dev = Some((program, address));
    });
    let (mut dev, address) = dev.unwrap();

    let path = project.join(source);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("Hello"), "{text}");
    machine.step("an edit, to its response", |_| {
        fs::write(&path, text.replace("Hello", "Welcome")).unwrap();
        dev.wait_within(BUILD, "files have changed: restarting");
        assert_eq!(get(&address), "Welcome, you!\n");
    });
    drop(dev);
    machine.step("build, unchanged", |machine| {
        machine.run(&["build"]);
    });
    machine.step("invoke", |machine| {
        let path = [
            "--set",
            "rawPath=/hello/you",
            "--set",
            "requestContext.http.path=/hello/you",
        ];
        let response = machine.run(&[&["invoke", "--sample", "http-api"], &path[..]].concat());
        let response: Value = serde_json::from_str(&response).unwrap();
        assert_eq!(response["body"], "Welcome, you!\n");
    });
    machine.step("package", |machine| {
        machine.run(&["package", "-o", "function.zip"]);
        machine.run(&["package", "--check"]);
    });
    let zip = File::open(project.join("function.zip")).unwrap();
    let mut zip = ZipArchive::new(zip).unwrap();
    let mut bootstrap = Vec::new();
    zip.by_name("bootstrap")
        .unwrap()
        .read_to_end(&mut bootstrap)
        .unwrap();
    assert!(bootstrap == fs::read(small_bootstrap()).unwrap());
    assert!(zip.file_names().any(|name| name == "hello.cwasm"));
    machine.report();
}

/// Whether a process may have a mount namespace of its own.
fn can_hide() -> bool {
    let status = Command::new("unshare").args(["--mount", "true"]).output();
    status.is_ok_and(|output| output.status.success())
}

impl Machine {
    fn new(lang: &'static str, programs: &[PathBuf]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for program in programs {
            symlink(program, bin.join(program.file_name().unwrap())).unwrap();
        }
        let wheel = release::wheel();
        let mut machine = Self {
            tool: folder.path().join("environment/bin/lambda-wasm"),
            folder,
            lang,
            steps: Vec::new(),
        };
        machine.step("install", |machine| {
            release::install(machine.folder.path(), &wheel)
        });
        for compiler in ["cc", "gcc", "rustc", "cargo"] {
            let output = machine.hiding(compiler).arg("--version").output().unwrap();
            assert!(!output.status.success(), "{compiler} is there: {output:?}");
        }
        machine
    }

    /// Does a step, and notes how long it took.
    fn step(&mut self, name: &'static str, step: impl FnOnce(&Self)) {
        let since = Instant::now();
        step(self);
        self.steps.push((name, since.elapsed()));
    }

    /// The quickest of five runs of `new`. To hide the compilers, as in a step, takes longer than that.
    fn quickest_new(&self) -> Duration {
        let times = (0..5).map(|run| {
            let name = format!("project-{run}");
            let mut command = Command::new(&self.tool);
            command.args(["new", &name, "--lang", self.lang, "--json"]);
            let since = Instant::now();
            let output = command.current_dir(self.folder.path()).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            since.elapsed()
        });
        times.min().unwrap()
    }

    /// A program that finds neither Rust nor a C compiler.
    fn hiding(&self, program: impl Into<PathBuf>) -> Command {
        let all = std::env::var_os("PATH").unwrap();
        let project = self.folder.path().join("hello");
        let directory = if project.is_dir() {
            project.as_path()
        } else {
            self.folder.path()
        };
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", HIDE, "sh"])
            .arg(program.into())
            .current_dir(directory)
            .env_remove("WASM_RUSTC")
            .env("HIDDEN_FROM", all)
            .env(
                "PATH",
                format!(
                    "{}:/usr/sbin:/usr/bin:/sbin:/bin",
                    self.folder.path().join("bin").display()
                ),
            )
            .env("LAMBDA_WASM_CACHE", root().join("target/cache"));
        command
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.hiding(&self.tool);
        command.args(args);
        command
    }

    /// Runs what succeeds, and returns what it printed.
    #[track_caller]
    fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{args:?}:\n{stdout}{stderr}");
        stdout
    }

    /// Writes how long the steps took into `target/newcomer/`.
    fn report(&self) {
        let lines = self
            .steps
            .iter()
            .map(|(step, took)| format!("{step}\t{:.2} s\n", took.as_secs_f64()));
        let directory = root().join("target/newcomer");
        fs::create_dir_all(&directory).unwrap();
        fs::write(
            directory.join(format!("{}.tsv", self.lang)),
            lines.collect::<String>(),
        )
        .unwrap();
    }
}

/// Requests `/hello/you`, and returns the body.
fn get(address: &str) -> String {
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    stream
        .write_all(b"GET /hello/you HTTP/1.0\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response.split_once("\r\n\r\n").unwrap().1.to_owned()
}

//! `lambda-wasm dev`, with the functions of `dist/`.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lambda_wasm_test_support::program::{Program, is_running};
use lambda_wasm_test_support::{artifact, built, root};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::http::{Answer, get};

/// The tool, with a `dist/` of its own.
pub struct Dev {
    pub program: Program,
    pub address: String,
    /// The line with the address.
    pub listening: String,
    dist: PathBuf,
    _folder: TempDir,
}

fn command(folder: &Path, port: u16) -> Command {
    command_with(folder, port, &root().join("template.yaml"))
}

fn command_with(folder: &Path, port: u16, template: &Path) -> Command {
    let mut command = Command::new(built("target/release/lambda-wasm"));
    command
        .args(["dev", "--port", &port.to_string()])
        .arg("--dist")
        .arg(folder.join("dist"))
        .arg("--template")
        .arg(template)
        .env_remove("PORT");
    command
}

/// A folder with a copy of `dist/`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    fs::create_dir(&dist).unwrap();
    for name in ["bootstrap", "hello.cwasm"] {
        fs::copy(built(&format!("dist/{name}")), dist.join(name)).unwrap();
    }
    folder
}

impl Dev {
    fn start() -> Self {
        let folder = folder();
        let command = command(folder.path(), 0);
        Self::run(folder, command)
    }

    /// With the functions of this template. Each has its handler, its guest and its policy.
    pub fn of(template: &str, functions: &[(&str, &str, &str)]) -> Self {
        Self::with(template, functions, &[])
    }

    /// With these arguments, too.
    pub fn with(template: &str, functions: &[(&str, &str, &str)], args: &[&str]) -> Self {
        Self::with_variables(template, functions, args, &[])
    }

    /// With these arguments and variables, too.
    pub fn with_variables(
        template: &str,
        functions: &[(&str, &str, &str)],
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        Self::prepared(template, functions, args, variables, |_| ())
    }

    /// With these arguments and variables, and after `prepare` has changed its `dist/`.
    pub fn prepared(
        template: &str,
        functions: &[(&str, &str, &str)],
        args: &[&str],
        variables: &[(&str, &str)],
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let folder = folder();
        for (handler, guest, policy) in functions {
            let dist = folder.path().join("dist");
            fs::copy(artifact(guest), dist.join(format!("{handler}.cwasm"))).unwrap();
            fs::write(dist.join(format!("{handler}.toml")), policy).unwrap();
        }
        fs::remove_file(folder.path().join("dist/hello.cwasm")).unwrap();
        prepare(&folder.path().join("dist"));
        let path = folder.path().join("template.yaml");
        fs::write(&path, template).unwrap();
        let mut command = command_with(folder.path(), 0, &path);
        command.args(args).envs(variables.iter().copied());
        Self::run(folder, command)
    }

    fn run(folder: TempDir, mut command: Command) -> Self {
        let mut program = Program::start(&mut command);
        let listening = program.wait_for("http://127.0.0.1:");
        let start = listening.find("http://").unwrap();
        let address = listening[start..].split([' ', '"']).next();
        Self {
            address: address.unwrap().to_owned(),
            listening,
            program,
            dist: folder.path().join("dist"),
            _folder: folder,
        }
    }

    /// Replaces the policy of a handler.
    pub fn write_policy(&self, handler: &str, policy: &str) {
        fs::write(self.dist.join(format!("{handler}.toml")), policy).unwrap();
    }

    pub fn get(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.address))
    }

    /// Puts a file into the place of hello.cwasm, as builds do it: by rename.
    fn replace_hello(&self, by: &[u8]) {
        let new = self.dist.join("hello.cwasm.new");
        fs::write(&new, by).unwrap();
        fs::rename(new, self.dist.join("hello.cwasm")).unwrap();
    }

    #[track_caller]
    fn assert_hello(&self, path: &str, text: &str) {
        let answer = self.get(path);
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, text));
        assert_eq!(answer.content_type.as_deref(), Some("text/plain"));
    }
}

#[test]
fn routes_of_the_template_are_served() {
    let mut dev = Dev::start();
    dev.program
        .wait_for(&format!("curl {}/hello/developer", dev.address));
    dev.assert_hello("/hello/developer", "Hello, developer!\n");
    dev.assert_hello("/hello/J%C3%BCrgen", "Hello, Jürgen!\n");
    dev.assert_hello("/hello/a%2Fb", "Hello, a/b!\n");
    dev.assert_hello("/hello/%20?name=query", "Hello,  !\n");
    for path in ["/", "/hello", "/hello/a/b", "/elsewhere"] {
        let answer = dev.get(path);
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.body, r#"{"message":"Missing Authentication Token"}"#);
    }
}

#[test]
fn a_component_that_is_replaced_serves_the_next_request() {
    let dev = Dev::start();
    let hello = fs::read(built("dist/hello.cwasm")).unwrap();
    let other = fs::read(artifact("api")).unwrap();
    for _ in 0..3 {
        dev.assert_hello("/hello/one", "Hello, one!\n");
        dev.replace_hello(&other);
        let answer = dev.get("/hello/two");
        assert_eq!(answer.status, 200);
        assert!(answer.body.starts_with("Request {"), "{}", answer.body);
        assert!(
            answer.body.contains("path: \"/hello/two\""),
            "{}",
            answer.body
        );
        dev.replace_hello(&hello);
    }
}

#[test]
fn a_component_that_does_not_load_is_told_and_a_good_one_recovers() {
    let mut dev = Dev::start();
    let hello = fs::read(built("dist/hello.cwasm")).unwrap();
    dev.assert_hello("/hello/one", "Hello, one!\n");
    dev.replace_hello(b"");
    for _ in 0..2 {
        let answer = dev.get("/hello/two");
        assert_eq!(answer.status, 502);
        assert_eq!(answer.body, r#"{"message":"Internal server error"}"#);
    }
    let line = dev.program.wait_for("[FATAL] Runtime.");
    assert!(line.contains("hello.cwasm"), "{line}");
    dev.program
        .wait_for("HelloFunction: the start failed: Runtime.");
    dev.replace_hello(&hello);
    dev.assert_hello("/hello/three", "Hello, three!\n");
}

#[test]
fn a_component_that_the_template_does_not_name_gets_a_function_url() {
    let mut dev = Dev::start();
    let new = dev.dist.join("stray.cwasm.new");
    fs::copy(artifact("handler"), &new).unwrap();
    fs::rename(new, dev.dist.join("stray.cwasm")).unwrap();
    let line = dev.program.wait_for("stray (RESPONSE_STREAM)");
    let mut words = line.split_whitespace();
    let url = words.find(|word| word.starts_with("http://")).unwrap();
    // That function takes commands, but the event is not one.
    let answer = get(url);
    assert_eq!(answer.status, 502);
    assert_eq!(answer.body, "Internal Server Error");
    dev.program.wait_for("stray: ");
}

#[test]
fn signals_end_it_and_all_that_it_started() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let dev = Dev::start();
        dev.assert_hello("/hello/one", "Hello, one!\n");
        let children = dev.program.children();
        assert_eq!(children.len(), 1, "one bootstrap");
        dev.program.signal(signal);
        let (status, took, output) = dev.program.wait();
        assert_eq!(status.code(), Some(0), "{signal:?}: {output}");
        assert!(took < Duration::from_secs(1), "{signal:?}: {took:?}");
        // It was killed; the kernel may take a moment.
        let until = Instant::now() + Duration::from_secs(1);
        while is_running(children[0]) {
            assert!(
                Instant::now() < until,
                "bootstrap still runs after {signal:?}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(!output.contains("FATAL"), "{output}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (status, _, output) = Program::start(&mut command(folder.path(), port)).wait();
    assert_eq!(status.code(), Some(1));
    assert!(
        output.starts_with(&format!("error: port {port} is in use by real_tools-")),
        "{output}"
    );
}

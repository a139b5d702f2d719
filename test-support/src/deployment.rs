//! A function's directory, and the `bootstrap` that runs it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lambda_wasm_emulator::{Invocation, Outcome, RuntimeApi};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::guests::{artifact, compile, compile_once};
use crate::{PATIENCE, built, cpu_emulator, full_bootstrap, small_bootstrap};

/// A directory with the function `hello`, as Lambda has it in `/var/task`, and the environment of its process.
///
/// Clones share the directory. It is removed with the last deployment, host or process that has it.
#[derive(Clone, Debug)]
pub struct Deployment {
    directory: Arc<TempDir>,
    environment: BTreeMap<String, String>,
    descriptors: Option<usize>,
    /// The path of `bootstrap`.
    bootstrap: fn() -> PathBuf,
    /// The program that runs `bootstrap`, with its arguments, if the kernel does not.
    under: Vec<String>,
}

impl Deployment {
    /// Creates an empty directory. The environment has what Lambda sets for the function `hello`, and no Runtime API.
    pub fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let task_root = directory.path().to_str().unwrap().to_owned();
        let environment = [
            ("_HANDLER", "hello".to_owned()),
            ("LAMBDA_TASK_ROOT", task_root),
        ];
        Self {
            directory: Arc::new(directory),
            environment: environment
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            descriptors: None,
            bootstrap: full_bootstrap,
            under: Vec::new(),
        }
    }

    /// Deploys a guest of `host/tests/guests`.
    pub fn of(guest: &str) -> Self {
        let deployment = Self::empty();
        fs::copy(artifact(guest), deployment.artifact()).unwrap();
        deployment
    }

    /// Deploys the function of `guest/`, which `./build.sh` builds.
    pub fn hello() -> Self {
        let deployment = Self::empty();
        let component = built("guest/target/wasm32-wasip2/release/hello.wasm");
        fs::copy(compile_once(&component), deployment.artifact()).unwrap();
        deployment
    }

    /// Compiles and deploys a component.
    #[track_caller]
    pub fn of_component(component: &[u8]) -> Self {
        let deployment = Self::empty().file("hello.wasm", component);
        compile(
            &deployment.path().join("hello.wasm"),
            &deployment.artifact(),
        );
        deployment
    }

    /// Deploys the bytes of an artifact.
    pub fn of_artifact(bytes: &[u8]) -> Self {
        Self::empty().file("hello.cwasm", bytes)
    }

    /// Writes the policy.
    pub fn policy(self, policy: impl AsRef<[u8]>) -> Self {
        self.file("hello.toml", policy)
    }

    /// Writes a file into the directory.
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        fs::write(self.path().join(name), bytes).unwrap();
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets several variables of the environment.
    pub fn envs(self, variables: &[(&str, &str)]) -> Self {
        let set = |deployment: Self, (name, value): &(&str, &str)| deployment.env(name, value);
        variables.iter().fold(self, set)
    }

    /// Has requests trust the certificates of a file.
    pub fn trusting(self, file: &Path) -> Self {
        self.env("SSL_CERT_FILE", file.to_str().unwrap())
    }

    /// Removes a variable of the environment.
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Limits the file descriptors of the process.
    pub fn descriptors(mut self, limit: usize) -> Self {
        self.descriptors = Some(limit);
        self
    }

    /// Runs the small variant of `bootstrap`.
    pub fn small(mut self) -> Self {
        self.bootstrap = small_bootstrap;
        self
    }

    /// Runs `bootstrap` under another program, such as valgrind: its path and its arguments.
    pub fn under(mut self, program: &[&str]) -> Self {
        self.under = program.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the path of the artifact.
    pub fn artifact(&self) -> PathBuf {
        self.path().join("hello.cwasm")
    }

    /// Returns the path of `bootstrap`, or of a script that starts it.
    pub fn program(&self) -> PathBuf {
        let Some(script) = self.script() else {
            return (self.bootstrap)();
        };
        let program = self.path().join("bootstrap.sh");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        program
    }

    /// Starts `bootstrap` with a Runtime API of the emulator.
    pub fn start(&self) -> Host {
        self.start_at("127.0.0.1:0")
    }

    /// Starts `bootstrap` with a Runtime API of the emulator at this address.
    pub fn start_at(&self, address: &str) -> Host {
        let api = RuntimeApi::start(address).unwrap();
        let address = api.address().to_string();
        let process = self.clone().env("AWS_LAMBDA_RUNTIME_API", &address).spawn();
        Host { api, process }
    }

    /// Starts `bootstrap` with a Runtime API of the emulator, and does not read its log.
    pub fn start_unread(&self) -> (RuntimeApi, Unread) {
        let api = RuntimeApi::start("127.0.0.1:0").unwrap();
        let process = self.start_unread_at(&api.address().to_string());
        (api, process)
    }

    /// Starts `bootstrap` with the Runtime API at this address, and does not read its log.
    pub fn start_unread_at(&self, address: &str) -> Unread {
        let mut command = self.command();
        command
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Unread {
            child: command.spawn().unwrap(),
            _directory: self.directory.clone(),
        }
    }

    /// Starts `bootstrap` with the environment as it is.
    pub fn spawn(&self) -> Process {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Process {
            child,
            output: Some((stdout, stderr)),
            _directory: self.directory.clone(),
        }
    }

    /// Returns the commands of a shell that start `bootstrap`. None if the kernel can start it as it is.
    fn script(&self) -> Option<String> {
        let emulator = cpu_emulator();
        if emulator.is_none() && self.descriptors.is_none() {
            return None;
        }
        let limit = self
            .descriptors
            .map(|limit| format!("ulimit -n {limit} && "));
        let bootstrap = (self.bootstrap)().display().to_string();
        let exec = match emulator {
            // The memory of qemu counts as the process's, which therefore restarts itself after a failure, and qemu cannot
            // restart its program. A process whose file is removed goes on.
            Some(emulator) => format!(
                "link='{bootstrap}'.$$ && ln '{bootstrap}' \"$link\" && exec 3<\"$link\" && rm \"$link\" && \
                 exec {emulator} /proc/self/fd/3"
            ),
            None => format!("exec '{bootstrap}'"),
        };
        Some(limit.unwrap_or_default() + &exec)
    }

    /// Returns the command that starts `bootstrap`, with the environment as it is.
    pub fn command(&self) -> Command {
        let mut words = self.under.clone();
        match self.script() {
            Some(script) => words.extend(["/bin/sh".into(), "-c".into(), script]),
            None => words.push((self.bootstrap)().display().to_string()),
        }
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null());
        command
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A `bootstrap` that serves events.
pub struct Host {
    /// The Runtime API that the process requests its events from.
    pub api: RuntimeApi,
    process: Process,
}

impl Host {
    /// Sends an event with the deadline of three seconds.
    pub fn invoke(&self, event: impl Into<Vec<u8>>) -> Outcome {
        self.api.invoke(Invocation::new(event))
    }

    /// Sends a command to a guest that takes commands as JSON strings.
    pub fn command(&self, command: &str) -> Outcome {
        self.invoke(format!("{command:?}"))
    }

    /// Returns the response to a command, as text.
    pub fn ask(&self, command: &str) -> String {
        let answer = self.command(command).response();
        answer
            .json()
            .as_str()
            .unwrap_or_else(|| panic!("no string: {}", answer.text()))
            .to_owned()
    }

    /// Returns the id of the process.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Returns bytes that change when the process re-executes itself: the kernel chooses the addresses again.
    pub fn life(&self) -> Vec<u8> {
        fs::read(format!("/proc/{}/auxv", self.pid())).unwrap()
    }

    /// Sends SIGTERM, and waits until the process ends.
    pub fn terminate(self) -> Output {
        self.process.signal(Signal::TERM);
        self.wait()
    }

    /// Checks that the process runs and kept to the Runtime API's contract, ends it, and returns its output.
    pub fn finish(mut self) -> Output {
        assert!(
            self.api.wait_idle(PATIENCE),
            "it does not ask for the next event"
        );
        assert_eq!(self.api.violations(), []);
        assert!(
            self.process.child.try_wait().unwrap().is_none(),
            "it has ended"
        );
        self.process.child.kill().unwrap();
        self.process.wait()
    }

    /// Waits until the process ends.
    pub fn wait(mut self) -> Output {
        self.process.wait()
    }
}

/// A `bootstrap` without a Runtime API.
pub struct Process {
    child: Child,
    output: Option<(JoinHandle<String>, JoinHandle<String>)>,
    _directory: Arc<TempDir>,
}

impl Process {
    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the process ends.
    pub fn wait(&mut self) -> Output {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(2));
        };
        let (stdout, stderr) = self.output.take().unwrap();
        Output {
            status,
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A `bootstrap` whose log is a pipe that nothing reads.
pub struct Unread {
    child: Child,
    _directory: Arc<TempDir>,
}

impl Deref for Unread {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Unread {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of a `bootstrap`, and its end.
#[derive(Debug)]
pub struct Output {
    /// The exit status.
    pub status: ExitStatus,
    /// The standard output.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
}

//! A running `bootstrap`, with the emulator's Runtime API before it.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lambda_wasm_emulator::{Invocation, Outcome, RuntimeApi};

use super::{PATIENCE, built, functions};

/// How a `bootstrap` is to be started.
pub struct HostBuilder(Command);

impl HostBuilder {
    /// Of the function `handler` in `folder`, with nothing in its environment that is not asked for.
    pub fn new(folder: &Path, handler: &str) -> Self {
        let mut command = Command::new(built("dist/bootstrap"));
        command
            .env_clear()
            .env("_HANDLER", handler)
            .env("LAMBDA_TASK_ROOT", folder);
        Self(command)
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// The process may have so many file descriptors.
    pub fn descriptors(self, limit: usize) -> Self {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &format!("ulimit -n {limit} && exec \"$0\"")])
            .arg(self.0.get_program())
            .env_clear();
        for (name, value) in self.0.get_envs() {
            command.envs(value.map(|value| (name, value)));
        }
        Self(command)
    }

    /// Removes a variable of its environment.
    pub fn without(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Starts it, and has it ask the emulator for events.
    pub fn start(self) -> Host {
        self.start_at("127.0.0.1:0")
    }

    /// The same, with the emulator at this address.
    pub fn start_at(self, address: &str) -> Host {
        let api = RuntimeApi::start(address).unwrap();
        let address = api.address().to_string();
        let process = self.env("AWS_LAMBDA_RUNTIME_API", &address).spawn();
        Host { api, process }
    }

    /// Starts it, and has it ask the emulator for events. Nobody reads what it writes.
    pub fn start_unread(self) -> (RuntimeApi, Child) {
        let api = RuntimeApi::start("127.0.0.1:0").unwrap();
        let child = self.start_unread_at(&api.address().to_string());
        (api, child)
    }

    /// The same, with a Runtime API that is there already.
    pub fn start_unread_at(mut self, address: &str) -> Child {
        self.0
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts it alone.
    pub fn spawn(mut self) -> Process {
        let mut child = self
            .0
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (
            collect(child.stdout.take().unwrap()),
            collect(child.stderr.take().unwrap()),
        );
        Process {
            child,
            output: Some((stdout, stderr)),
        }
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
    /// The Runtime API that it asks for events.
    pub api: RuntimeApi,
    process: Process,
}

impl Host {
    /// The `handler` guest.
    pub fn handler() -> Self {
        HostBuilder::new(functions(), "handler").start()
    }

    /// Sends an event with the deadline of three seconds.
    pub fn invoke(&self, event: impl Into<Vec<u8>>) -> Outcome {
        self.api.invoke(Invocation::new(event))
    }

    /// Sends a command to the `handler` guest.
    pub fn command(&self, command: &str) -> Outcome {
        self.invoke(format!("{command:?}"))
    }

    /// What the `handler` guest answers to a command, as text.
    pub fn ask(&self, command: &str) -> String {
        let answer = self.command(command).response();
        answer
            .json()
            .as_str()
            .unwrap_or_else(|| panic!("no string: {}", answer.text()))
            .to_owned()
    }

    /// Returns the id of its process.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// What differs between two processes, and between two that a process is one after another: where the kernel laid things.
    pub fn life(&self) -> Vec<u8> {
        fs::read(format!("/proc/{}/auxv", self.pid())).unwrap()
    }

    /// Checks that it still runs and kept to the contract, and returns what it wrote.
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

    /// Waits until it ends by itself.
    pub fn wait(mut self) -> Output {
        self.process.wait()
    }
}

/// A `bootstrap` alone.
pub struct Process {
    child: Child,
    output: Option<(JoinHandle<String>, JoinHandle<String>)>,
}

impl Process {
    /// Waits until it ends by itself.
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

/// What it wrote and how it ended.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

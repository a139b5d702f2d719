//! One `bootstrap`, its log, and its size.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lambda_wasm_emulator::ControlGroup;
use lambda_wasm_test_support::Deployment;
use rustix::process::{Pid, Signal, kill_process};

use crate::clock;
use crate::event::{CONTENT, FILE};
use crate::plan::Function;

/// The memory of a function with a whole CPU.
const WHOLE_CPU_MB: u32 = 1769;

/// The memory of the smallest function.
const SMALL_MB: u32 = 128;

/// How a line of the host says that an answer was not delivered.
const UNDELIVERED: [&str; 6] = [
    "could not be sent",
    "did not take",
    "came too late",
    "is too large",
    "was cut off",
    "was given up",
];

/// Where the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTo {
    /// It is read, as JSON.
    Json,
    /// It is read, as text.
    Text,
    /// A device that is full.
    Full,
    /// Standard output and standard error are closed.
    Closed,
    /// A pipe that nothing reads.
    Unread,
}

/// The kind of a process.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// How many invocations it handles at once.
    pub workers: usize,
    /// What it runs.
    pub function: Function,
    /// Where its log goes.
    pub log: LogTo,
    /// Whether its real-time clock is set now and then, where the machine lets it.
    pub clock_is_set: bool,
    /// Whether it has as few file descriptors as it can start with.
    pub is_scarce: bool,
    /// Whether it has no thread to replace a stuck one with, where the machine has control groups.
    pub few_threads: bool,
    /// Whether it writes core dumps, to a disk that is full.
    pub disk_is_full: bool,
    /// Whether it has the CPU of a function of 128 MB, where the machine has control groups.
    pub is_slow: bool,
    /// Whether its policy has `lockdown`.
    pub is_locked_down: bool,
}

/// A process that handles events.
pub struct Environment {
    child: Child,
    _share: ControlGroup,
    log: Arc<Mutex<Log>>,
    readers: Vec<JoinHandle<()>>,
    _deployment: Option<Deployment>,
}

/// What the log says.
#[derive(Default)]
struct Log {
    undelivered: HashSet<String>,
    torn: Vec<String>,
    last: String,
}

/// The size of a process.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// File descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
    /// Memory in KiB.
    pub memory: u64,
}

impl Environment {
    /// Starts a process that asks the Runtime API at an address for events: `bootstrap`, or another runtime.
    ///
    /// # Errors
    ///
    /// Returns an error if the process cannot be started.
    pub fn start(kind: &Kind, runtime: Option<&(PathBuf, String)>, api: &str) -> Result<Self> {
        let (mut command, deployment) = match runtime {
            Some((program, argument)) => {
                let mut command = Command::new(program);
                command.arg(argument);
                (command, None)
            }
            None => {
                let deployment = deployment(kind)?;
                (deployment.command(), Some(deployment))
            }
        };
        let memory_mb = if kind.is_slow { SMALL_MB } else { WHOLE_CPU_MB };
        command
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .env("AWS_LAMBDA_MAX_CONCURRENCY", kind.workers.to_string())
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.to_string())
            .stdin(Stdio::null());
        if kind.log != LogTo::Text {
            command.env("AWS_LAMBDA_LOG_FORMAT", "JSON");
        }
        let full = || fs::File::options().write(true).open("/dev/full");
        match kind.log {
            LogTo::Full => command.stdout(full()?).stderr(full()?),
            LogTo::Closed => command.stdout(Stdio::null()).stderr(Stdio::null()),
            LogTo::Json | LogTo::Text | LogTo::Unread => {
                command.stdout(Stdio::piped()).stderr(Stdio::piped())
            }
        };
        let mut child = command.spawn().context("bootstrap does not start")?;
        let log = Arc::new(Mutex::new(Log::default()));
        let mut readers = Vec::new();
        if matches!(kind.log, LogTo::Json | LogTo::Text) {
            let is_json = kind.log == LogTo::Json;
            if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
                readers.push(read(out, Arc::clone(&log), is_json));
                readers.push(read(err, Arc::clone(&log), is_json));
            }
        }
        let mut share = ControlGroup::of([child.id()]);
        if kind.is_slow {
            // Without control groups here, with the whole CPU.
            let _ = share.limit_cpu(SMALL_MB);
        }
        if kind.few_threads {
            // The workers, the watchdog, and the process that connects for them.
            let threads = kind.workers + 1 + usize::from(kind.is_locked_down);
            let _ = share.limit_threads(threads);
        }
        Ok(Self {
            child,
            _share: share,
            log,
            readers,
            _deployment: deployment,
        })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            // The process may have ended.
            let _ = kill_process(pid, signal);
        }
    }

    /// Sets the real-time clock of the process, which is stopped, so many seconds ahead of this machine's.
    ///
    /// # Errors
    ///
    /// Returns an error if the clock cannot be set now.
    pub fn set_clock(&self, ahead: i64) -> Result<()> {
        clock::set(self.child.id(), ahead)
    }

    /// Stops the process, and waits until it is stopped or has ended.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has ended before.
    pub fn stop(&self) -> Result<()> {
        clock::stop(self.child.id())
    }

    /// Returns whether all threads of the process are stopped, as they are some time after the signal.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        threads.is_ok_and(|mut threads| {
            threads.all(|thread| {
                let status =
                    thread.and_then(|thread| fs::read_to_string(thread.path().join("status")));
                status.is_ok_and(|status| status.contains("State:\tT"))
            })
        })
    }

    /// Returns how the process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until the process ends. `None` if it does not.
    pub fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        loop {
            let status = self.ended();
            if status.is_some() || Instant::now() > until {
                return status;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the log has been read to its end. The process has ended.
    pub fn read_log(&mut self) {
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }

    /// Returns the ids of the invocations of which the log says that their answer was not delivered.
    #[must_use]
    pub fn undelivered(&self) -> HashSet<String> {
        self.log().undelivered.clone()
    }

    /// Returns the lines that are torn.
    #[must_use]
    pub fn torn(&self) -> Vec<String> {
        std::mem::take(&mut self.log().torn)
    }

    /// Returns the last line.
    #[must_use]
    pub fn last_line(&self) -> String {
        self.log().last.clone()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Measures the process.
    ///
    /// # Errors
    ///
    /// Returns an error if it has ended.
    pub fn size(&self) -> Result<Size> {
        let path = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = fs::read_to_string(path.join("status"))?;
        let memory = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|value| value.trim().trim_end_matches(" kB").parse().ok())
            .context("the process has no memory")?;
        Ok(Size {
            descriptors: fs::read_dir(path.join("fd"))?.count() as u64,
            threads: fs::read_dir(path.join("task"))?.count() as u64,
            memory,
        })
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts the function of a kind into a directory.
fn deployment(kind: &Kind) -> Result<Deployment> {
    let (guest, mut policy) = match kind.function {
        Function::Streamed => ("http_p2", "stream = true\n".to_owned()),
        Function::Sending(_) => ("http_p2", "stream = true\n".to_owned()),
        Function::Handler | Function::Plain => ("handler", String::new()),
        Function::Opening => ("hostile", String::new()),
    };
    if kind.is_locked_down {
        policy.push_str("lockdown = true\n");
    }
    let mut deployment = Deployment::of(guest);
    let mut script = Vec::new();
    let mut grants = String::new();
    if kind.disk_is_full {
        let disk = deployment.path().join("dumps");
        fs::create_dir(&disk)?;
        let disk = disk.display();
        policy.push_str(&format!("coredump = \"{disk}\"\n"));
        script.push(format!("mount -t tmpfs -o size=16k none {disk}"));
        script.push(format!("head -c 16384 /dev/zero >{disk}/filled"));
    }
    match kind.function {
        Function::Sending(port) => {
            grants = format!("[http]\nallow = [\"http://127.0.0.1:{port}\"]\n");
        }
        Function::Opening => {
            grants = "[files]\n\"/var/task/data\" = \"read-only\"\n".to_owned();
            fs::create_dir(deployment.path().join("data"))?;
            deployment = deployment.file(&format!("data/{FILE}"), CONTENT);
        }
        _ => {}
    }
    if kind.is_scarce {
        // What the host keeps, and a little for each worker.
        script.push(format!("ulimit -n {}", 40 + 10 * kind.workers));
    }
    let closed = match kind.log {
        LogTo::Closed => " >&- 2>&-",
        _ => "",
    };
    script.push(format!("exec \"$0\"{closed}"));
    let script = script.join(" && ");
    deployment = deployment.policy(policy + &grants);
    deployment = match kind.disk_is_full {
        true => deployment.under(&["unshare", "--mount", "/bin/sh", "-c", &script]),
        false => deployment.under(&["/bin/sh", "-c", &script]),
    };
    Ok(deployment.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
}

/// Reads a stream of the log to its end, on a thread of its own.
fn read(stream: impl Read + Send + 'static, log: Arc<Mutex<Log>>, is_json: bool) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            let text = String::from_utf8_lossy(&line).into_owned();
            log.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(text.trim_end(), is_json);
            line.clear();
        }
    })
}

impl Log {
    fn add(&mut self, line: &str, is_json: bool) {
        let is_host = UNDELIVERED.iter().any(|words| line.contains(words));
        if !is_json {
            let id = line
                .split(|character: char| !(character.is_ascii_alphanumeric() || character == '-'))
                .find(|word| word.len() == 36);
            if let (true, Some(id)) = (is_host, id) {
                self.undelivered.insert(id.to_owned());
            }
        } else {
            match serde_json::from_str::<serde_json::Value>(line) {
                Ok(serde_json::Value::Object(line)) if line.contains_key("timestamp") => {
                    let id = line.get("requestId").and_then(serde_json::Value::as_str);
                    if let (true, Some(id)) = (is_host, id) {
                        self.undelivered.insert(id.to_owned());
                    }
                }
                _ => self.torn.push(line.chars().take(200).collect()),
            }
        }
        self.last = line.chars().take(500).collect();
    }
}

//! One process of a `bootstrap`, its extensions, and their own Runtime API.

use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use lambda_wasm_emulator::{
    ControlGroup, End, ExtensionFailure, Function, Invocation, LogSource, Outcome, RuntimeApi,
    ShutdownReason, variables,
};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::extensions::Extensions;
use super::launch::{command, in_words_of_lambda, spawn};
use super::log::{Destination, Log};
use crate::dev::setup::Code;
use crate::interrupt::{self, Unfinished};

/// Lambda's limit for the init phase.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// The time that a process may take to end after its connections are closed.
const EXIT_PAUSE: Duration = Duration::from_millis(100);

/// The wait for the rest of a log, of an invocation or of a start that failed.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// A bootstrap that runs, or has run. Dropping the value kills it.
pub struct Process {
    // Dropped first, so that the bootstrap does not see its Runtime API close.
    child: Child,
    _unfinished: Unfinished,
    extensions: Extensions,
    api: RuntimeApi,
    log: Arc<Log>,
    memory: MemoryLimit,
    group: Option<ControlGroup>,
}

/// How the memory of a process is limited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MemoryLimit {
    None,
    /// By its control group.
    Group,
    /// By looking now and then whether it is over so many MB.
    Looks(u32),
    /// It was over its limit when a look ended it.
    Exceeded,
}

impl Process {
    /// Starts the extensions and a bootstrap, whose logs go to `log`, and waits until they ask for events.
    ///
    /// # Errors
    ///
    /// Returns the outcome if the start fails.
    pub async fn start(
        function: &Function,
        code: &Code,
        log: Destination,
    ) -> Result<Self, Outcome> {
        let cannot = |error: io::Error| {
            let path = code.bootstrap.display();
            Outcome::Lost(format!("cannot start {path}: {error}"))
        };
        let api = RuntimeApi::start("127.0.0.1:0").map_err(cannot)?;
        api.describe(function);
        let log = Arc::new(log);
        let log_of = |source| {
            let (log, telemetry) = (log.clone(), api.log_sink(source));
            Destination::new(move |lines| {
                telemetry(lines);
                log.take(lines);
            })
        };
        let (log, output) = Log::new(log_of(LogSource::Function)).map_err(cannot)?;
        tokio::spawn(log.clone().follow());
        let until = Instant::now() + INIT_LIMIT;
        let variables = variables::for_function(function, api.address(), &code.root);
        // Lambda starts the runtime when all extensions have registered.
        let extensions_log = log_of(LogSource::Extension);
        let extensions = Extensions::start(&api, &code.root, &variables, extensions_log);
        let mut extensions = extensions.map_err(Outcome::ExtensionFailed)?;
        let registered = extensions.or_exit(&api, api.extensions_registered());
        let registered = timeout_at(until, registered).await;
        extensions.pass_log_on();
        match registered {
            Ok(registered) => registered?,
            Err(_) => return Err(not_within_the_limit("an extension did not register")),
        }
        let leader = extensions.processes().next();
        let spawned = command(&code.bootstrap, &code.root, &variables, &output)
            .and_then(|mut command| spawn(&mut command, leader));
        // The log ends with the processes.
        drop(output);
        let (child, _unfinished) = spawned.map_err(cannot)?;
        let mut process = Self {
            child,
            _unfinished,
            extensions,
            api,
            log,
            memory: MemoryLimit::None,
            group: None,
        };
        let processes = process.processes();
        process.api.measure_memory(move || used_mb(&processes));
        match process.ready(until).await {
            Ok(()) => Ok(process),
            Err(outcome) => {
                process.end(ShutdownReason::Failure).await;
                Err(outcome)
            }
        }
    }

    /// Waits until the bootstrap and the extensions ask for an event.
    async fn ready(&mut self, until: Instant) -> Result<(), Outcome> {
        let ready = async {
            // An init error is posted before the process ends, and says more.
            tokio::select! {
                biased;
                ready = self.extensions.or_exit(&self.api, self.api.ready()) => ready,
                status = self.child.wait() => Err(match self.api.init_error() {
                    Some(post) => Outcome::InitError(post),
                    None => Outcome::Lost(exit_text(status)),
                }),
            }
        };
        let ready = timeout_at(until, ready).await;
        if matches!(ready, Ok(Err(Outcome::InitError(_)))) {
            // It writes the reason to its log, and ends.
            drop(timeout(LOG_PAUSE, self.child.wait()).await);
        }
        self.pass_log_on();
        match (ready, self.extensions.processes().next()) {
            (Ok(ready), _) => ready,
            (Err(_), None) => Err(not_within_the_limit(
                "the bootstrap did not ask for an event",
            )),
            (Err(_), Some(_)) => Err(not_within_the_limit(
                "the bootstrap or an extension did not ask for an event",
            )),
        }
    }

    /// Ends the process when it has more memory than so many MB: by a control group if there can be one, and otherwise by
    /// looking.
    pub fn limit_memory(&mut self, memory_mb: u32) {
        let limited = self.group().limit_memory(memory_mb);
        self.memory = match limited {
            Ok(()) => MemoryLimit::Group,
            Err(_) => MemoryLimit::Looks(memory_mb),
        };
    }

    /// Gives the process the CPU of a function of this memory size.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no control group for it.
    pub fn limit_cpu(&mut self, memory_mb: u32) -> io::Result<()> {
        self.group().limit_cpu(memory_mb)
    }

    fn group(&mut self) -> &mut ControlGroup {
        let processes = self.processes();
        self.group
            .get_or_insert_with(|| ControlGroup::of(processes))
    }

    /// Returns the ids of the process and of the extensions.
    fn processes(&self) -> Vec<u32> {
        let own = self.child.id().into_iter();
        own.chain(self.extensions.processes()).collect()
    }

    /// Returns whether the process was ended for its memory.
    pub fn is_over_memory(&self) -> bool {
        match self.memory {
            MemoryLimit::Group => self
                .group
                .as_ref()
                .is_some_and(ControlGroup::ended_for_memory),
            limit => limit == MemoryLimit::Exceeded,
        }
    }

    /// Returns whether the process still runs, and no extension has failed.
    pub fn is_running(&mut self) -> bool {
        self.extensions.look(&self.api);
        matches!(self.child.try_wait(), Ok(None)) && self.extension_failure().is_none()
    }

    /// Returns the failure of an extension that has ended the environment.
    pub fn extension_failure(&self) -> Option<ExtensionFailure> {
        self.api.extension_failure()
    }

    /// Returns the most memory that the process and the extensions have used, in MB.
    pub fn max_memory_mb(&self) -> Option<u64> {
        used_mb(&self.processes())
    }

    /// Gives the process an event and waits for the outcome.
    pub async fn invoke(&mut self, invocation: Invocation) -> Outcome {
        self.log.begin();
        let outcome = self.api.submit(invocation).outcome();
        self.or_exit(outcome).await
    }

    /// Waits for the end of a streamed response.
    pub async fn follow(&mut self, end: impl Future<Output = End>) -> End {
        let end = self.or_exit(end).await;
        // A process that ends closes its connections first. Its exit status says more.
        match (&end, timeout(EXIT_PAUSE, self.child.wait())) {
            (End::Cut, exit) => exit
                .await
                .map_or(end, |status| End::Lost(exit_text(status))),
            _ => end,
        }
    }

    /// Waits for an event that the end of the process or of an extension also causes.
    async fn or_exit<T>(&mut self, event: impl Future<Output = T>) -> T {
        let over_memory = over_memory(self.processes(), self.memory);
        let mut event = pin!(self.extensions.or_exit(&self.api, event));
        let status = tokio::select! {
            biased;
            event = &mut event => return event,
            status = self.child.wait() => status,
            () = over_memory => {
                self.memory = MemoryLimit::Exceeded;
                drop(self.child.start_kill());
                self.child.wait().await
            }
        };
        self.api.runtime_exited(&exit_text(status));
        event.await
    }

    /// Passes on the log that the process and the extensions have written.
    pub fn pass_log_on(&self) {
        self.log.pass_on();
        self.extensions.pass_log_on();
    }

    /// Waits until the process has ended the invocation. A bootstrap may write to its log after it has
    /// sent the response.
    pub async fn rest(&mut self) {
        tokio::select! {
            _ = self.extensions.or_exit(&self.api, self.api.ready()) => {}
            _ = self.child.wait() => {}
            () = sleep(LOG_PAUSE) => {}
        }
        self.pass_log_on();
    }

    /// Returns the end of the last invocation's log.
    pub fn log_tail(&self) -> Vec<u8> {
        self.log.tail()
    }

    /// Ends the process, and then the extensions, which get the event SHUTDOWN. Only with extensions does
    /// the process have time to end itself, as on Lambda.
    pub async fn end(mut self, reason: ShutdownReason) {
        let begun = Instant::now();
        let limits = self.api.shutdown_limits();
        if let Some(id) = self.child.id().filter(|_| !limits.runtime.is_zero()) {
            interrupt::terminate(id);
            drop(timeout(limits.runtime, self.child.wait()).await);
        }
        // It has ended already if this fails.
        drop(self.child.kill().await);
        let left = limits.total.saturating_sub(begun.elapsed());
        self.extensions.end(&self.api, reason, left).await;
        if let Some(group) = self.group.take() {
            // Removing it may wait for what the process has started.
            drop(tokio::task::spawn_blocking(move || drop(group)));
        }
    }
}

/// Returns the outcome of a start that takes too long.
fn not_within_the_limit(what: &str) -> Outcome {
    Outcome::Lost(format!("{what} within {} seconds", INIT_LIMIT.as_secs()))
}

/// Returns the most memory that processes have used, in MB, or `None` if all have ended.
fn used_mb(processes: &[u32]) -> Option<u64> {
    let used = |process: &u32| status_kb(*process, "VmHWM:");
    let used = processes.iter().filter_map(used).reduce(|sum, kb| sum + kb);
    Some(used?.div_ceil(1024))
}

/// Returns when processes have more memory together than a limit that nothing else keeps.
async fn over_memory(processes: Vec<u32>, limit: MemoryLimit) {
    const PAUSE: Duration = Duration::from_millis(20);
    let MemoryLimit::Looks(memory_mb) = limit else {
        return std::future::pending().await;
    };
    // Files that are mapped do not count: the kernel can take their pages back.
    let anonymous = |process: &u32| status_kb(*process, "RssAnon:");
    while processes.iter().filter_map(anonymous).sum::<u64>() <= u64::from(memory_mb) * 1024 {
        sleep(PAUSE).await;
    }
}

/// Returns a value of `/proc/PROCESS/status` in kB:
/// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.
fn status_kb(process: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim_end().parse().ok()
}

fn exit_text(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("Runtime exited with error: {}", in_words_of_lambda(status)),
        Err(error) => format!("Runtime exited: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Takes an event, and then more memory than it may have.
    const HUNGRY: &str = r#"#!/bin/bash
        exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
        printf "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n" >&3
        read -r line <&3
        held=$(head -c 300000000 /dev/zero | tr '\0' x)
        sleep 60
    "#;

    /// The outcome of a process whose memory is limited by `limit`, and whether it was ended for its memory.
    async fn outcome(limit: impl FnOnce(&mut Process)) -> (Outcome, bool) {
        let folder = tempfile::tempdir().unwrap();
        let code = Code::in_directory(folder.path());
        fs::write(&code.bootstrap, HUNGRY).unwrap();
        fs::set_permissions(&code.bootstrap, Permissions::from_mode(0o755)).unwrap();
        let function = Function::new("F", "f");
        let started = Process::start(&function, &code, Destination::stderr()).await;
        let mut process = started.unwrap();
        limit(&mut process);
        let invocation = Invocation::new("{}").timeout(Duration::from_secs(30));
        let outcome = process.invoke(invocation).await;
        let is_over = process.is_over_memory();
        process.end(ShutdownReason::Spindown).await;
        (outcome, is_over)
    }

    #[test]
    fn a_process_with_more_memory_than_its_limit_is_ended() {
        const LIMIT: u32 = 20;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        let limits: [fn(&mut Process); 2] = [
            // By a control group, where there can be one.
            |process| process.limit_memory(LIMIT),
            |process| process.memory = MemoryLimit::Looks(LIMIT),
        ];
        for limit in limits {
            let (outcome, is_over) = runtime.block_on(outcome(limit));
            let Outcome::Lost(why) = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(why, "Runtime exited with error: signal: killed");
            assert!(is_over);
        }
    }
}

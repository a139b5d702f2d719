//! One process of a `bootstrap`, its extensions, and their own Runtime API.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{self, Arc, PoisonError};
use std::time::Duration;

use lambda_wasm_emulator::{
    ControlGroup, End, ExtensionFailure, Function, Invocation, LogSource, Outcome, RuntimeApi,
    ShutdownReason, variables,
};
use lambda_wasm_host::artifact::signature::TRUST;
use tokio::process::Child;
use tokio::sync::{Mutex, OwnedRwLockReadGuard, RwLock};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::extensions::Extensions;
use super::launch::{command, exit_text, spawn};
use super::log::{Destination, Log};
use super::memory::{MemoryLimit, over_memory, used_mb};
use crate::dev::setup::Code;
use crate::interrupt::{self, Group, Unfinished};

/// Lambda's limit for the init phase.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// The time that a process may take to end after its connections are closed.
const EXIT_PAUSE: Duration = Duration::from_millis(100);

/// The wait for the rest of a log, of an invocation or of a start that failed.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// A bootstrap that runs, or has run. Dropping the value kills it.
pub struct Process {
    // Dropped first, so that the bootstrap does not see its Runtime API close.
    children: Mutex<Children>,
    /// The bootstrap, the extensions, and what they have started.
    all: Group,
    /// The ids of the bootstrap and of the extensions.
    processes: Vec<u32>,
    api: RuntimeApi,
    log: Arc<Log>,
    extensions_log: Option<Arc<Log>>,
    memory: MemoryLimit,
    /// Whether it was over its memory limit when a look ended it.
    is_over_memory: AtomicBool,
    group: sync::Mutex<Option<ControlGroup>>,
    /// Locked for reading by each invocation.
    in_use: Arc<RwLock<()>>,
}

/// The bootstrap and the extensions.
struct Children {
    child: Child,
    _unfinished: Unfinished,
    extensions: Extensions,
}

/// The use of a process by an invocation, until this is dropped.
pub type InUse = OwnedRwLockReadGuard<()>;

impl Process {
    /// Starts the extensions and a bootstrap, whose logs go to `log`, and waits until they ask for events.
    /// With a concurrency over 1, they run as on a Lambda Managed Instance.
    ///
    /// # Errors
    ///
    /// Returns the outcome if the start fails.
    pub async fn start(
        function: &Function,
        code: &Code,
        concurrency: usize,
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
        let mut variables = variables::for_function(function, api.address(), &code.root);
        // `dev` signs nothing that it builds.
        variables.remove(TRUST);
        if concurrency > 1 {
            variables::set_concurrency(&mut variables, concurrency);
            api.set_managed();
        } else if function.has_snap_start {
            api.expect_restore();
        }
        // Lambda starts the runtime when all extensions have registered.
        let extensions_log = log_of(LogSource::Extension);
        let extensions = Extensions::start(&api, &code.root, &variables, extensions_log);
        let mut extensions = extensions.map_err(Outcome::ExtensionFailed)?;
        let registered = extensions.or_exit(&api, api.extensions_registered());
        let registered = timeout_at(until, registered).await;
        extensions.pass_log_on();
        match registered {
            Ok(registered) => registered?,
            Err(_) => {
                let missing = api.missing_extensions().join(", ");
                let what = format!("these extensions did not register: {missing}:");
                return Err(not_within_the_limit(&what));
            }
        }
        let leader = extensions.processes().next();
        let spawned = command(&code.bootstrap, &code.root, &variables, &output)
            .and_then(|mut command| spawn(&mut command, leader));
        // The log ends with the processes.
        drop(output);
        let (child, _unfinished) = spawned.map_err(cannot)?;
        let all = Group::of(leader.or(child.id()));
        let processes: Vec<_> = child
            .id()
            .into_iter()
            .chain(extensions.processes())
            .collect();
        let measured = processes.clone();
        api.measure_memory(move || used_mb(&measured));
        let mut process = Self {
            processes,
            all,
            api,
            log,
            extensions_log: extensions.log(),
            children: Mutex::new(Children {
                child,
                _unfinished,
                extensions,
            }),
            memory: MemoryLimit::None,
            is_over_memory: AtomicBool::new(false),
            group: sync::Mutex::default(),
            in_use: Arc::default(),
        };
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
        // An init error is posted before the process ends, and says more.
        let ready = timeout_at(until, self.or_exit(self.api.ready())).await;
        let children = self.children.get_mut();
        if matches!(ready, Ok(Err(Outcome::InitError(_)))) {
            // It writes the reason to its log, and ends.
            drop(timeout(LOG_PAUSE, children.child.wait()).await);
        }
        let has_extensions = children.extensions.processes().next().is_some();
        self.pass_log_on();
        match ready {
            Ok(ready) => ready,
            Err(_) if has_extensions => Err(not_within_the_limit(
                "the bootstrap or an extension did not ask for an event",
            )),
            Err(_) => Err(not_within_the_limit(
                "the bootstrap did not ask for an event",
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
        let group = self.group.get_mut().unwrap_or_else(PoisonError::into_inner);
        group.get_or_insert_with(|| ControlGroup::of(self.processes.iter().copied()))
    }

    /// Returns whether the process was ended for its memory.
    pub fn is_over_memory(&self) -> bool {
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        match self.memory {
            MemoryLimit::Group => group.as_ref().is_some_and(ControlGroup::ended_for_memory),
            _ => self.is_over_memory.load(Ordering::Relaxed),
        }
    }

    /// Returns whether the process still runs, and no extension has failed.
    pub fn is_running(&self) -> bool {
        // Otherwise an invocation waits for the exit, and tells the Runtime API of it.
        if let Ok(mut children) = self.children.try_lock() {
            children.extensions.look(&self.api);
            match children.child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => self.api.runtime_exited(&exit_text(Ok(status))),
                Err(error) => self.api.runtime_exited(&exit_text(Err(error))),
            }
        }
        !self.api.has_failed()
    }

    /// Returns the failure of an extension that has ended the environment.
    pub fn extension_failure(&self) -> Option<ExtensionFailure> {
        self.api.extension_failure()
    }

    /// Returns the most memory that the process and the extensions have used, in MB.
    pub fn max_memory_mb(&self) -> Option<u64> {
        used_mb(&self.processes)
    }

    /// Begins the use of the process by an invocation.
    pub async fn begin_use(&self) -> InUse {
        self.in_use.clone().read_owned().await
    }

    /// Waits until no invocation uses the process.
    pub async fn end_of_use(&self) {
        drop(self.in_use.write().await);
    }

    /// Gives the process an event and waits for the outcome.
    pub async fn invoke(&self, invocation: Invocation) -> Outcome {
        self.log.begin();
        let outcome = self.api.submit(invocation).outcome();
        self.or_exit(outcome).await
    }

    /// Waits for the end of a streamed response.
    pub async fn follow(&self, end: impl Future<Output = End>) -> End {
        let end = self.or_exit(end).await;
        if !matches!(end, End::Cut) {
            return end;
        }
        // A process that ends closes its connections first. Its exit status says more.
        let exit = async { self.children.lock().await.child.wait().await };
        match timeout(EXIT_PAUSE, exit).await {
            Ok(status) => End::Lost(exit_text(status)),
            Err(_) => end,
        }
    }

    /// Waits for an event that the end of the process or of an extension also causes.
    async fn or_exit<T>(&self, event: impl Future<Output = T>) -> T {
        let mut event = pin!(event);
        tokio::select! {
            biased;
            event = &mut event => return event,
            () = self.exit() => {}
        }
        event.await
    }

    /// Waits until the process or an extension has ended, and tells the Runtime API of it. The first of
    /// several invocations waits for all.
    async fn exit(&self) {
        let mut children = self.children.lock().await;
        let Children {
            child, extensions, ..
        } = &mut *children;
        let status = tokio::select! {
            biased;
            status = child.wait() => status,
            (name, why) = extensions.ended() => {
                return self.api.extension_exited(&name, &why);
            }
            () = over_memory(&self.processes, self.memory) => {
                self.is_over_memory.store(true, Ordering::Relaxed);
                drop(child.start_kill());
                child.wait().await
            }
        };
        self.api.runtime_exited(&exit_text(status));
    }

    /// Passes on the log that the process and the extensions have written.
    pub fn pass_log_on(&self) {
        self.log.pass_on();
        if let Some(log) = &self.extensions_log {
            log.pass_on();
        }
    }

    /// Waits until the process has ended the invocation. A bootstrap may write to its log after it has
    /// sent the response.
    pub async fn rest(&self) {
        tokio::select! {
            _ = self.or_exit(self.api.runtime_ready()) => {}
            () = sleep(LOG_PAUSE) => {}
        }
        self.pass_log_on();
    }

    /// Returns the end of the last invocation's log.
    pub fn log_tail(&self) -> Vec<u8> {
        self.log.tail()
    }

    /// Ends the process, and then the extensions, which get the event SHUTDOWN. Only with extensions does
    /// the process have time to end itself, as on Lambda. Invocations in progress are lost.
    pub async fn end(&self, reason: ShutdownReason) {
        let begun = Instant::now();
        let limits = self.api.shutdown_limits();
        self.api.runtime_exited("the environment has ended");
        let mut children = self.children.lock().await;
        let Children {
            child, extensions, ..
        } = &mut *children;
        if let Some(id) = child.id().filter(|_| !limits.runtime.is_zero()) {
            interrupt::terminate(id);
            drop(timeout(limits.runtime, child.wait()).await);
        }
        // It has ended already if this fails.
        drop(child.kill().await);
        let left = limits.total.saturating_sub(begun.elapsed());
        extensions.end(&self.api, reason, left).await;
        self.all.kill();
        let group = self.group.lock();
        if let Some(group) = group.unwrap_or_else(PoisonError::into_inner).take() {
            // Removing it may wait for what the process has started.
            drop(tokio::task::spawn_blocking(move || drop(group)));
        }
    }
}

/// Returns the outcome of a start that takes too long.
fn not_within_the_limit(what: &str) -> Outcome {
    Outcome::Lost(format!("{what} within {} seconds", INIT_LIMIT.as_secs()))
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
        let started = Process::start(&function, &code, 1, Destination::stderr()).await;
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

//! One process of a `bootstrap`, and its own Runtime API.

use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lambda_wasm_emulator::{End, Function, Invocation, Outcome, RuntimeApi, variables};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::log::{Destination, Log};
use crate::dev::setup::Code;
use crate::interrupt::{self, Begun, Unfinished};

/// Lambda's limit for the init phase.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// The time that a process may take to end after its connections are closed.
const EXIT_PAUSE: Duration = Duration::from_millis(100);

/// The wait for the rest of a log, of an invocation or of a start that failed.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// The variables that a process inherits: programs need them, and they are not secret.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"];

/// A bootstrap that runs, or has run. Dropping the value kills it.
pub struct Process {
    // Dropped first, so that the bootstrap does not see its Runtime API close.
    child: Child,
    _unfinished: Unfinished,
    api: RuntimeApi,
    log: Arc<Log>,
}

impl Process {
    /// Starts a bootstrap, whose log goes to `log`, and waits until it asks for an event.
    ///
    /// # Errors
    ///
    /// Returns the outcome if the start fails.
    pub async fn start(
        function: &Function,
        code: &Code,
        log: Destination,
    ) -> Result<Self, Outcome> {
        let mut process = Self::spawn(function, code, log).map_err(|error| {
            let path = code.bootstrap.display();
            Outcome::Lost(format!("cannot start {path}: {error}"))
        })?;
        let ready = async {
            // An init error is posted before the process ends, and says more.
            tokio::select! {
                biased;
                ready = process.api.ready() => ready.map_err(Outcome::InitError),
                status = process.child.wait() => Err(match process.api.init_error() {
                    Some(post) => Outcome::InitError(post),
                    None => Outcome::Lost(exit_text(status)),
                }),
            }
        };
        let ready = timeout(INIT_LIMIT, ready).await;
        if matches!(ready, Ok(Err(Outcome::InitError(_)))) {
            // It writes the reason to its log, and ends.
            drop(timeout(LOG_PAUSE, process.child.wait()).await);
        }
        process.pass_log_on();
        match ready {
            Ok(Ok(())) => Ok(process),
            Ok(Err(outcome)) => Err(outcome),
            Err(_) => {
                let seconds = INIT_LIMIT.as_secs();
                let why =
                    format!("the bootstrap did not ask for an event within {seconds} seconds");
                Err(Outcome::Lost(why))
            }
        }
    }

    fn spawn(function: &Function, code: &Code, log: Destination) -> io::Result<Self> {
        let api = RuntimeApi::start("127.0.0.1:0")?;
        let (log, output) = Log::new(log)?;
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut command = Command::new(&code.bootstrap);
        command
            .current_dir(&code.root)
            .env_clear()
            .envs(inherited)
            .envs(variables::for_function(function, api.address(), &code.root))
            .stdin(Stdio::null())
            // Both are the log, as on Lambda.
            .stdout(output.try_clone()?)
            .stderr(output)
            // Ctrl-C is for this program, which then ends the process.
            .process_group(0)
            .kill_on_drop(true);
        let begun = |child: &Child| child.id().and_then(Begun::group);
        let (child, unfinished) = interrupt::begin(|| command.spawn(), begun)?;
        tokio::spawn(log.clone().follow());
        Ok(Self {
            child,
            _unfinished: unfinished,
            api,
            log,
        })
    }

    /// Returns whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Returns the most memory that the process has used, in MB: `VmHWM` in
    /// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.
    pub fn max_memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kb: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
        Some(kb.div_ceil(1024))
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

    /// Waits for an event that the end of the process also causes.
    async fn or_exit<T>(&mut self, event: impl Future<Output = T>) -> T {
        let mut event = pin!(event);
        tokio::select! {
            biased;
            event = &mut event => return event,
            status = self.child.wait() => self.api.runtime_exited(&exit_text(status)),
        }
        event.await
    }

    /// Passes on the log that the process has written.
    pub fn pass_log_on(&self) {
        self.log.pass_on();
    }

    /// Waits until the process has ended the invocation. A bootstrap may write to its log after it has
    /// sent the response.
    pub async fn rest(&mut self) {
        tokio::select! {
            _ = self.api.ready() => {}
            _ = self.child.wait() => {}
            () = sleep(LOG_PAUSE) => {}
        }
        self.pass_log_on();
    }

    /// Returns the end of the last invocation's log.
    pub fn log_tail(&self) -> Vec<u8> {
        self.log.tail()
    }

    /// Kills the process and waits until it is gone.
    pub async fn kill(mut self) {
        // It has ended already if this fails.
        drop(self.child.kill().await);
    }
}

fn exit_text(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("Runtime exited with error: {status}"),
        Err(error) => format!("Runtime exited: {error}"),
    }
}

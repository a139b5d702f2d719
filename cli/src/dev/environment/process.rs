//! One process of a `bootstrap`, and the Runtime API that it alone talks to.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use lambda_wasm_emulator::{End, Function, Invocation, Outcome, RuntimeApi, environment};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Lambda's limit for the init phase.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// How long a process whose connections are gone may take to end.
const EXIT_PAUSE: Duration = Duration::from_millis(100);

/// What a process keeps of this one's environment: what programs need to work, and no secrets.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"];

/// A bootstrap that runs, or has run. It is killed when this is dropped.
pub(super) struct Process {
    // Dropped first, so that the bootstrap does not see its Runtime API go.
    child: Child,
    api: RuntimeApi,
}

impl Process {
    /// Starts a bootstrap and waits until it asks for an event, or for what keeps it from that.
    pub async fn start(function: &Function, dist: &Path) -> Result<Self, Outcome> {
        let mut process = Self::spawn(function, dist).map_err(|error| {
            let path = dist.join("bootstrap");
            Outcome::Lost(format!("cannot start {}: {error}", path.display()))
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
        match timeout(INIT_LIMIT, ready).await {
            Ok(Ok(())) => Ok(process),
            Ok(Err(outcome)) => Err(outcome),
            Err(_) => {
                let seconds = INIT_LIMIT.as_secs();
                let why = format!("the bootstrap asked for no event within {seconds} seconds");
                Err(Outcome::Lost(why))
            }
        }
    }

    fn spawn(function: &Function, dist: &Path) -> io::Result<Self> {
        let api = RuntimeApi::start("127.0.0.1:0")?;
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let child = Command::new(dist.join("bootstrap"))
            .current_dir(dist)
            .env_clear()
            .envs(inherited)
            .envs(environment::variables(function, api.address(), dist))
            .stdin(Stdio::null())
            // Logs, as on Lambda; standard output is for what this program says.
            .stdout(io::stderr())
            // Ctrl-C is for this program, which then ends the process.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, api })
    }

    /// Whether the process has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Gives the process an event and waits for what comes of it.
    pub async fn invoke(&mut self, invocation: Invocation) -> Outcome {
        let outcome = self.api.submit(invocation).outcome();
        self.or_exit(outcome).await
    }

    /// Waits for the end of a streamed answer.
    pub async fn follow(&mut self, end: impl Future<Output = End>) -> End {
        let end = self.or_exit(end).await;
        // A process that ends cuts its connections first, and says more by how it ended.
        match (&end, timeout(EXIT_PAUSE, self.child.wait())) {
            (End::Cut, exit) => exit
                .await
                .map_or(end, |status| End::Lost(exit_text(status))),
            _ => end,
        }
    }

    /// Waits for something that the end of the process brings about too.
    async fn or_exit<T>(&mut self, event: impl Future<Output = T>) -> T {
        let mut event = pin!(event);
        tokio::select! {
            biased;
            event = &mut event => return event,
            status = self.child.wait() => self.api.runtime_exited(&exit_text(status)),
        }
        event.await
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

//! A started bootstrap and its Runtime API. Any wrong answer ends the
//! measurement, with the bootstrap's output.

mod load;

use std::{
    collections::HashSet,
    fs::{self, File},
    os::unix::fs::FileExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    cpus::Cpus,
    event::Event,
    process::monotonic_ns,
    runtime_api::{Arrival, RuntimeApi, Wait},
    subject::Subject,
};

pub use load::Load;

/// The time that a bootstrap may take for each step. Under valgrind it is slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time that an invocation may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The most bytes of a wrong body that are shown.
const SHOWN: usize = 2048;

/// A bootstrap that was started; dropping it ends it.
pub struct Running {
    name: String,
    child: Child,
    api: RuntimeApi,
    log: File,
    /// The time just before it was started.
    pub spawned: Instant,
}

/// One event, from its hand-out to its answer.
pub struct Answered {
    /// The time just before the event was sent.
    pub handed_out: Instant,
    /// The time at which the answer was read to its end.
    pub at: Instant,
}

/// Events that are handed out side by side, until each has failed.
pub struct TimedOut {
    /// Lambda's deadline for all of them.
    pub deadline: Instant,
    /// The `/error` of each, in the order of their arrival.
    pub errors: Vec<Arrival>,
    /// The `next` behind each, in the order of their arrival; fewer if the process ended.
    pub nexts: Vec<Arrival>,
}

impl Running {
    /// Starts a subject.
    pub fn start(subject: &Subject, cpus: &Cpus) -> anyhow::Result<Self> {
        Self::start_by(subject.command(), subject, cpus)
    }

    /// Starts a subject by this command, on the bootstraps' CPU.
    pub fn start_by(mut command: Command, subject: &Subject, cpus: &Cpus) -> anyhow::Result<Self> {
        let api = RuntimeApi::bind()?;
        // A file, not a pipe: a pipe would have to be read while time is measured.
        let log = tempfile::tempfile().context("opening a file for the log")?;
        command
            .env("AWS_LAMBDA_RUNTIME_API", api.address()?.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        let (spawned, child) = cpus.spawning(|| {
            // For `--breakdown`: the time from which our own host counts.
            command.env("LAMBDA_WASM_SPAWNED_AT", monotonic_ns()?.to_string());
            let spawned = Instant::now();
            let child = command.spawn();
            let child = child.with_context(|| format!("starting {:?}", command.get_program()))?;
            anyhow::Ok((spawned, child))
        })??;
        Ok(Self {
            name: subject.name.clone(),
            child,
            api,
            log,
            spawned,
        })
    }

    /// Waits for the bootstrap to ask for an event.
    pub fn next(&mut self, wait: Wait) -> anyhow::Result<Arrival> {
        let arrival = self.receive(wait, "GET /runtime/invocation/next")?;
        if arrival.request.path.ends_with("/runtime/invocation/next") {
            Ok(arrival)
        } else {
            bail!(self.complaint("asked for no event", &arrival))
        }
    }

    /// Hands out an event and waits for its answer, which must be the right one.
    pub fn answer(
        &mut self,
        next: &Arrival,
        event: &Event,
        wait: Wait,
    ) -> anyhow::Result<Answered> {
        let deadline = SystemTime::now() + TIMEOUT;
        let (id, handed_out) = self.api.hand_out(next, &event.json, deadline)?;
        let answer = self.receive(wait, "its answer")?;
        self.api.accept(&answer)?;
        let path = &answer.request.path;
        if !path.ends_with(&format!("/runtime/invocation/{id}/response")) {
            bail!(self.complaint("did not answer its event", &answer));
        }
        if !event.is_answered_by(&answer.request) {
            bail!(self.complaint("answered wrongly", &answer));
        }
        Ok(Answered {
            handed_out,
            at: answer.at,
        })
    }

    /// Hands out an event to each of these requests, all with one deadline. Each invocation has to fail. Waits until the same
    /// number of events is requested again, or the process has ended.
    pub fn time_out(
        &mut self,
        held: Vec<Arrival>,
        event: &Event,
        limit: Duration,
    ) -> anyhow::Result<TimedOut> {
        // Lambda's deadline has milliseconds.
        let until = (SystemTime::now() + limit).duration_since(UNIX_EPOCH)?;
        let until = UNIX_EPOCH + Duration::from_millis(u64::try_from(until.as_millis())?);
        let deadline = Instant::now() + until.duration_since(SystemTime::now())?;
        let mut underway = HashSet::new();
        for next in &held {
            underway.insert(self.api.hand_out(next, &event.json, until)?.0);
        }
        let (mut errors, mut nexts) = (Vec::new(), Vec::new());
        while nexts.len() < held.len() {
            const WHAT: &str = "a failure for each event";
            let Some(arrival) = self.receive_or_end(Wait::Asleep, WHAT)? else {
                ensure!(underway.is_empty(), self.ended_before(WHAT)?);
                break;
            };
            if arrival.request.path.ends_with("/runtime/invocation/next") {
                nexts.push(arrival);
                continue;
            }
            self.api.accept(&arrival)?;
            let mut path = arrival.request.path.rsplit('/');
            let (what, id) = (path.next(), path.next());
            if what != Some("error") || !id.is_some_and(|id| underway.remove(id)) {
                bail!(self.complaint("did not fail once for each event", &arrival));
            }
            if !event.is_answered_by(&arrival.request) {
                bail!(self.complaint("failed wrongly", &arrival));
            }
            errors.push(arrival);
        }
        Ok(TimedOut {
            deadline,
            errors,
            nexts,
        })
    }

    /// The number of connections that it has opened so far.
    pub fn connections(&self) -> usize {
        self.api.connections()
    }

    /// Returns the process, for `/proc`.
    pub fn pid(&self) -> Pid {
        // Linux's process ids are i32, std's are u32.
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// The process, and those that it has started.
    pub fn processes(&self) -> anyhow::Result<Vec<u32>> {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"))?;
        let children = children.split_whitespace().map(str::parse);
        let mut processes: Vec<u32> = children.collect::<Result<_, _>>()?;
        processes.push(own);
        Ok(processes)
    }

    /// Returns its stdout and stderr.
    pub fn log(&self) -> anyhow::Result<String> {
        let mut bytes = vec![0; usize::try_from(self.log.metadata()?.len())?];
        self.log.read_exact_at(&mut bytes, 0)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits for its end, and returns its output.
    pub fn wait_for_exit(&mut self) -> anyhow::Result<()> {
        self.child.wait()?;
        Ok(())
    }

    fn receive(&mut self, wait: Wait, what: &str) -> anyhow::Result<Arrival> {
        match self.receive_or_end(wait, what)? {
            Some(arrival) => Ok(arrival),
            None => bail!(self.ended_before(what)?),
        }
    }

    /// Returns the next request, or `None` if the process has ended.
    fn receive_or_end(&mut self, wait: Wait, what: &str) -> anyhow::Result<Option<Arrival>> {
        let since = Instant::now();
        loop {
            let received = self.api.receive(wait);
            if let Some(arrival) = received.with_context(|| format!("talking to {}", self.name))? {
                return Ok(Some(arrival));
            }
            if self.child.try_wait()?.is_some() {
                return Ok(None);
            }
            ensure!(
                since.elapsed() < PATIENCE,
                "{}: no {what} within {} s\n{}",
                self.name,
                PATIENCE.as_secs(),
                self.log()?
            );
        }
    }

    fn ended_before(&mut self, what: &str) -> anyhow::Result<String> {
        let (status, log) = (self.child.wait()?, self.log()?);
        Ok(format!(
            "{} ended with {status}, before {what}\n{log}",
            self.name
        ))
    }

    fn complaint(&self, problem: &str, arrival: &Arrival) -> String {
        let body = &arrival.request.body;
        format!(
            "{} {problem}; it sent {}\n{}\n{}",
            self.name,
            arrival.request.path,
            String::from_utf8_lossy(&body[..body.len().min(SHOWN)]),
            self.log().unwrap_or_default()
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // With the programs that a script has started. Each fails only if it has ended.
        for process in self.processes().unwrap_or_default() {
            let _ = kill(Pid::from_raw(process.cast_signed()), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

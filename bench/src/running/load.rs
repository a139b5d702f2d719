//! A process under load: each request for an event gets one at once.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, bail, ensure};

use super::{PATIENCE, Running, TIMEOUT};
use crate::{event::Event, process::cpu_time, runtime_api::Arrival, statistics::quantile};

/// The events that are under way in a process.
pub struct Load {
    /// When each was handed out, by its id.
    handed_out: HashMap<String, Instant>,
    /// From the start of the process to its first request for an event.
    pub started_within: Duration,
}

/// The calls of some time.
pub struct Loaded {
    /// Nanoseconds from handing out each event to its answer.
    answers: Vec<f64>,
    took: Duration,
    cpu: Duration,
}

impl Load {
    /// Waits until the process has asked for so many events at once, and hands them out.
    pub fn begin(running: &mut Running, events: usize, event: &Event) -> anyhow::Result<Self> {
        let since = Instant::now();
        let mut held = Vec::new();
        while held.len() < events {
            held.extend(running.api.receive_all()?);
            ensure!(
                since.elapsed() < PATIENCE,
                "{} asked for {} events at once instead of {events}\n{}",
                running.name,
                held.len(),
                running.log()?
            );
        }
        let mut load = Self {
            handed_out: HashMap::new(),
            started_within: held
                .first()
                .map_or(Duration::ZERO, |next: &Arrival| next.at - running.spawned),
        };
        for next in &held {
            load.hand_out(running, next, event)?;
        }
        Ok(load)
    }

    /// Keeps the process busy for a while. Events under way at the end are answered in the next run.
    pub fn run(
        &mut self,
        running: &mut Running,
        event: &Event,
        duration: Duration,
    ) -> anyhow::Result<Loaded> {
        let (before, since) = (cpu_time(running.pid())?, Instant::now());
        let mut answers = Vec::new();
        while since.elapsed() < duration {
            for arrival in running.api.receive_all()? {
                if arrival.request.path.ends_with("/runtime/invocation/next") {
                    self.hand_out(running, &arrival, event)?;
                    continue;
                }
                let mut path = arrival.request.path.rsplit('/');
                let (what, id) = (path.next(), path.next());
                let handed_out = id.and_then(|id| self.handed_out.remove(id));
                let handed_out = handed_out.filter(|_| what == Some("response"));
                let is_right = event.is_answered_by(&arrival.request);
                let Some(handed_out) = handed_out.filter(|_| is_right) else {
                    bail!(running.complaint("did not answer its event", &arrival));
                };
                answers.push((arrival.at - handed_out).as_nanos() as f64);
                running.api.accept(&arrival)?;
            }
            if running.child.try_wait()?.is_some() {
                bail!(running.ended_before("the end of the load")?);
            }
        }
        Ok(Loaded {
            answers,
            took: since.elapsed(),
            cpu: cpu_time(running.pid())? - before,
        })
    }

    fn hand_out(
        &mut self,
        running: &mut Running,
        next: &Arrival,
        event: &Event,
    ) -> anyhow::Result<()> {
        let deadline = SystemTime::now() + TIMEOUT;
        let handed_out = running.api.hand_out(next, &event.json, deadline);
        let (id, at) = handed_out.with_context(|| format!("talking to {}", running.name))?;
        self.handed_out.insert(id, at);
        Ok(())
    }
}

impl Loaded {
    /// Calls in a second.
    pub fn per_second(&self) -> f64 {
        self.answers.len() as f64 / self.took.as_secs_f64()
    }

    /// A quantile of the calls, in nanoseconds.
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(&self.answers, share)
    }

    /// Nanoseconds of the CPU for each call.
    pub fn cpu_per_call(&self) -> f64 {
        self.cpu.as_nanos() as f64 / self.answers.len() as f64
    }
}

//! Deadlines: the delay with which a function that does not end is stopped, with invocations side by side.

use std::time::{Duration, Instant};

use crate::{
    args::Effort,
    cpus::Cpus,
    event::Event,
    measurement::Unit,
    report,
    running::{Running, TimedOut},
    runtime_api::{Arrival, Wait},
    statistics::quantile,
    subject::Subject,
};

/// How long Lambda gives each invocation.
pub const TIMEOUT: Duration = Duration::from_millis(250);
/// How long before that the host stops it, where no policy says: `[limits] margin`.
pub const MARGIN: Duration = Duration::from_millis(50);
/// How many invocations there are at the same time.
const CONCURRENCIES: [usize; 5] = [1, 2, 4, 8, 16];
/// The functions, by their paths.
const FUNCTIONS: [(&str, &str); 2] = [("computes", "/compute"), ("waits", "/wait")];

/// A function with so many invocations at the same time, and what was measured of them, in nanoseconds.
struct Case {
    function: &'static str,
    concurrency: usize,
    event: Event,
    /// From the limit to the `/error`.
    stopped: Vec<f64>,
    /// From the `/error` to the next `GET next`.
    ready: Vec<f64>,
    /// The invocations that the watchdog answered, since their threads did not.
    given_up: usize,
    /// Processes that ended, which the host does when it has given up too many threads.
    ended: usize,
    process: Option<Process>,
}

/// A process whose workers all wait for an event.
struct Process {
    running: Running,
    held: Vec<Arrival>,
}

/// A table of both functions, with each number of invocations at the same time.
pub fn deadlines(subject: &Subject, cpus: &Cpus, effort: &Effort) -> anyhow::Result<String> {
    let rounds = effort.starts.div_ceil(20);
    let mut cases = Vec::new();
    for (function, path) in FUNCTIONS {
        for concurrency in CONCURRENCIES {
            cases.push(Case::new(function, path, concurrency)?);
        }
    }
    eprintln!("{rounds} deadlines for each number of invocations at the same time");
    for _ in 0..rounds {
        fastrand::shuffle(&mut cases);
        for case in &mut cases {
            case.round(subject, cpus)?;
        }
    }
    cases.sort_by_key(|case| (case.function, case.concurrency));
    let header = [
        "function",
        "at once",
        "stopped p50",
        "p99",
        "max",
        "ready p50",
        "p99",
        "max",
        "given up",
        "ended",
    ];
    let rows = cases.iter().map(Case::row).collect();
    Ok(report::table(header.map(str::to_owned).to_vec(), rows))
}

impl Case {
    fn new(function: &'static str, path: &str, concurrency: usize) -> anyhow::Result<Self> {
        Ok(Self {
            function,
            concurrency,
            event: Event::get(path, "Function.Timeout")?,
            stopped: Vec::new(),
            ready: Vec::new(),
            given_up: 0,
            ended: 0,
            process: None,
        })
    }

    /// Lets all invocations run into one deadline.
    fn round(&mut self, subject: &Subject, cpus: &Cpus) -> anyhow::Result<()> {
        let Process { mut running, held } = match self.process.take() {
            Some(process) => process,
            None => Process::start(subject, cpus, self.concurrency)?,
        };
        let timed_out = running.time_out(held, &self.event, TIMEOUT)?;
        self.add(&timed_out);
        let held = timed_out.nexts;
        if held.len() == self.concurrency {
            self.process = Some(Process { running, held });
        } else {
            self.ended += 1;
        }
        Ok(())
    }

    fn add(&mut self, timed_out: &TimedOut) {
        let limit = timed_out.deadline - MARGIN;
        for (error, next) in timed_out.errors.iter().zip(&timed_out.nexts) {
            self.ready.push(between(error.at, next.at));
        }
        for error in &timed_out.errors {
            self.stopped.push(between(limit, error.at));
            let why = String::from_utf8_lossy(&error.request.body);
            self.given_up += usize::from(why.contains("was given up"));
        }
    }

    fn row(&self) -> Vec<String> {
        let show = |values: &[f64]| {
            [0.5, 0.99, 1.0].map(|share| Unit::Nanoseconds.show(quantile(values, share)))
        };
        let mut row = vec![self.function.to_owned(), self.concurrency.to_string()];
        row.extend(show(&self.stopped));
        row.extend(show(&self.ready));
        row.push(format!("{} of {}", self.given_up, self.stopped.len()));
        row.push(self.ended.to_string());
        row
    }
}

impl Process {
    fn start(subject: &Subject, cpus: &Cpus, concurrency: usize) -> anyhow::Result<Self> {
        let mut command = subject.command();
        command.env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string());
        let mut running = Running::start_by(command, subject, cpus)?;
        let held = (0..concurrency).map(|_| running.next(Wait::Asleep));
        let held = held.collect::<anyhow::Result<_>>()?;
        Ok(Self { running, held })
    }
}

/// In nanoseconds; negative if the second one came first.
fn between(first: Instant, second: Instant) -> f64 {
    let after = second.saturating_duration_since(first).as_nanos() as f64;
    let before = first.saturating_duration_since(second).as_nanos() as f64;
    after - before
}

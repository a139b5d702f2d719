//! A run: processes of several kinds, one after the other.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;
use rustix::process::{Signal, getuid};

use crate::api::{Api, End, Load};
use crate::clock;
use crate::ledger::{Counts, Wrong};
use crate::origin::Origin;
use crate::plan::{Function, choose, draws};
use crate::process::{Environment, Kind, LogTo, Size};

/// How many events are handed out before the process is measured while it is idle.
const ROUND: u64 = 250;

/// How many rounds a process needs at least until it has its size.
const WARM_UP: usize = 2;

/// How many events a worker needs for that: it keeps 8 MiB of the memory of a guest that had so much.
const EVENTS_TO_WARM_UP: usize = 300;

/// How many sizes of a process there have to be after that. Two alone may be those of a worker that keeps memory, and of one that
/// does not yet.
const FEWEST_SIZES: usize = 8;

/// How much larger a process may be in the second half of its life after that, in KiB, beside a tenth.
const GROWTH: u64 = 4096;

/// How many seconds the clock of a process is set ahead at any time. With a clock that is behind, an event that is on its way gets
/// a later deadline, and a second is what a guest that runs into it may take longer.
///
/// All steps together are less than a day: a deadline that is further away says nothing, and a guest has a quarter of an hour.
const AHEAD: [i64; 7] = [0, 0, 1, -1, 60, 3600, 43_000];

/// The same while no event is on its way.
const AHEAD_WHILE_IDLE: [i64; 4] = [0, -60, -3600, -43_000];

/// A run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed of all plans.
    pub seed: u64,
    /// How many events are handed out at least.
    pub invocations: u64,
    /// How long the run takes at least.
    pub time: Duration,
    /// How many events a process gets at most.
    pub events_per_process: u64,
    /// The numbers of workers of the processes, in turn.
    pub workers: Vec<usize>,
    /// How long a process may take for its next step.
    pub patience: Duration,
    /// A program to test in place of `bootstrap`, and its argument. It gets events without faults.
    pub runtime: Option<(PathBuf, String)>,
}

/// How a process ends after its events.
#[derive(Debug, Clone, Copy)]
enum LastAct {
    Terminate,
    Kill,
    Next(u16),
    Response(u16),
    Gone,
}

/// One process, from its start to its end.
#[derive(Debug)]
pub struct Life {
    /// Its kind.
    pub kind: Kind,
    /// What became of its invocations.
    pub counts: Counts,
    /// Its size each time that it was idle.
    pub sizes: Vec<Size>,
}

/// Runs processes until there were enough events and the time is over. Calls `report` after each process.
///
/// # Errors
///
/// Returns an error if a process cannot be started.
pub fn run(options: &Options, mut report: impl FnMut(&Life)) -> Result<Counts> {
    let until = Instant::now() + options.time;
    let is_enough = |handed| handed >= options.invocations && Instant::now() >= until;
    let mut all = Counts::default();
    let mut number = 0;
    while !is_enough(all.handed_out) {
        // A slow process can take longer for its events than the run is to take.
        let life = live(options, number, |handed| is_enough(all.handed_out + handed))?;
        report(&life);
        all += life.counts;
        number += 1;
    }
    Ok(all)
}

/// Draws the kind of a process. `port` is that of a server for its requests.
fn draw_kind(rng: &mut Rng, number: u64, port: u16, options: &Options) -> Kind {
    let workers = options.workers[number as usize % options.workers.len()];
    if options.runtime.is_some() {
        return Kind {
            workers,
            function: Function::Plain,
            log: LogTo::Json,
            clock_is_set: false,
            is_scarce: false,
            few_threads: false,
            disk_is_full: false,
            is_slow: false,
            is_locked_down: false,
        };
    }
    // Every other process is a plain one, whose log is read.
    let is_odd = rng.bool();
    let function = match rng.u8(..4) {
        0 => Function::Streamed,
        1 => Function::Sending(port),
        2 => Function::Opening,
        _ => Function::Handler,
    };
    Kind {
        workers,
        function,
        log: match (is_odd, rng.u8(..4)) {
            (true, 0) => LogTo::Text,
            (true, 1) => LogTo::Full,
            (true, 2) => LogTo::Closed,
            (true, 3) => LogTo::Unread,
            _ => LogTo::Json,
        },
        clock_is_set: rng.bool() && clock::obstacle().is_none(),
        // Connections need descriptors.
        is_scarce: is_odd && rng.bool() && function != Function::Sending(port),
        few_threads: is_odd && rng.bool(),
        is_slow: workers == 1 && rng.u8(..4) == 0,
        disk_is_full: is_odd && rng.bool() && getuid().is_root(),
        is_locked_down: rng.u8(..3) == 0,
    }
}

/// Runs one process from its start to its end. `is_enough` says whether the run needs no more events than those that the process
/// has had.
fn live(options: &Options, number: u64, is_enough: impl Fn(u64) -> bool) -> Result<Life> {
    let mut rng = draws(options.seed, number);
    let seed = rng.u64(..);
    let origin = Origin::start()?;
    let kind = draw_kind(&mut rng, number, origin.port(), options);
    let is_unread = kind.log == LogTo::Unread;
    let api = Api::start(Load {
        seed,
        function: kind.function,
        is_unread,
        is_slow: kind.is_slow,
    })?;
    let mut environment = Environment::start(&kind, options.runtime.as_ref(), &api.address())?;
    let place = format!("process {number} (seed {}, {kind:?})", options.seed);
    let wrong = |wrong, what: String| {
        api.count(|counts| counts.wrong(wrong, format!("{what}: {place}")));
    };

    let mut sizes = Vec::new();
    let mut handed = 0;
    // From when on the process may not have seen its events.
    let mut unseen_since = None;
    let events = options.events_per_process;
    while handed < events && unseen_since.is_none() && !is_enough(handed) {
        let round = ROUND.min(events - handed);
        if handed > 0 && kind.clock_is_set && environment.stop().is_ok() {
            set_clock(&api, &environment, *choose(&mut rng, &AHEAD_WHILE_IDLE));
            environment.signal(Signal::CONT);
        }
        api.release(round);
        handed += round;
        match settle(&api, &origin, &mut environment, &mut rng, &kind, options) {
            Settled::Idle => sizes.extend(environment.size()),
            Settled::Hung => {
                wrong(Wrong::Hung, api.progress());
                unseen_since = Some(Instant::now());
            }
            Settled::Ended(status) => {
                // Too many threads that are stuck in writes to the log end the process. It says so by its status.
                if !(is_unread && status == Some(1)) {
                    let last = environment.last_line();
                    wrong(Wrong::Died, format!("status {status:?}, {last}"));
                }
                unseen_since = Some(before_now());
            }
        }
    }
    if let Some(growth) = growth(&sizes, kind.workers) {
        wrong(Wrong::Leaked, growth);
    }
    let unseen_since = match unseen_since {
        Some(since) => since,
        None => last_act(&api, &mut environment, &mut rng, &kind, options, wrong),
    };
    drop_process(&mut environment, options.patience);
    let is_read = matches!(kind.log, LogTo::Json | LogTo::Text);
    for line in environment.torn() {
        wrong(Wrong::Torn, line);
    }
    let undelivered = is_read.then(|| environment.undelivered());
    api.settle(undelivered.as_ref(), Some(unseen_since));
    api.count(|counts| {
        counts.processes += 1;
        count_kind(counts, &kind);
    });
    let counts = api.counts();
    Ok(Life {
        kind,
        counts,
        sizes,
    })
}

/// A moment ago: an event that was handed out since then may not have been read.
fn before_now() -> Instant {
    let now = Instant::now();
    now.checked_sub(Duration::from_millis(100)).unwrap_or(now)
}

/// Ends a process that has not ended, and reads its log.
fn drop_process(environment: &mut Environment, patience: Duration) {
    environment.signal(Signal::KILL);
    let _ = environment.wait(patience);
    environment.read_log();
}

fn count_kind(counts: &mut Counts, kind: &Kind) {
    match kind.log {
        LogTo::Json | LogTo::Text => {}
        LogTo::Full => counts.fault("process: log is full"),
        LogTo::Closed => counts.fault("process: log is closed"),
        LogTo::Unread => counts.fault("process: log is not read"),
    }
    if kind.is_scarce {
        counts.fault("process: few file descriptors");
    }
    if kind.few_threads {
        counts.fault("process: no thread is left");
    }
    if kind.is_slow {
        counts.fault("process: the CPU of 128 MB");
    }
    if kind.is_locked_down {
        counts.fault("process: behind the second wall");
    }
    if kind.disk_is_full {
        counts.fault("process: disk is full");
    }
}

enum Settled {
    Idle,
    Hung,
    Ended(Option<i32>),
}

/// Waits until all events have been handled, and stops the process now and then, as Lambda freezes it.
fn settle(
    api: &Api,
    origin: &Origin,
    environment: &mut Environment,
    rng: &mut Rng,
    kind: &Kind,
    options: &Options,
) -> Settled {
    let mut progress = api.progress();
    let mut since = Instant::now();
    while since.elapsed() < options.patience {
        if let Some(status) = environment.ended() {
            return Settled::Ended(status.code());
        }
        if api.is_idle(kind.workers) {
            return Settled::Idle;
        }
        let now = api.progress();
        if now != progress {
            (progress, since) = (now, Instant::now());
        }
        thread::sleep(Duration::from_millis(rng.u64(1..10)));
        if options.runtime.is_none() && rng.u8(..) < 10 {
            environment.signal(Signal::STOP);
            thread::sleep(Duration::from_millis(rng.u64(1..150)));
            let is_stopped = environment.is_stopped();
            let ended = match is_stopped && rng.bool() {
                true => origin.end_idle(rng.bool()),
                false => 0,
            };
            if is_stopped && kind.clock_is_set && rng.u8(..3) == 0 {
                set_clock(api, environment, *choose(rng, &AHEAD));
            }
            environment.signal(Signal::CONT);
            api.note_stop();
            api.count(|counts| {
                counts.fault("process: stopped and continued");
                counts.faults(
                    "origin: idle connection ends while the process is stopped",
                    ended,
                );
            });
        }
    }
    Settled::Hung
}

/// Sets the clock of a process that is stopped so many seconds ahead. A thread that just reads the clock can prevent that.
fn set_clock(api: &Api, environment: &Environment, ahead: i64) {
    let _ = api.set_clock(ahead, || environment.set_clock(ahead));
}

/// Ends the process while it handles a last round of events, in one of the ways in which an environment ends. Returns from when
/// on it may not have seen its events.
fn last_act(
    api: &Api,
    environment: &mut Environment,
    rng: &mut Rng,
    kind: &Kind,
    options: &Options,
    wrong: impl Fn(Wrong, String),
) -> Instant {
    let act = match rng.u8(..6) {
        0 | 1 => LastAct::Terminate,
        2 => LastAct::Next(if rng.bool() { 403 } else { 500 }),
        3 => LastAct::Response(500),
        4 => LastAct::Gone,
        _ => LastAct::Kill,
    };
    let begun = Instant::now();
    if options.runtime.is_some() {
        return begun;
    }
    api.release(20);
    thread::sleep(Duration::from_millis(rng.u64(..20)));
    let unseen_since = match act {
        // Nobody can tell what becomes of the invocations under way.
        LastAct::Kill => return begun,
        // Where the log is not read, nobody can tell that no answer could be delivered.
        LastAct::Gone if !matches!(kind.log, LogTo::Json | LogTo::Text) => begun,
        _ => before_now(),
    };
    let (code, name) = match act {
        LastAct::Terminate | LastAct::Kill => {
            environment.signal(Signal::TERM);
            (0, "process: SIGTERM")
        }
        LastAct::Next(status) => {
            api.end(End::Next(status));
            (1, "next: final status")
        }
        LastAct::Response(status) => {
            api.end(End::Response(status));
            // For a response that it is the reply to.
            api.release(kind.workers as u64);
            (1, "response: final status")
        }
        LastAct::Gone => {
            api.end(End::Gone);
            (1, "the Runtime API goes away")
        }
    };
    api.count(|counts| counts.fault(name));
    match environment.wait(options.patience) {
        None => wrong(Wrong::Hung, format!("it does not end: {act:?}")),
        Some(status) if status.code() != Some(code) => {
            let last = environment.last_line();
            wrong(Wrong::Died, format!("{status} after {act:?}, {last}"));
        }
        Some(_) => {}
    }
    unseen_since
}

/// Returns how a process has grown since it had its size, if it has: how much larger both its usual and its largest size are in the
/// second half of that time. A worker whose deadline has passed keeps its instance until the next event, so the largest size alone
/// says little. Workers keep memory of a guest or do not, so the usual size alone says little, too.
fn growth(sizes: &[Size], workers: usize) -> Option<String> {
    let warm = WARM_UP.max(workers * EVENTS_TO_WARM_UP / ROUND as usize);
    let sizes = sizes
        .get(warm..)
        .filter(|sizes| sizes.len() >= FEWEST_SIZES)?;
    let (before, after) = sizes.split_at(sizes.len() / 2);
    let grows = |of: fn(&Size) -> u64, by: fn(u64) -> u64| {
        let (before, after) = (sorted(before, of), sorted(after, of));
        let exceeds = |before: u64, after: u64| after > before + by(before);
        exceeds(before[before.len() / 2], after[after.len() / 2])
            && exceeds(before[before.len() - 1], after[after.len() - 1])
    };
    let is_larger = grows(|size| size.descriptors, |_| 2)
        || grows(|size| size.threads, |_| 2)
        || grows(|size| size.memory, |before| before / 10 + GROWTH);
    is_larger.then(|| format!("{before:?}, then {after:?}"))
}

fn sorted(sizes: &[Size], of: fn(&Size) -> u64) -> Vec<u64> {
    let mut numbers: Vec<u64> = sizes.iter().map(of).collect();
    numbers.sort_unstable();
    numbers
}

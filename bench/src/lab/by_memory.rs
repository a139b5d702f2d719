//! The original experiment: response times of cold and warm environments by memory size.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use lambda_wasm_emulator::ControlGroup;

use super::figure::Figure;
use crate::{
    args::Effort, cpus::Cpus, event::Event, measurement::Unit, running::Running, runtime_api::Wait,
    subject::Subject,
};

/// Memory sizes in MB: from Lambda's smallest to the one with a whole CPU.
const SIZES: [u32; 5] = [128, 256, 512, 1024, 1769];

/// The time between two single calls: longer than the interval of a share, so that each finds the whole share.
const APART: Duration = Duration::from_millis(25);
/// Single calls of each environment.
const SINGLE: usize = 10;
/// Calls of each environment, one at once behind the other.
const BUSY: usize = 20;

/// The durations of the calls of one environment, in nanoseconds.
struct Times {
    cold: f64,
    warm: Vec<f64>,
    busy: f64,
}

/// A figure for each way of a call.
pub fn figures(runtimes: &[Subject], cpus: &Cpus, effort: &Effort) -> anyhow::Result<Vec<Figure>> {
    let event = Event::http_api()?;
    let figure = |file, title| {
        let names = runtimes.iter().map(|subject| subject.name.as_str());
        Figure::new(file, title, "memory size in MB", Unit::Nanoseconds, names)
    };
    let mut cold = figure("cold", "Response time of a cold environment");
    let mut warm = figure("warm", "Response time of a warm environment");
    let mut busy = figure("busy", "Time of a call in a busy environment");
    let environments = effort.starts.div_ceil(100);
    for size in SIZES {
        eprintln!("{environments} environments of each runtime with {size} MB");
        let mut order: Vec<usize> = (0..runtimes.len()).collect();
        let mut times: Vec<Vec<Times>> = Vec::new();
        times.resize_with(runtimes.len(), Vec::new);
        for _ in 0..environments {
            fastrand::shuffle(&mut order);
            for &index in &order {
                times[index].push(environment(&runtimes[index], size, cpus, &event)?);
            }
        }
        for (index, times) in times.iter().enumerate() {
            let each = |of: fn(&Times) -> f64| -> Vec<f64> { times.iter().map(of).collect() };
            cold.push(index, size, &each(|times| times.cold));
            busy.push(index, size, &each(|times| times.busy));
            let single: Vec<f64> = times.iter().flat_map(|times| times.warm.clone()).collect();
            warm.push(index, size, &single);
        }
    }
    Ok(vec![cold, warm, busy])
}

/// The life of one environment.
fn environment(subject: &Subject, size: u32, cpus: &Cpus, event: &Event) -> anyhow::Result<Times> {
    let mut running = Running::start(subject, cpus)?;
    let mut next = running.next(Wait::Asleep)?;
    let mut share = ControlGroup::of(running.processes()?);
    share.limit_cpu(size).context("limiting the CPU")?;
    let init = next.at - running.spawned;
    let first = running.answer(&next, event, Wait::Asleep)?;
    let cold = init + (first.at - first.handed_out);
    next = running.next(Wait::Asleep)?;
    let mut warm = Vec::new();
    for _ in 0..SINGLE {
        thread::sleep(APART);
        let answer = running.answer(&next, event, Wait::Asleep)?;
        next = running.next(Wait::Asleep)?;
        warm.push((answer.at - answer.handed_out).as_nanos() as f64);
    }
    let since = Instant::now();
    for _ in 0..BUSY {
        running.answer(&next, event, Wait::Asleep)?;
        next = running.next(Wait::Asleep)?;
    }
    let busy = since.elapsed().as_nanos() as f64 / BUSY as f64;
    drop(running);
    drop(share);
    Ok(Times {
        cold: cold.as_nanos() as f64,
        warm,
        busy,
    })
}

//! One process with several invocations at once, as on Lambda Managed Instances, beside `lambda_runtime`.

use std::{path::Path, time::Duration};

use super::figure::Figure;
use crate::{
    args::{Args, Effort},
    built,
    cpus::Cpus,
    event::Event,
    lineup,
    measurement::Unit,
    process::Footprint,
    running::{Load, Running},
    subject::{FUNCTION, Subject},
    upstream::{ANSWER, Upstream},
};

/// `AWS_LAMBDA_MAX_CONCURRENCY`.
const WORKERS: [u32; 5] = [1, 2, 8, 64, 512];

/// How long the upstream takes.
const UPSTREAM: Duration = Duration::from_millis(50);

/// Ours and the peer, for each kind of function.
pub struct Pairs {
    light: [Subject; 2],
    waiting: [Subject; 2],
    /// Answers the requests of the functions that wait.
    _upstream: Upstream,
}

impl Pairs {
    /// Builds the functions.
    pub fn find(args: &Args) -> anyhow::Result<Self> {
        let upstream = Upstream::slow(UPSTREAM)?;
        let origin = &upstream.origin;
        let peer = built::peer("lambda_runtime_concurrent")?.join("peer-lambda-runtime-concurrent");
        let pair = |bootstrap: &Path, component: &Path| -> anyhow::Result<[Subject; 2]> {
            Ok([
                Subject::new("lambda-wasm", bootstrap, component)?,
                Subject::new("lambda_runtime", &peer, Path::new(""))?,
            ])
        };
        let hello = lineup::dist(args).join(FUNCTION);
        let light = pair(&lineup::bootstrap_for(args, &hello)?, &hello)?;
        let sends = built::component("bench/guests", "sandbox_p2")?;
        let mut waiting = pair(&lineup::full_bootstrap(args), &sends)?;
        waiting[0].give_policy(&format!("[http]\nallow = [\"{origin}\"]\n"))?;
        for subject in &mut waiting {
            subject.give_variable("URL", origin);
        }
        Ok(Self {
            light,
            waiting,
            _upstream: upstream,
        })
    }
}

/// A figure for each quantity and kind of function.
pub fn figures(pairs: &Pairs, effort: &Effort) -> anyhow::Result<Vec<Figure>> {
    let mut figures = of_kind(
        &pairs.light,
        [
            ("light-throughput", "Calls in a second, hello"),
            ("light-p50", "Time of a call, hello, p50"),
            ("light-p99", "Time of a call, hello, p99"),
            ("light-cpu", "CPU of a call, hello"),
            ("light-memory", "Peak memory, hello"),
            ("light-start", "Start to the first `next`, hello"),
        ],
        &Event::http_api()?,
        effort,
    )?;
    figures.extend(of_kind(
        &pairs.waiting,
        [
            (
                "waiting-throughput",
                "Calls in a second, outbound call of 50 ms",
            ),
            ("waiting-p50", "Time of a call, outbound call of 50 ms, p50"),
            ("waiting-p99", "Time of a call, outbound call of 50 ms, p99"),
            ("waiting-cpu", "CPU of a call, outbound call of 50 ms"),
            ("waiting-memory", "Peak memory, outbound call of 50 ms"),
            (
                "waiting-start",
                "Start to the first `next`, outbound call of 50 ms",
            ),
        ],
        &Event::get("/get", ANSWER)?,
        effort,
    )?);
    Ok(figures)
}

fn of_kind(
    pair: &[Subject; 2],
    titles: [(&'static str, &'static str); 6],
    event: &Event,
    effort: &Effort,
) -> anyhow::Result<Vec<Figure>> {
    let cpus = Cpus::all_together()?;
    let units = [
        Unit::Count,
        Unit::Nanoseconds,
        Unit::Nanoseconds,
        Unit::Nanoseconds,
        Unit::Bytes,
        Unit::Nanoseconds,
    ];
    let mut figures: Vec<Figure> = titles
        .into_iter()
        .zip(units)
        .map(|((file, title), unit)| {
            let names = pair.iter().map(|subject| subject.name.as_str());
            Figure::new(file, title, "invocations at once", unit, names)
        })
        .collect();
    let rounds = effort.starts.div_ceil(100);
    for workers in WORKERS {
        eprintln!(
            "{rounds} processes of each with {workers} invocations at once: {}",
            titles[0].1
        );
        let mut values = [const { [const { Vec::new() }; 6] }; 2];
        for _ in 0..rounds {
            for (subject, values) in pair.iter().zip(&mut values) {
                let measured = life(subject, workers, &cpus, event)?;
                for (values, value) in values.iter_mut().zip(measured) {
                    values.push(value);
                }
            }
        }
        for (curve, values) in values.iter().enumerate() {
            for (figure, values) in figures.iter_mut().zip(values) {
                figure.push(curve, workers, values);
            }
        }
    }
    Ok(figures)
}

/// The throughput, the p50, the p99, the CPU of a call, the peak memory, and the time to the first `next` of one process.
fn life(subject: &Subject, workers: u32, cpus: &Cpus, event: &Event) -> anyhow::Result<[f64; 6]> {
    const WARM_UP: Duration = Duration::from_millis(200);
    const MEASURED: Duration = Duration::from_millis(800);
    let mut command = subject.command();
    command.env("AWS_LAMBDA_MAX_CONCURRENCY", workers.to_string());
    // The least that Lambda Managed Instances have:
    // https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
    command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048");
    let mut running = Running::start_by(command, subject, cpus)?;
    let mut load = Load::begin(&mut running, workers as usize, event)?;
    load.run(&mut running, event, WARM_UP)?;
    let measured = load.run(&mut running, event, MEASURED)?;
    let peak = Footprint::of(running.pid())?.peak;
    Ok([
        measured.per_second(),
        measured.quantile(0.5),
        measured.quantile(0.99),
        measured.cpu_per_call(),
        peak,
        load.started_within.as_nanos() as f64,
    ])
}

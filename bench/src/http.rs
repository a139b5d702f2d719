//! `--http`: components of `wasi:http` beside `lambda_http`.

use std::path::PathBuf;

use crate::{
    args::{Args, Effort},
    built,
    cpus::Cpus,
    event::Event,
    instructions,
    lineup::{self, Lineup},
    machine, measure, report,
    subject::Subject,
};

/// The programs of the peer, and how these are called; ratios are taken to the first.
const PEERS: [(&str, &str); 2] = [
    ("current_thread", "lambda_http, current thread"),
    ("multi_thread", "lambda_http"),
];
/// The versions of WASI whose components are measured, and how these are called.
const VERSIONS: [(&str, &str); 2] = [("p2", "wasi:http 0.2"), ("p3", "wasi:http 0.3")];

/// All three tables, and how to read them.
pub fn compare(args: &Args, effort: &Effort) -> anyhow::Result<String> {
    let components = components()?;
    let hello = hello(args, &components)?;
    let echo = beside_the_peer(subjects(args, &components)?)?;
    let stream = streams(args)?;
    let cpus = Cpus::share_out()?;
    let instructions = instructions::if_asked(args, &hello, &cpus)?;
    let mut rows = measure::all(&hello, &cpus, effort, &Event::http_api()?)?;
    rows.extend(instructions);
    let bodies = measure::bodies(&echo, &cpus, effort)?;
    let streamed = measure::streams(&stream, &cpus, effort)?;
    Ok(format!(
        "### Hello, by an HTTP API\n\n{hello}\n### A body that is echoed, warm p50\n\n{bodies}\n\
         ### A streamed answer, with 128 MB\n\n{streamed}\n{footnotes}\n\n{machine}",
        footnotes = report::footnotes(&hello, &cpus, effort, &machine::http_peers()),
        hello = report::comparison(&hello, &rows),
        bodies = report::comparison(&echo, &bodies),
        streamed = report::comparison(&stream, &streamed),
        machine = machine::description(&cpus),
    ))
}

/// The functions whose starts `--breakdown` shows.
pub fn functions(args: &Args) -> anyhow::Result<Vec<Subject>> {
    subjects(args, &components()?)
}

/// The hello functions, with that of the world `api-function`, and that of 0.2 on whatever else was named.
fn hello(args: &Args, components: &[PathBuf]) -> anyhow::Result<Lineup> {
    let mut hello = subjects(args, components)?;
    let mut api = lineup::ours(args)?;
    api.name = "api-function".to_owned();
    hello.push(api);
    let mut lineup = beside_the_peer(hello)?;
    for (name, folder) in &args.also {
        let bootstrap = folder.join("bootstrap");
        lineup
            .subjects
            .push(Subject::new(name, &bootstrap, &components[0])?);
    }
    Ok(lineup)
}

/// Streamed answers, which are the tests' functions', compared with those of 0.2.
fn streams(args: &Args) -> anyhow::Result<Lineup> {
    let subjects = subjects(args, &components_of("host/tests/guests", "http")?)?;
    for subject in &subjects {
        subject.give_policy("stream = true\n")?;
    }
    Ok(Lineup {
        subjects,
        reference: 0,
    })
}

fn components() -> anyhow::Result<Vec<PathBuf>> {
    components_of("bench/guests", "hello")
}

/// A package's component of each version.
fn components_of(package: &str, name: &str) -> anyhow::Result<Vec<PathBuf>> {
    let build = |(version, _)| built::component(package, &format!("{name}_{version}"));
    VERSIONS.into_iter().map(build).collect()
}

/// Our bootstrap with the component of each version.
fn subjects(args: &Args, components: &[PathBuf]) -> anyhow::Result<Vec<Subject>> {
    let named = VERSIONS.iter().zip(components);
    named
        .map(|((_, name), component)| {
            let bootstrap = lineup::bootstrap_for(args, component)?;
            Subject::new(name, &bootstrap, component)
        })
        .collect()
}

/// Adds the peer, at its best and as people write it.
fn beside_the_peer(mut subjects: Vec<Subject>) -> anyhow::Result<Lineup> {
    let reference = subjects.len();
    for (program, name) in PEERS {
        subjects.push(Subject::peer(name, "lambda_http", program)?);
    }
    Ok(Lineup {
        subjects,
        reference,
    })
}

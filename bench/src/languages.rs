//! `--languages`: what `lambda-wasm new` makes for each language, in the world `http`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, ensure};

use crate::{
    args::{Args, Effort},
    built,
    cpus::Cpus,
    event::Event,
    lineup::{self, Lineup},
    machine, measure,
    measurement::{Measurement, Unit},
    report,
    subject::Subject,
};

/// The languages of `lambda-wasm new`.
const LANGUAGES: [&str; 5] = ["rust", "c", "go", "python", "js"];

/// The table, and how to read it.
pub fn measure(args: &Args, effort: &Effort) -> anyhow::Result<String> {
    let (mut subjects, mut builds) = (Vec::new(), Vec::new());
    for language in LANGUAGES {
        let (artifact, times) = build(language, args)?;
        let bootstrap = lineup::bootstrap_for(args, &artifact)?;
        subjects.push(Subject::new(language, &bootstrap, &artifact)?);
        builds.push(times);
    }
    let reference = subjects.len();
    subjects.push(Subject::peer(
        "lambda_runtime, current thread",
        "lambda_runtime",
        "current_thread",
    )?);
    let lineup = Lineup {
        subjects,
        reference,
    };
    let mut rows = build_times(&builds);
    rows.extend(sizes(&lineup)?);
    let handlers = handlers(args)?;
    let cpus = Cpus::share_out()?;
    rows.extend(measure::all(&lineup, &cpus, effort, &Event::http_api()?)?);
    let event = Event::of("{}", "\"records\"");
    let handler_rows = measure::all(&handlers, &cpus, effort, &event)?;
    Ok(format!(
        "{table}\n### The world `handler`: as it is, prepared by an event, and with an instance that is kept\n\n{handlers}\n\
         {footnotes}\n\n{machine}",
        table = report::comparison(&lineup, &rows),
        handlers = report::comparison(&handlers, &handler_rows),
        footnotes = report::footnotes(&lineup, &cpus, effort, BUILDS),
        machine = machine::description(&cpus),
    ))
}

/// How the builds were measured.
const BUILDS: &str = "A `rebuild` is `lambda-wasm build` after a change of one file, with the \
                      language's compiler installed and warm.";

/// How long the first build and a rebuild of a project took, in nanoseconds.
struct BuildTimes {
    first: f64,
    again: f64,
}

/// The artifact of a language's project, built now.
pub fn artifact(language: &str, args: &Args) -> anyhow::Result<PathBuf> {
    Ok(build(language, args)?.0)
}

/// A directory for a language's projects, without any.
fn folder_of(language: &str) -> anyhow::Result<PathBuf> {
    let folder = built::target_folder()?
        .join("bench/languages")
        .join(language);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs the tool in a directory. Returns the nanoseconds that it took.
fn run(folder: &Path, arguments: &[&str]) -> anyhow::Result<f64> {
    let tool = built::target_folder()?.join("release/lambda-wasm");
    let since = Instant::now();
    let status = Command::new(&tool)
        .args(arguments)
        .current_dir(folder)
        .status();
    let took = since.elapsed();
    let status = status.with_context(|| format!("starting {}", tool.display()))?;
    ensure!(status.success(), "this failed: lambda-wasm {arguments:?}");
    Ok(took.as_nanos() as f64)
}

/// Creates a project, and builds it twice.
fn build(language: &str, args: &Args) -> anyhow::Result<(PathBuf, BuildTimes)> {
    let folder = folder_of(language)?;
    eprintln!("building the function in {language}");
    run(&folder, &["new", "hello", "--lang", language])?;
    let bootstrap = lineup::full_bootstrap(args);
    let bootstrap = bootstrap.to_string_lossy();
    let build = ["build", "hello", "--bootstrap", &bootstrap];
    let first = run(&folder, &build)?;
    let project = folder.join("hello");
    change(&project)?;
    let again = run(&folder, &build)?;
    let times = BuildTimes { first, again };
    Ok((project.join("dist/hello.cwasm"), times))
}

/// Functions of the world `handler`: as they are, with an instance that is kept, and in JavaScript after an event that the
/// instance served when it was compiled.
fn handlers(args: &Args) -> anyhow::Result<Lineup> {
    let (javascript, component) = handler("js", "app.js", "console.log", args)?;
    let (python, _) = handler("python", "app.py", "print", args)?;
    let prepared = prepared(&component)?;
    let mut subjects = Vec::new();
    for (name, artifact) in [
        ("JavaScript", &javascript),
        ("prepared", &prepared),
        ("Python", &python),
    ] {
        let bootstrap = lineup::bootstrap_for(args, artifact)?;
        subjects.push(Subject::new(name, &bootstrap, artifact)?);
        let kept = Subject::new(&format!("{name}, `reuse = true`"), &bootstrap, artifact)?;
        kept.give_policy(lineup::REUSE)?;
        subjects.push(kept);
    }
    Ok(Lineup {
        subjects,
        reference: 0,
    })
}

/// The artifact and the component of a language's template that does not log.
fn handler(
    language: &str,
    source: &str,
    logs: &str,
    args: &Args,
) -> anyhow::Result<(PathBuf, PathBuf)> {
    let folder = folder_of(&format!("handler-{language}"))?;
    eprintln!("building a handler in {language}");
    let new = ["new", "hello", "--lang", language, "--world", "handler"];
    run(&folder, &new)?;
    let source = folder.join("hello").join(source);
    let text = fs::read_to_string(&source)?;
    let silent = text
        .lines()
        .filter(|line| !line.trim_start().starts_with(logs));
    fs::write(&source, silent.collect::<Vec<_>>().join("\n"))?;
    let bootstrap = lineup::full_bootstrap(args);
    let bootstrap = bootstrap.to_string_lossy();
    run(&folder, &["build", "hello", "--bootstrap", &bootstrap])?;
    let project = folder.join("hello");
    Ok((
        project.join("dist/hello.cwasm"),
        project.join(".lambda-wasm/hello.wasm"),
    ))
}

/// The artifact of a component in JavaScript that has served an event.
fn prepared(component: &Path) -> anyhow::Result<PathBuf> {
    /// The settings of the engine, which JavaScript does not see.
    const KEEP: [&str; 4] = [
        "--keep",
        "wasi:cli/environment",
        "--keep",
        "wasi:clocks/monotonic-clock",
    ];
    let folder = folder_of("prepared")?;
    eprintln!("preparing the handler in js");
    fs::write(folder.join("event.json"), "{}")?;
    let component = component.to_string_lossy();
    let warm = [
        "compile",
        &component,
        "-o",
        "hello.cwasm",
        "--warm",
        "event.json",
    ];
    run(&folder, &[&warm, &KEEP[..]].concat())?;
    Ok(folder.join("hello.cwasm"))
}

/// Changes what the function answers to a path that is not measured.
fn change(project: &Path) -> anyhow::Result<()> {
    let names = ["src/main.rs", "main.c", "main.go", "app.py", "app.js"];
    let mut sources = names.iter().map(|name| project.join(name));
    let source = sources.find(|source| source.is_file());
    let source = source.context("the template has no source that is known here")?;
    let text = fs::read_to_string(&source)?;
    let changed = text.replace("Hello, world!", "Hello, everybody!");
    ensure!(
        changed != text,
        "{} has no answer to change",
        source.display()
    );
    Ok(fs::write(&source, changed)?)
}

/// The builds of all subjects but the last, which is the peer.
fn build_times(builds: &[BuildTimes]) -> Vec<Measurement> {
    let subjects = builds.len() + 1;
    let mut first = Measurement::new("first build", Unit::Nanoseconds, subjects);
    let mut again = Measurement::new("rebuild", Unit::Nanoseconds, subjects);
    for (index, times) in builds.iter().enumerate() {
        first.push(index, times.first);
        again.push(index, times.again);
    }
    vec![first, again]
}

/// The sizes without the bootstrap, as a function with a layer is deployed.
fn sizes(lineup: &Lineup) -> anyhow::Result<Vec<Measurement>> {
    let subjects = lineup.subjects.len();
    let mut raw = Measurement::new("artifact", Unit::Bytes, subjects);
    let mut zipped = Measurement::new("artifact, zip -9", Unit::Bytes, subjects);
    for (index, subject) in lineup.subjects.iter().enumerate() {
        if let Some(size) = subject.artifact_size()? {
            raw.push(index, size.raw as f64);
            zipped.push(index, size.zipped as f64);
        }
    }
    Ok(vec![raw, zipped])
}

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

/// The languages of `lambda-wasm new`, the one first that ratios are taken to.
const LANGUAGES: [&str; 5] = ["rust", "c", "go", "python", "js"];

/// The table, and how to read it.
pub fn measure(args: &Args, effort: &Effort) -> anyhow::Result<String> {
    let bootstrap = lineup::bootstrap(args);
    let (mut subjects, mut builds) = (Vec::new(), Vec::new());
    for language in LANGUAGES {
        let (artifact, times) = build(language, &bootstrap)?;
        subjects.push(Subject::new(language, &bootstrap, &artifact)?);
        builds.push(times);
    }
    let lineup = Lineup {
        subjects,
        reference: 0,
    };
    let mut rows = build_times(&builds);
    rows.extend(sizes(&lineup, &bootstrap)?);
    let prepared = prepared(&bootstrap)?;
    let cpus = Cpus::share_out()?;
    rows.extend(measure::all(&lineup, &cpus, effort, &Event::http_api()?)?);
    let event = Event::of("{}", r#"{"records":0}"#);
    let prepared_rows = measure::all(&prepared, &cpus, effort, &event)?;
    Ok(format!(
        "{table}\n### JavaScript of the world `handler`, that has served an event when it was compiled\n\n{prepared}\n\
         {footnotes}\n\n{machine}",
        table = report::comparison(&lineup, &rows),
        prepared = report::comparison(&prepared, &prepared_rows),
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
pub fn artifact(language: &str, bootstrap: &Path) -> anyhow::Result<PathBuf> {
    Ok(build(language, bootstrap)?.0)
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
fn build(language: &str, bootstrap: &Path) -> anyhow::Result<(PathBuf, BuildTimes)> {
    let folder = folder_of(language)?;
    eprintln!("building the function in {language}");
    run(&folder, &["new", "hello", "--lang", language])?;
    let bootstrap = bootstrap.to_string_lossy();
    let build = ["build", "hello", "--bootstrap", &bootstrap];
    let first = run(&folder, &build)?;
    let project = folder.join("hello");
    change(&project)?;
    let again = run(&folder, &build)?;
    let times = BuildTimes { first, again };
    Ok((project.join("dist/hello.cwasm"), times))
}

/// A function of the world `handler` in JavaScript as it is, and after an event that it served when it was compiled.
fn prepared(bootstrap: &Path) -> anyhow::Result<Lineup> {
    /// The settings of the engine, which JavaScript does not see.
    const KEEP: [&str; 4] = [
        "--keep",
        "wasi:cli/environment",
        "--keep",
        "wasi:clocks/monotonic-clock",
    ];
    let folder = folder_of("prepared")?;
    eprintln!("building a function in js, and preparing it");
    run(
        &folder,
        &["new", "hello", "--lang", "js", "--world", "handler"],
    )?;
    let source = folder.join("hello/app.js");
    let text = fs::read_to_string(&source)?;
    let silent = text.lines().filter(|line| !line.contains("console.log"));
    fs::write(&source, silent.collect::<Vec<_>>().join("\n"))?;
    let path = bootstrap.to_string_lossy();
    run(&folder, &["build", "hello", "--bootstrap", &path])?;
    fs::write(folder.join("event.json"), "{}")?;
    let component = "hello/.lambda-wasm/hello.wasm";
    let warm = [
        "compile",
        component,
        "-o",
        "hello.cwasm",
        "--warm",
        "event.json",
    ];
    run(&folder, &[&warm, &KEEP[..]].concat())?;
    let subject = |name, artifact| Subject::new(name, bootstrap, &folder.join(artifact));
    Ok(Lineup {
        subjects: vec![
            subject("as it is", "hello/dist/hello.cwasm")?,
            subject("prepared", "hello.cwasm")?,
        ],
        reference: 0,
    })
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

fn build_times(builds: &[BuildTimes]) -> Vec<Measurement> {
    let mut first = Measurement::new("first build", Unit::Nanoseconds, builds.len());
    let mut again = Measurement::new("rebuild", Unit::Nanoseconds, builds.len());
    for (index, times) in builds.iter().enumerate() {
        first.push(index, times.first);
        again.push(index, times.again);
    }
    vec![first, again]
}

/// The sizes without the bootstrap, as a function with a layer is deployed.
fn sizes(lineup: &Lineup, bootstrap: &Path) -> anyhow::Result<Vec<Measurement>> {
    let of_bootstrap = Subject::new("bootstrap", bootstrap, Path::new(""))?.size()?;
    let subjects = lineup.subjects.len();
    let mut raw = Measurement::new("artifact", Unit::Bytes, subjects);
    let mut zipped = Measurement::new("artifact, zip -9", Unit::Bytes, subjects);
    for (index, subject) in lineup.subjects.iter().enumerate() {
        let size = subject.size()?;
        raw.push(index, (size.raw - of_bootstrap.raw) as f64);
        zipped.push(index, (size.zipped - of_bootstrap.zipped) as f64);
    }
    Ok(vec![raw, zipped])
}

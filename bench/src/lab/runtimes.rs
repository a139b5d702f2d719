//! The runtimes that are compared by memory size: ours in several languages, and those that Lambda's users have.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use crate::{
    args::Args,
    built::{self, checkout},
    languages, lineup,
    subject::Subject,
};

/// Our languages, and how they are called.
const OURS: [(&str, &str); 4] = [
    ("rust", "lambda-wasm, Rust"),
    ("js", "lambda-wasm, JavaScript"),
    ("python", "lambda-wasm, Python"),
    ("go", "lambda-wasm, Go"),
];

/// Makes the `bootstrap` of a runtime, in this directory.
type Make = fn(&Path) -> anyhow::Result<PathBuf>;

/// The other runtimes.
const OTHERS: [(&str, Make); 5] = [
    ("lambda_http, Rust", |_| {
        Ok(built::peer("lambda_http")?.join("current_thread"))
    }),
    ("awslambdaric, Python", python),
    ("aws-lambda-ric, Node.js", node),
    ("net/http, Go", go),
    ("Lambda Web Adapter, axum", web_adapter),
];

/// The runtimes that can be had here, and why others are left out.
pub fn find(args: &Args) -> anyhow::Result<(Vec<Subject>, Vec<String>)> {
    let (mut subjects, mut skipped) = (Vec::new(), Vec::new());
    for (language, name) in OURS {
        let artifact = languages::artifact(language, args)?;
        let bootstrap = lineup::bootstrap_for(args, &artifact)?;
        subjects.push(Subject::new(name, &bootstrap, &artifact)?);
    }
    for (name, make) in OTHERS {
        let folder = built::target_folder()?
            .join("bench/lab")
            .join(name.replace(['/', ' ', ','], "-"));
        fs::create_dir_all(&folder)?;
        match make(&folder) {
            Ok(bootstrap) => subjects.push(Subject::new(name, &bootstrap, Path::new(""))?),
            Err(error) => skipped.push(format!("{name}: {error:#}")),
        }
    }
    Ok((subjects, skipped))
}

/// AWS's runtime for Python, in a virtual environment.
fn python(folder: &Path) -> anyhow::Result<PathBuf> {
    let environment = folder.join("venv");
    let python = environment.join("bin/python");
    if !python.is_file() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment))?;
    }
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "awslambdaric"]))?;
    let app = checkout().join("bench/peers/python");
    script(
        folder,
        &app,
        &format!("exec {} -m awslambdaric app.handler", quoted(&python)),
    )
}

/// AWS's runtime for Node.js. Its installation compiles a C++ library: it needs cmake and autotools.
fn node(folder: &Path) -> anyhow::Result<PathBuf> {
    let installed = folder.join("node_modules/.bin/aws-lambda-ric");
    if !installed.is_file() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(folder)
            .arg("aws-lambda-ric");
        // The headers of an installed Node.js: otherwise they are downloaded.
        npm.env("npm_config_nodedir", "/usr");
        run(&mut npm)?;
    }
    let app = checkout().join("bench/peers/node");
    script(
        folder,
        &app,
        &format!("exec {} app.handler", quoted(&installed)),
    )
}

/// A loop on Go's `net/http`.
fn go(folder: &Path) -> anyhow::Result<PathBuf> {
    let program = folder.join("program");
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(&program);
    go.env("CGO_ENABLED", "0")
        .current_dir(checkout().join("bench/peers/go"));
    run(&mut go)?;
    Ok(program)
}

/// A web application on axum, and the adapter, which Lambda starts beside it as an extension.
fn web_adapter(folder: &Path) -> anyhow::Result<PathBuf> {
    let programs = built::peer("web_adapter")?;
    let start = format!(
        "{} &\nexec {}",
        quoted(&programs.join("application")),
        quoted(&programs.join("adapter"))
    );
    script(folder, folder, &start)
}

/// Writes a `bootstrap` that runs commands in the application's directory.
fn script(folder: &Path, app: &Path, commands: &str) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("bootstrap");
    fs::write(
        &path,
        format!(
            "#!/bin/sh\ncd {}\nexport _HANDLER=app.handler LAMBDA_TASK_ROOT=\"$PWD\"\n{commands}\n",
            quoted(app)
        ),
    )?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// A path as one word of the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Runs a command. If it fails, the error has the last line of its output.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{name} cannot be started"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        bail!(
            "{name} failed: {}",
            lines.next_back().unwrap_or("it said nothing")
        );
    }
    Ok(())
}

//! The commands in `sh` and `console` blocks: those of this project are run, and of the others the options are checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use lambda_wasm_emulator::Template;
use lambda_wasm_host::policy::Policy;
use lambda_wasm_test_support::components;
use lambda_wasm_test_support::tools::skip;

use super::markdown::{Document, Place, documents};
use super::{assert_none, programs, root};
use crate::support::Folder;

/// A command line of a block, and what the document says that it prints.
struct Line<'a> {
    place: &'a Place,
    words: Vec<String>,
    printed: Vec<&'a str>,
}

#[test]
fn commands_are_what_the_programs_take() {
    let mut problems = Vec::new();
    let mut count = 0;
    for document in documents() {
        let reader = Reader::new(&document);
        for line in lines(&document) {
            count += 1;
            if let Err(why) = reader.check(&line) {
                let command = line.words.join(" ");
                problems.push(line.place.problem(format!("`{command}`: {why}")));
            }
        }
    }
    assert!(count >= 30, "{count} commands");
    assert_none(&problems);
}

/// Returns the commands of a document: the lines of `sh` blocks, and those after `$` in `console` blocks.
fn lines(document: &Document) -> Vec<Line<'_>> {
    let mut all: Vec<Line<'_>> = Vec::new();
    for block in &document.blocks {
        for text in block.text.lines().filter(|line| !line.is_empty()) {
            let command = match block.language.as_str() {
                "sh" => Some(text),
                "console" => text.strip_prefix("$ "),
                _ => continue,
            };
            match command {
                Some(command) => all.push(Line {
                    place: &block.place,
                    words: shlex::split(command).unwrap_or_default(),
                    printed: Vec::new(),
                }),
                None => all.last_mut().expect("a command").printed.push(text),
            }
        }
    }
    all
}

/// A reader of a document, who follows it in a directory that has what a clone and a build have.
struct Reader<'a> {
    document: &'a Document,
    directory: Folder,
}

impl<'a> Reader<'a> {
    fn new(document: &'a Document) -> Self {
        let directory = Folder::with_component();
        let component = components::function(
            "import wasi:cli/environment@0.2.12; export wasi:http/incoming-handler@0.2.12;",
            None,
        );
        for path in [
            "component.wasm",
            "guest/target/wasm32-wasip2/release/hello.wasm",
            "batch/target/wasm32-wasip2/release/batch.wasm",
        ] {
            let path = directory.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &component).unwrap();
        }
        fs::create_dir(directory.path("dist")).unwrap();
        directory.write("dist/bootstrap", "an executable");
        directory.succeed(&["compile", "component.wasm", "-o", "dist/hello.cwasm"]);
        Self {
            document,
            directory,
        }
    }

    fn check(&self, line: &Line<'_>) -> Result<(), String> {
        let mut words: Vec<&str> = line.words.iter().map(String::as_str).collect();
        let mut target = None;
        if let Some(at) = words.iter().position(|word| *word == ">") {
            target = words.get(at + 1).copied();
            words.truncate(at);
        }
        let (program, args) = words.split_first().ok_or("it is not a command")?;
        match *program {
            "./build.sh" => build_sh(args),
            "target/release/lambda-wasm" => self.lambda_wasm(args, &line.printed),
            // A project of the document's reader, in a language that need not be installed.
            "lambda-wasm" => match args.split_first() {
                Some((&"new", _)) => self.lambda_wasm(args, &[]),
                Some((command, options)) => {
                    takes(&self.directory.succeed(&[command, "--help"]), options)
                }
                None => Err("it has no subcommand".to_owned()),
            },
            "cd" => match self.directory.path(args.concat().as_str()).is_dir() {
                true => Ok(()),
                false => Err("there is no such directory".to_owned()),
            },
            "cargo" if !matches!(args.first(), Some(&"fmt" | &"install")) => self.cargo(args),
            "curl" => curl(args),
            "echo" => self.echo(args, target.ok_or("it writes to no file")?),
            "export" => exported(args.first().ok_or("it exports nothing")?),
            "sam" => sam(args),
            program if program.contains('/') => exists(program),
            _ => programs::check(&words),
        }
    }

    fn lambda_wasm(&self, args: &[&str], printed: &[&str]) -> Result<(), String> {
        // It serves until it is stopped.
        if let Some((&"dev", options)) = args.split_first() {
            return takes(&self.directory.succeed(&["dev", "--help"]), options);
        }
        let output = self.directory.run(args);
        if output.code != Some(0) {
            return Err(output.stderr);
        }
        let is_missing =
            |line: &&&str| **line != "…" && !output.stdout.lines().any(|l| l == **line);
        match printed.iter().find(is_missing) {
            Some(line) => Err(format!("does not print {line:?}, but:\n{}", output.stdout)),
            None => Ok(()),
        }
    }

    /// Writes what is said into a policy.
    fn echo(&self, words: &[&str], target: &str) -> Result<(), String> {
        self.directory.write(target, words.join(" "));
        let policy = Policy::read(&self.directory.path(target));
        policy.map(drop).map_err(|error| error.to_string())
    }

    fn cargo(&self, args: &[&str]) -> Result<(), String> {
        let (subcommand, mut args) = args.split_first().ok_or("it has no subcommand")?;
        // Clippy takes the options of `cargo check`.
        let (asked, filters) = match *subcommand {
            "clippy" => ("check", &[][..]),
            "build" => ("build", &[][..]),
            "check" => ("check", &[][..]),
            "update" => ("update", &[][..]),
            "test" => {
                let at = args
                    .iter()
                    .position(|arg| *arg == "--")
                    .unwrap_or(args.len());
                ("test", args.get(at + 1..).unwrap_or_default())
            }
            _ => return Err("no check for this subcommand".to_owned()),
        };
        if let Some(at) = args.iter().position(|arg| *arg == "--") {
            args = &args[..at];
        }
        takes(&help(Path::new(env!("CARGO")), &[asked, "--help"]), args)?;
        for pair in args.windows(2) {
            match pair[0] {
                "--manifest-path" => self.has_crate(pair[1])?,
                "--exclude" => is_member(pair[1])?,
                "--test" => has_test(pair[1], filters)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A crate is the project's, or made of the document's blocks.
    fn has_crate(&self, manifest: &str) -> Result<(), String> {
        let name = manifest.strip_suffix("/Cargo.toml").unwrap_or(manifest);
        let is_made = self.document.blocks.iter().any(|block| {
            let named = block.text.contains(&format!("name = {name:?}"));
            block.file.as_deref() == Some("Cargo.toml") && named
        });
        match is_made {
            true => Ok(()),
            false => exists(manifest),
        }
    }
}

fn exists(path: &str) -> Result<(), String> {
    match root().join(path).exists() {
        true => Ok(()),
        false => Err(format!("there is no {path}")),
    }
}

/// Checks that a help text has all options of a command line.
pub fn takes(help: &str, args: &[&str]) -> Result<(), String> {
    let mut words = help.split(|c: char| !(c.is_alphanumeric() || c == '-'));
    let words: Vec<&str> = words.by_ref().collect();
    let options = args.iter().filter(|arg| arg.starts_with('-'));
    let mut unknown = options.filter(|option| {
        let name = option.split('=').next().unwrap_or(option);
        !words.contains(&name)
    });
    unknown
        .next()
        .map_or(Ok(()), |option| Err(format!("there is no option {option}")))
}

/// Returns what a program prints for help, which it is asked for once.
fn help(program: &Path, args: &[&str]) -> String {
    static KNOWN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let key = format!("{} {}", program.display(), args.join(" "));
    if let Some(known) = KNOWN.lock().unwrap().get(&key) {
        return known.clone();
    }
    let output = Command::new(program)
        .args(args)
        .env("SAM_CLI_TELEMETRY", "0")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{key}: {output:?}");
    KNOWN.lock().unwrap().insert(key, text.clone());
    text
}

fn build_sh(args: &[&str]) -> Result<(), String> {
    let usage = help(&root().join("build.sh"), &["--help"]);
    let at = args
        .iter()
        .position(|arg| matches!(*arg, "dev" | "test" | "fuzz" | "bench" | "release"));
    let (options, command) = args.split_at(at.unwrap_or(args.len()));
    takes(&usage, options)?;
    let is_known =
        |word: &&&str| word.starts_with('-') || usage.split_whitespace().any(|u| u == **word);
    if let Some(word) = options.iter().find(|word| !is_known(word)) {
        return Err(format!("there is no {word}"));
    }
    match command.split_first() {
        Some((&"dev", options)) => takes(&Folder::new().succeed(&["dev", "--help"]), options),
        Some((&"bench", options)) => {
            let source = fs::read_to_string(root().join("bench/src/args.rs")).unwrap();
            let has = |option: &&&str| {
                let field = option.trim_start_matches('-').replace('-', "_");
                source.contains(&format!("pub {field}: "))
            };
            let unknown = options.iter().find(|option| !has(option));
            unknown.map_or(Ok(()), |option| Err(format!("there is no option {option}")))
        }
        Some((&"fuzz", arguments)) => {
            let targets = fs::read_to_string(root().join("fuzz/targets/src/lib.rs")).unwrap();
            let is_known = |word: &&&str| {
                word.parse::<u64>().is_ok() || targets.contains(&format!("({word:?}, "))
            };
            let unknown = arguments.iter().find(|word| !is_known(word));
            unknown.map_or(Ok(()), |word| Err(format!("there is no target {word}")))
        }
        Some((_, [extra, ..])) => Err(format!("it takes no {extra}")),
        _ => Ok(()),
    }
}

/// `NAME=$(script)`, or a plain value.
fn exported(assignment: &str) -> Result<(), String> {
    let (_, value) = assignment.split_once('=').ok_or("it has no value")?;
    match value
        .strip_prefix("$(")
        .and_then(|rest| rest.strip_suffix(')'))
    {
        Some(script) => exists(script),
        None => Ok(()),
    }
}

fn is_member(package: &str) -> Result<(), String> {
    let members = ["host", "cli", "emulator", "bench"];
    let name = format!("name = {package:?}");
    let is_it = |member: &&str| {
        let manifest = root().join(member).join("Cargo.toml");
        fs::read_to_string(manifest).unwrap().contains(&name)
    };
    match members.iter().any(is_it) {
        true => Ok(()),
        false => Err(format!("there is no package {package}")),
    }
}

/// A test target has each filter in the names of its modules or tests.
fn has_test(target: &str, filters: &[&str]) -> Result<(), String> {
    let tests = ["host", "cli", "emulator"].map(|member| root().join(member).join("tests"));
    let directory = tests.iter().map(|tests| tests.join(target));
    let directory = directory.into_iter().find(|path| path.is_dir());
    let main = directory
        .ok_or_else(|| format!("there is no test target {target}"))?
        .join("main.rs");
    let main = fs::read_to_string(main).unwrap();
    let mut unknown = filters
        .iter()
        .filter(|filter| !main.contains(&format!("mod {filter};")));
    unknown.next().map_or(Ok(()), |filter| {
        Err(format!("{target} has no module {filter}"))
    })
}

/// The options are curl's, and the URL is one that the project's template leads to.
fn curl(args: &[&str]) -> Result<(), String> {
    let known = match Command::new("curl").args(["--help", "all"]).output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(_) => {
            skip("curl in documents", "its options were not checked");
            return Ok(());
        }
    };
    takes(&known, args)?;
    if let Some(at) = args.iter().position(|arg| *arg == "-d") {
        let data = args.get(at + 1).ok_or("-d has no data")?;
        serde_json::from_str::<serde_json::Value>(data).map_err(|error| error.to_string())?;
    }
    let template = Template::read(&root().join("template.yaml")).unwrap();
    let url = args.last().ok_or("it has no URL")?;
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'));
    let path = path.ok_or("it has no path")?.1;
    if url.starts_with("http://127.0.0.1:") && !url.starts_with("http://127.0.0.1:3000/") {
        // A function URL takes every path.
        return Ok(());
    }
    if let Some(function) = path.strip_prefix("2015-03-31/functions/") {
        let name = function
            .strip_suffix("/invocations")
            .ok_or("it invokes nothing")?;
        return template
            .function(name)
            .map(drop)
            .ok_or(format!("there is no function {name}"));
    }
    let path = path.strip_prefix("Prod/").unwrap_or(path);
    let fits = |route: &str| {
        let (route, path) = (route.trim_start_matches('/').split('/'), path.split('/'));
        let same = |(one, other): (&str, &str)| one == other || one.starts_with('{');
        route.clone().count() == path.clone().count() && route.zip(path).all(same)
    };
    let mut routes = template
        .functions
        .iter()
        .flat_map(|function| &function.routes);
    match routes.any(|route| fits(&route.path)) {
        true => Ok(()),
        false => Err(format!("no route of template.yaml leads to /{path}")),
    }
}

fn sam(args: &[&str]) -> Result<(), String> {
    let tools = std::env::var_os("LAMBDA_WASM_TOOLS");
    let tools = tools.map_or_else(|| root().join("target/tools"), PathBuf::from);
    let program = tools.join("bin/sam");
    if !program.is_file() {
        skip("sam in documents", "its options were not checked");
        return Ok(());
    }
    let (subcommand, options) = args.split_first().ok_or("it has no subcommand")?;
    takes(&help(&program, &[subcommand, "--help"]), options)
}

//! `lambda-wasm new` and `init`: a project that builds and runs at once.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use include_dir::{Dir, include_dir};
use lambda_wasm_emulator::Architecture;

use crate::build::rust;
use crate::interrupt::{self, Begun};
use crate::output;
use crate::project::{self, Project, ProjectWorld};

/// The files of new projects, a directory for each language and world. `common` has those of several.
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The placeholder of a template for the project's name.
const NAME: &str = "__NAME__";

/// The placeholder of a template for the architecture.
const ARCHITECTURE: &str = "__ARCH__";

/// The end of the name of a file that would have a meaning for a tool inside this repository.
const SUFFIX: &str = ".template";

/// Create a project for a function
///
/// Writes source, a SAM template, a policy and a README into a new directory. Needs no network.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm new hello
  lambda-wasm new orders --lang python --world handler
  lambda-wasm new --list")]
pub struct Args {
    /// The name of the function and of the directory
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// List the languages and worlds
    #[arg(long)]
    list: bool,
    /// Print JSON: the files, or the templates of --list
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    kind: Kind,
}

/// Create a project in a directory that exists
///
/// Writes what `new` writes. Files that are there are kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm init --lang python
  lambda-wasm init services/orders --name orders")]
pub struct InitArgs {
    /// The directory
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// The name of the function [default: the name of the directory]
    #[arg(long)]
    name: Option<String>,
    /// Print JSON: the files that were written, and those that were kept
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    kind: Kind,
}

/// The files of a project, by their paths in its directory.
#[derive(Default)]
struct Files {
    written: Vec<String>,
    /// Files that were there before.
    kept: Vec<String>,
}

impl Files {
    fn print_json(&self, name: &str, directory: &Path) -> Result<()> {
        let report = serde_json::json!({
            "name": name,
            "path": directory.canonicalize()?,
            "written": self.written,
            "kept": self.kept,
        });
        println!("{report:#}");
        Ok(())
    }
}

/// The language and the world of a project.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Kind {
    /// The language [default: rust]
    #[arg(long, value_enum, default_value = "rust", hide_default_value = true)]
    lang: Lang,
    /// The world: what the function takes and returns [default: http]
    #[arg(long, value_enum, default_value = "http", hide_default_value = true)]
    world: ProjectWorld,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lang {
    /// Rust, by Cargo
    Rust,
    /// Go, by its standard toolchain
    Go,
    /// C, by `zig cc`
    C,
    /// JavaScript, by componentize-js
    #[value(alias = "javascript")]
    Js,
    /// TypeScript, by componentize-js
    #[value(alias = "typescript")]
    Ts,
    /// Python, by componentize-py
    #[value(alias = "py")]
    Python,
}

impl Kind {
    /// The names of its directories in the templates, later ones before earlier ones.
    fn directories(self) -> [String; 3] {
        let (lang, world) = (value_name(self.lang), value_name(self.world));
        [
            "common".to_owned(),
            format!("world-{world}"),
            format!("{lang}-{world}"),
        ]
    }

    fn exists(self) -> bool {
        TEMPLATES.get_dir(&self.directories()[2]).is_some()
    }
}

/// Creates a project in a new directory.
///
/// # Errors
///
/// Returns an error if the name is not valid, if the directory exists, if there is no such template, or if
/// a file cannot be written. Nothing is left behind then.
pub fn run(args: &Args) -> Result<()> {
    let (false, Some(path)) = (args.list, &args.name) else {
        list(args.json);
        return Ok(());
    };
    let directory = Path::new(path);
    let name = directory.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    check_name(name)?;
    if directory.exists() {
        bail!("{path} exists\nhint: choose another name, or use `lambda-wasm init {path}`");
    }
    require_template(args.kind)?;
    // Beside the place where it goes, and renamed when it is complete.
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent)
        .with_context(|| format!("{} cannot be created", parent.display()))?;
    let make = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".lambda-wasm-").tempdir_in(parent)
    };
    let (unfinished, _remembered) =
        interrupt::begin(make, |directory| Begun::path(directory.path()))
            .with_context(|| format!("{} cannot be written", parent.display()))?;
    let files = write(args.kind, name, unfinished.path())?;
    fs::set_permissions(
        unfinished.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )?;
    fs::rename(unfinished.path(), directory)
        .with_context(|| format!("{path} cannot be created"))?;
    // The directory has another name now.
    let _ = unfinished.keep();
    if args.json {
        return files.print_json(name, directory);
    }
    println!("created {path}\n\n  cd {path}\n  lambda-wasm dev");
    Ok(())
}

/// Creates a project in a directory that exists, and keeps its files.
///
/// # Errors
///
/// Returns an error if the directory is a project already or does not exist, if its name is not valid, or
/// if a file cannot be written.
pub fn init(args: &InitArgs) -> Result<()> {
    let path = args.directory.display();
    let directory = args
        .directory
        .canonicalize()
        .with_context(|| format!("{path} cannot be opened"))?;
    if !directory.is_dir() {
        bail!("{path} is not a directory");
    }
    let own = directory.file_name().and_then(|name| name.to_str());
    let name = args.name.as_deref().or(own).unwrap_or_default();
    check_name(name)?;
    if Project::find(&directory)?.is_some() {
        bail!("{path} is a project already\nhint: build it with `lambda-wasm build`");
    }
    require_template(args.kind)?;
    let files = write(args.kind, name, &directory)?;
    if args.json {
        return files.print_json(name, &directory);
    }
    for kept in files.kept {
        println!("kept {kept}");
    }
    println!("created {name} in {path}\n\n  lambda-wasm dev");
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    if !project::is_valid_name(name) {
        bail!(
            "{name:?} is not a valid name: it starts with a letter, and has letters, digits, `-` and `_` only, at most 64"
        );
    }
    Ok(())
}

fn require_template(kind: Kind) -> Result<()> {
    if !kind.exists() {
        bail!(
            "there is no template for {} and the world {}\nhint: `lambda-wasm new --list` lists the templates",
            value_name(kind.lang),
            value_name(kind.world)
        );
    }
    Ok(())
}

/// Prints all templates.
fn list(is_json: bool) {
    let mut templates = Vec::new();
    for lang in Lang::value_variants() {
        for world in ProjectWorld::value_variants() {
            let kind = Kind {
                lang: *lang,
                world: *world,
            };
            if kind.exists() {
                let about = world.to_possible_value();
                let about = about.as_ref().and_then(|value| value.get_help());
                let about = about.map(ToString::to_string).unwrap_or_default();
                templates.push((value_name(*lang), value_name(*world), about));
            }
        }
    }
    if is_json {
        let template = |(lang, world, about)| serde_json::json!({ "lang": lang, "world": world, "about": about });
        let templates: serde_json::Value = templates.into_iter().map(template).collect();
        return println!("{templates:#}");
    }
    for (lang, world, about) in templates {
        println!("--lang {lang:6} --world {world:7}  {about}");
    }
}

/// Writes the files of a project. Keeps those that are there.
fn write(kind: Kind, name: &str, directory: &Path) -> Result<Files> {
    let mut all = Files::default();
    // What `build` compiles for, unless it is told otherwise.
    let architecture = crate::bootstrap::NATIVE
        .unwrap_or(Architecture::X86_64)
        .sam_name();
    let mut files = std::collections::BTreeMap::new();
    for template in kind.directories() {
        for file in TEMPLATES.get_dir(&template).into_iter().flat_map(all_files) {
            let path = file.path().strip_prefix(&template).unwrap_or(file.path());
            files.insert(path.to_owned(), file.contents_utf8().unwrap_or_default());
        }
    }
    for (path, text) in files {
        let path = path.to_string_lossy();
        let path = path.strip_suffix(SUFFIX).unwrap_or(&path);
        let to = directory.join(path);
        if to.exists() {
            all.kept.push(path.to_owned());
            continue;
        }
        all.written.push(path.to_owned());
        let unwritable = || format!("{} cannot be written", to.display());
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).with_context(unwritable)?;
        }
        let text = text.replace(NAME, name).replace(ARCHITECTURE, architecture);
        output::replace(&to, |file| Ok(file.write_all(text.as_bytes())?))?;
    }
    if kind.lang == Lang::Rust {
        rust::write_guest(directory)?;
    }
    Ok(all)
}

fn all_files<'a>(directory: &'a Dir<'a>) -> Vec<&'a include_dir::File<'a>> {
    let below = directory.dirs().flat_map(all_files);
    directory.files().chain(below).collect()
}

/// The name of a value on the command line.
fn value_name(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

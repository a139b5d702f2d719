//! The source of a function in a directory: its language, its name, and how it is built.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::compile;

/// The file with the settings of a build.
pub const CONFIG: &str = "lambda-wasm.toml";

/// The source of one function.
#[derive(Debug)]
pub struct Project {
    /// The directory, as an absolute path.
    pub directory: PathBuf,
    /// The name of the artifact without `.cwasm`, which is the function's `Handler`.
    pub name: String,
    /// How the component is built.
    pub language: Language,
    /// The world of the component.
    pub world: ProjectWorld,
    /// How the component is compiled. Paths are absolute.
    pub options: compile::Options,
}

/// How the component of a project is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Language {
    /// By `cargo build`.
    Rust,
    /// By `go build`.
    Go,
    /// By `zig cc`, from this file.
    C(PathBuf),
    /// By componentize-js, from this file; TypeScript too.
    JavaScript(PathBuf),
    /// By componentize-py, from this file.
    Python(PathBuf),
    /// By a command of the project.
    Command {
        /// The command, for `sh -c`.
        command: String,
        /// The component that it makes.
        component: PathBuf,
    },
}

/// The worlds that a project can be written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ProjectWorld {
    /// HTTP requests by `wasi:http`
    #[default]
    Http,
    /// HTTP requests as records, by `lambda:function/api`
    Api,
    /// Any event as JSON, by `lambda:function/handler`
    Handler,
    /// Any event as JSON, with a streamed response, by `lambda:function/streaming-handler`
    Stream,
}

impl ProjectWorld {
    /// The name of the world in the WIT of `lambda:function`, or nothing for `wasi:http`.
    pub fn wit_name(self) -> Option<&'static str> {
        match self {
            Self::Http => None,
            Self::Api => Some("api-function"),
            Self::Handler => Some("handler-function"),
            Self::Stream => Some("streaming-function"),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    build: Build,
}

/// The table `[build]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    name: Option<String>,
    #[serde(default)]
    world: ProjectWorld,
    source: Option<PathBuf>,
    command: Option<String>,
    component: Option<PathBuf>,
    #[serde(default)]
    wrap: Vec<PathBuf>,
    #[serde(default)]
    strip: bool,
    #[serde(default)]
    preinit: bool,
    warm: Option<PathBuf>,
    #[serde(default)]
    keep: Vec<String>,
}

/// The files that a JavaScript project can begin with if it does not name one.
const SCRIPTS: [&str; 6] = [
    "app.js",
    "app.ts",
    "index.js",
    "index.ts",
    "src/index.js",
    "src/index.ts",
];

impl Project {
    /// Finds out what a directory is.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory is not a project, or its settings cannot be read.
    pub fn open(directory: &Path) -> Result<Self> {
        match Self::find(directory)? {
            Some(project) => Ok(project),
            None if !directory.is_dir() => {
                bail!("{} is not a directory", directory.display())
            }
            None => bail!(
                "{} is not a project: it has no Cargo.toml, go.mod, package.json, pyproject.toml, app.py or {CONFIG}\nhint: create one with `lambda-wasm new`, or name the command that builds the component under [build] in {CONFIG}",
                directory.display()
            ),
        }
    }

    /// Finds out what a directory is; nothing if it is not a project.
    ///
    /// # Errors
    ///
    /// Returns an error if the settings of the project cannot be read.
    pub fn find(directory: &Path) -> Result<Option<Self>> {
        let Ok(directory) = directory.canonicalize() else {
            return Ok(None);
        };
        let path = directory.join(CONFIG);
        let (config, is_configured) = match fs::read_to_string(&path) {
            Ok(text) => {
                let config: Config =
                    toml::from_str(&text).with_context(|| path.display().to_string())?;
                (config.build, true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Build::default(), false),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let Some((language, declared)) = language(&directory, &config)? else {
            if is_configured {
                bail!(
                    "{}: [build] needs `command` and `component`, or a C file as `source`: the directory has no Cargo.toml, go.mod, package.json, pyproject.toml or app.py",
                    path.display()
                );
            }
            return Ok(None);
        };
        let own = directory.file_name().and_then(|name| name.to_str());
        let name = config
            .name
            .or(declared)
            .or_else(|| own.map(str::to_owned))
            .unwrap_or_default();
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        if !is_valid_name(&name) {
            bail!(
                "{:?} is not a valid name for a function: use letters, digits, `-` and `_`\nhint: set `name` under [build] in {CONFIG}",
                name
            );
        }
        let here = |path: &PathBuf| directory.join(path);
        let options = compile::Options {
            wrap: config.wrap.iter().map(here).collect(),
            strip: config.strip,
            debug: false,
            preinit: config.preinit,
            warm: config.warm.as_ref().map(here),
            keep: config.keep,
            sign: None,
        };
        Ok(Some(Self {
            name,
            language,
            world: config.world,
            options,
            directory,
        }))
    }

    /// The directory for what a build makes on its way.
    pub fn scratch(&self) -> PathBuf {
        self.directory.join(".lambda-wasm")
    }
}

/// Whether a name can be that of an artifact, a directory and a package in every language.
pub fn is_valid_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|each| each.is_ascii_alphanumeric() || each == '-' || each == '_')
}

/// The language of a directory, and the name that its own manifest gives it.
fn language(directory: &Path, config: &Build) -> Result<Option<(Language, Option<String>)>> {
    if let Some(command) = &config.command {
        let Some(component) = &config.component else {
            bail!("{CONFIG}: [build] has a `command` and no `component`, the file that it makes");
        };
        let language = Language::Command {
            command: command.clone(),
            component: directory.join(component),
        };
        return Ok(Some((language, None)));
    }
    if let Some(source) = &config.source
        && source.extension().is_some_and(|extension| extension == "c")
    {
        return Ok(Some((Language::C(directory.join(source)), None)));
    }
    let manifest = directory.join("Cargo.toml");
    if manifest.is_file() {
        let name = toml_name(&manifest, "package")?;
        // One without a package is a workspace, and its packages are the projects.
        if name.is_some() {
            return Ok(Some((Language::Rust, name)));
        }
    }
    let manifest = directory.join("go.mod");
    if manifest.is_file() {
        return Ok(Some((Language::Go, go_name(&manifest)?)));
    }
    let exists = |name: &&str| directory.join(name).is_file();
    let source = |choice: &[&'static str], what: &str| match &config.source {
        Some(source) => Ok(directory.join(source)),
        None => match choice.iter().find(|name| exists(name)) {
            Some(name) => Ok(directory.join(name)),
            None => bail!(
                "{} has {what} and none of {}\nhint: set `source` under [build] in {CONFIG}",
                directory.display(),
                choice.join(", ")
            ),
        },
    };
    let package = directory.join("package.json");
    if package.is_file() {
        let text = fs::read_to_string(&package).with_context(|| package.display().to_string())?;
        let value: serde_json::Value =
            serde_json::from_str(&text).with_context(|| package.display().to_string())?;
        let name = value["name"].as_str().map(str::to_owned);
        return Ok(Some((
            Language::JavaScript(source(&SCRIPTS, "a package.json")?),
            name,
        )));
    }
    let manifest = directory.join("pyproject.toml");
    if manifest.is_file() {
        let name = toml_name(&manifest, "project")?;
        return Ok(Some((
            Language::Python(source(&["app.py"], "a pyproject.toml")?),
            name,
        )));
    }
    if exists(&"app.py") {
        return Ok(Some((
            Language::Python(source(&["app.py"], "an app.py")?),
            None,
        )));
    }
    Ok(None)
}

/// The `name` in a table of a manifest.
fn toml_name(manifest: &Path, table: &str) -> Result<Option<String>> {
    let text = fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    let value: toml::Table =
        toml::from_str(&text).with_context(|| manifest.display().to_string())?;
    let name = value.get(table).and_then(|table| table.get("name"));
    Ok(name.and_then(toml::Value::as_str).map(str::to_owned))
}

/// The last element of the path of a Go module, without the version of `example.com/orders/v2`.
fn go_name(manifest: &Path) -> Result<Option<String>> {
    let text = fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    let module = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("module "));
    let path = module.map(|path| path.split("//").next().unwrap_or_default().trim());
    let path = path.map(|path| match path.rsplit_once("/v") {
        Some((path, version)) if version.parse::<u32>().is_ok() => path,
        _ => path,
    });
    Ok(path.map(|path| path.trim_matches('"').to_owned()))
}

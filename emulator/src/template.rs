//! Reads a SAM template: the functions that it deploys, and the routes and URLs that lead to them.
//!
//! The template is written for AWS, not for this machine. What has no meaning here is passed over,
//! and what has one but cannot be known before a deployment (`!Ref`, `!Sub`) becomes a note.

mod events;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use yaml::Node;

/// The part of a template that matters on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The functions, in the order of the template.
    pub functions: Vec<Function>,
    /// What was passed over though its author may expect it to work: one sentence each.
    pub notes: Vec<String>,
}

/// An `AWS::Serverless::Function`, with the template's `Globals` merged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// `FunctionName`, or else the resource's own name.
    pub name: String,
    /// `Handler`: what the runtime gets as `_HANDLER`.
    pub handler: String,
    /// `Timeout`, by default Lambda's 3 seconds.
    pub timeout: Duration,
    /// `MemorySize` in MB, by default Lambda's 128.
    pub memory_mb: u32,
    /// `Environment.Variables`, as far as they are plain values.
    pub variables: BTreeMap<String, String>,
    /// Its events of types `Api` and `HttpApi`; without any it can still be invoked by its name.
    pub routes: Vec<Route>,
    /// `FunctionUrlConfig`: the invoke mode of its function URL, if it has one.
    pub url: Option<InvokeMode>,
}

/// A route to a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What it is a route of.
    pub api: Api,
    /// The method in capitals; `ANY` stands for all.
    pub method: String,
    /// The resource, such as `/hello/{name}` or `/{proxy+}`; or `$default`, of an HTTP API.
    pub path: String,
    /// How it hands on answers. Only REST APIs can stream.
    pub mode: InvokeMode,
}

/// The two kinds of APIs of API Gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// A REST API, which sends events in payload format 1.0.
    Rest,
    /// An HTTP API, which sends events in payload format 2.0.
    Http,
}

/// How a function URL or a route hands on answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvokeMode {
    /// When they are complete.
    Buffered,
    /// As they come.
    ResponseStream,
}

impl Route {
    /// The path of the route that takes what no other takes.
    pub const DEFAULT: &str = "$default";

    /// The route as HTTP APIs write it, such as `GET /hello/{name}`.
    pub fn key(&self) -> String {
        match self.path.as_str() {
            Self::DEFAULT => Self::DEFAULT.to_owned(),
            path => format!("{} {path}", self.method),
        }
    }
}

impl fmt::Display for InvokeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buffered => "BUFFERED",
            Self::ResponseStream => "RESPONSE_STREAM",
        })
    }
}

impl Function {
    /// A function with Lambda's defaults, that no route leads to.
    pub fn new(name: &str, handler: &str) -> Self {
        Self {
            name: name.to_owned(),
            handler: handler.to_owned(),
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            variables: BTreeMap::new(),
            routes: Vec::new(),
            url: None,
        }
    }
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("cannot read the template {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not YAML.
    #[error("the template is not valid YAML: {0}")]
    Syntax(String),
    /// There is nothing to run in it.
    #[error(
        "the template has no function to run: it needs a resource of type AWS::Serverless::Function with a Handler"
    )]
    NoFunction,
}

impl Template {
    /// Reads a template's file.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads a template's text, in YAML or JSON.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let documents = yaml::load(text).map_err(TemplateError::Syntax)?;
        let root = Node::root(documents.first());
        let globals = root.get("Globals").get("Function");
        let mut template = Self::default();
        let notes = &mut template.notes;
        for (kind, node) in root.get("Globals").entries() {
            note_unfollowed(&format!("Globals.{kind}"), &kind, node, notes);
        }
        for (name, resource) in root.get("Resources").entries() {
            let kind = resource.get("Type").text().unwrap_or_default();
            let kind = kind.strip_prefix("AWS::Serverless::").unwrap_or_default();
            let properties = resource.get("Properties");
            note_unfollowed(&name, kind, properties, notes);
            if kind == "Function"
                && let Some(function) = function(&name, properties, globals, notes)
            {
                template.functions.push(function);
            }
        }
        match template.functions.is_empty() {
            true => Err(TemplateError::NoFunction),
            false => Ok(template),
        }
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

/// What changes the events or answers of an API or a function URL, and is the same for all here; with the value that makes no
/// difference.
const UNFOLLOWED: &[(&str, &[(&str, &str)])] = &[
    (
        "Api",
        &[("Cors", ""), ("StageName", "Prod"), ("Variables", "")],
    ),
    (
        "HttpApi",
        &[
            ("CorsConfiguration", ""),
            ("StageName", "$default"),
            ("StageVariables", ""),
        ],
    ),
    ("FunctionUrlConfig", &[("Cors", "")]),
];

fn note_unfollowed(of: &str, kind: &str, node: Node<'_>, notes: &mut Vec<String>) {
    let settings = UNFOLLOWED.iter().find(|(known, _)| *known == kind);
    for (setting, same) in settings.into_iter().flat_map(|(_, settings)| *settings) {
        let value = node.get(setting);
        if !value.is_absent() && value.text().as_deref() != Some(same) {
            notes.push(format!("{of}: {setting} is ignored here"));
        }
    }
}

fn function(
    resource: &str,
    own: Node<'_>,
    globals: Node<'_>,
    notes: &mut Vec<String>,
) -> Option<Function> {
    let mut property = |key: &str| {
        let node = own.get(key).or(globals.get(key));
        if let Some(intrinsic) = node.intrinsic() {
            notes.push(format!(
                "{resource}: {key} is {intrinsic}, which only a deployment can tell; it is ignored here"
            ));
        }
        node.text()
    };
    let name = property("FunctionName").unwrap_or_else(|| resource.to_owned());
    let runtime = property("Runtime");
    let timeout = property("Timeout").and_then(|text| text.parse().ok());
    let memory = property("MemorySize").and_then(|text| text.parse().ok());
    let handler = property("Handler");
    if runtime
        .as_deref()
        .is_some_and(|runtime| !runtime.starts_with("provided"))
    {
        let runtime = runtime.unwrap_or_default();
        notes.push(format!(
            "{resource}: its runtime is {runtime}, not a custom runtime (provided.al2023); it is not started"
        ));
        return None;
    }
    let Some(handler) = handler else {
        notes.push(format!("{resource}: has no Handler; it is not started"));
        return None;
    };
    let mut function = Function::new(&name, &handler);
    function.timeout = timeout.map_or(function.timeout, Duration::from_secs);
    function.memory_mb = memory.unwrap_or(function.memory_mb);
    function.variables = variables(resource, own, globals, notes);
    function.routes = events::routes(resource, own, notes);
    let key = "FunctionUrlConfig";
    let url = own.get(key).or(globals.get(key));
    note_unfollowed(resource, key, url, notes);
    function.url = events::url(resource, url, notes);
    Some(function)
}

fn variables(
    resource: &str,
    own: Node<'_>,
    globals: Node<'_>,
    notes: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for source in [globals, own] {
        for (name, value) in source.get("Environment").get("Variables").entries() {
            if let Some(text) = value.text() {
                variables.insert(name, text);
                continue;
            }
            let what = value.intrinsic().unwrap_or("not a plain value".to_owned());
            notes.push(format!(
                "{resource}: the variable {name} is {what}, which only a deployment can tell; it is not set here"
            ));
            variables.remove(&name);
        }
    }
    variables
}

#[cfg(test)]
mod tests;

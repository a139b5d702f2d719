//! Reads a SAM template: the functions that it deploys, and the routes and URLs that lead to them.
//!
//! The template is written for AWS, not for this machine. Parts without a meaning here are skipped.
//! A value that is known only after a deployment (`!Ref` of a table) becomes a note.

mod architecture;
mod error;
mod events;
mod intrinsics;
mod permissions;
mod scalar;
mod value;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::{ACCOUNT, REGION};
pub use architecture::Architecture;
pub use error::TemplateError;
use intrinsics::Scope;
use value::{Node, Value};

/// The part of a template that matters on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The functions, in the order of the template.
    pub functions: Vec<Function>,
    /// `BinaryMediaTypes` of its REST APIs: the types that are bytes there, and not text.
    pub binary_types: Vec<String>,
    /// Parts that fail at a deployment or after it, with hints.
    pub faults: Vec<String>,
    /// Notes about parts that are skipped although the author may expect them to work: one sentence each.
    pub notes: Vec<String>,
}

/// An `AWS::Serverless::Function`, with the template's `Globals` merged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// `FunctionName`, or else the resource's own name.
    pub name: String,
    /// `Handler`: what the runtime gets as `_HANDLER`.
    pub handler: String,
    /// The region that it seems to be in.
    pub region: String,
    /// `CodeUri`, if it is a directory of this machine: relative to that of the template.
    pub code: Option<PathBuf>,
    /// `Architectures`, by default x86_64.
    pub architecture: Architecture,
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
    /// The kind of its API.
    pub api: Api,
    /// The method in capitals; `ANY` stands for all.
    pub method: String,
    /// The resource, such as `/hello/{name}` or `/{proxy+}`; or `$default`, of an HTTP API.
    pub path: String,
    /// The mode of its responses. Only REST APIs can stream.
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

/// The mode in which a function URL or a route passes responses on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvokeMode {
    /// When the response is complete.
    Buffered,
    /// As the response arrives.
    ResponseStream,
}

impl Route {
    /// The path of the route for requests that match no other route.
    pub const DEFAULT: &str = "$default";

    /// Returns the route in the form of HTTP APIs, such as `GET /hello/{name}`.
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
    /// Creates a function with Lambda's defaults and without routes.
    pub fn new(name: &str, handler: &str) -> Self {
        Self {
            name: name.to_owned(),
            handler: handler.to_owned(),
            region: REGION.to_owned(),
            code: None,
            architecture: Architecture::X86_64,
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            variables: BTreeMap::new(),
            routes: Vec::new(),
            url: None,
        }
    }

    /// Returns the ARN.
    pub fn arn(&self) -> String {
        arn(&self.name, &self.region)
    }
}

fn arn(name: &str, region: &str) -> String {
    let partition = intrinsics::partition(region);
    format!("arn:{partition}:lambda:{region}:{ACCOUNT}:function:{name}")
}

impl Template {
    /// Returns the template of the current directory, by the names that SAM looks for.
    pub fn find() -> Option<PathBuf> {
        let names = ["template.yaml", "template.yml", "template.json"];
        names
            .into_iter()
            .map(PathBuf::from)
            .find(|path| path.is_file())
    }

    /// Reads a template's file, in the default region.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        Self::read_in(path, REGION, &BTreeMap::new())
    }

    /// Reads the file of a template that is to be deployed in a region, with these values of its parameters.
    pub fn read_in(
        path: &Path,
        region: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Read {
            path: path.to_owned(),
            source,
        })?;
        let parsed = Self::parse_in(&text, region, parameters);
        let mut template = parsed.map_err(|error| error.in_file(path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for function in &mut template.functions {
            function.code = function.code.take().map(|code| folder.join(code));
        }
        Ok(template)
    }

    /// Reads a template's text, in YAML or JSON.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_in(text, REGION, &BTreeMap::new())
    }

    fn parse_in(
        text: &str,
        region: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, TemplateError> {
        let document = yaml::load(text).map_err(TemplateError::Syntax)?;
        let known = Node(document.get("Parameters"));
        if let Some(name) = parameters.keys().find(|name| known.get(name).is_absent()) {
            let known: Vec<_> = known.entries().map(|(name, _)| name).collect();
            return Err(TemplateError::UnknownParameter {
                name: name.clone(),
                known: known.join(", "),
            });
        }
        let mut scope = Scope {
            template: &document,
            region,
            parameters,
            functions: BTreeMap::new(),
        };
        let names = function_names(&resolved(&scope, "Resources"), region);
        scope.functions = names;
        let [globals, resources] = ["Globals", "Resources"].map(|key| resolved(&scope, key));
        let mut template = Self::default();
        let notes = &mut template.notes;
        for (kind, node) in Node(Some(&globals)).entries() {
            note_unfollowed(&format!("Globals.{kind}"), kind, node, notes);
        }
        let api = Node(globals.get("Api"));
        template.binary_types.extend(binary_types(api));
        template.faults = permissions::faults(&resources);
        let nothing = Value::Map(Vec::new());
        let of_functions = globals.get("Function").unwrap_or(&nothing);
        for (name, resource) in Node(Some(&resources)).entries() {
            let kind = resource.get("Type").text().unwrap_or_default();
            let kind = kind.strip_prefix("AWS::Serverless::").unwrap_or_default();
            let own = resource.get("Properties");
            note_unfollowed(name, kind, own, notes);
            if kind == "Api" {
                template.binary_types.extend(binary_types(own));
            }
            if kind != "Function" {
                continue;
            }
            if let Some(condition) = resource.get("Condition").text()
                && scope.condition(&condition) == Some(false)
            {
                notes.push(format!(
                    "{name}: its Condition {condition} does not hold; it is not started"
                ));
                continue;
            }
            let properties = of_functions.overlaid(own.0.unwrap_or(&nothing));
            if let Some(mut function) = function(name, Node(Some(&properties)), notes) {
                function.region = region.to_owned();
                template.functions.push(function);
            }
        }
        match template.functions.is_empty() {
            true => Err(TemplateError::NoFunction),
            false => Ok(template),
        }
    }

    /// Returns the function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

/// Returns a part of the template with the functions of CloudFormation evaluated.
fn resolved(scope: &Scope<'_>, key: &str) -> Value {
    let part = scope.template.get(key).and_then(|part| scope.resolve(part));
    part.unwrap_or(Value::Null)
}

/// Returns the names and ARNs of a template's functions, to which other values can refer.
fn function_names(resources: &Value, region: &str) -> BTreeMap<String, (String, String)> {
    let functions = Node(Some(resources)).entries().filter(|(_, resource)| {
        let kind = resource.get("Type").text();
        kind.as_deref() == Some("AWS::Serverless::Function")
    });
    let names = functions.map(|(resource, node)| {
        let name = node.get("Properties").get("FunctionName").text();
        let name = name.unwrap_or_else(|| resource.to_owned());
        let arn = arn(&name, region);
        (resource.to_owned(), (name, arn))
    });
    names.collect()
}

/// SAM writes `image~1png` for `image/png`, and accepts both.
fn binary_types(api: Node<'_>) -> Vec<String> {
    let types = api.get("BinaryMediaTypes");
    types.texts().map(|kind| kind.replace("~1", "/")).collect()
}

/// The settings of an API or a function URL that change its events or responses on AWS and are ignored here, with the value
/// that does not change them.
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

fn function(resource: &str, properties: Node<'_>, notes: &mut Vec<String>) -> Option<Function> {
    let mut property = |key: &str| {
        let node = properties.get(key);
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
    let code = property("CodeUri");
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
    function.code = code.filter(|code| !code.contains("://")).map(PathBuf::from);
    if properties.get("Architectures").texts().next() == Some("arm64") {
        function.architecture = Architecture::Arm64;
    }
    function.variables = variables(resource, properties, notes);
    function.routes = events::routes(resource, properties, notes);
    let key = "FunctionUrlConfig";
    let url = properties.get(key);
    note_unfollowed(resource, key, url, notes);
    function.url = events::url(resource, url, notes);
    Some(function)
}

fn variables(
    resource: &str,
    properties: Node<'_>,
    notes: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in properties.get("Environment").get("Variables").entries() {
        if let Some(text) = value.text() {
            variables.insert(name.to_owned(), text);
            continue;
        }
        let what = value.intrinsic().unwrap_or("not a plain value");
        notes.push(format!(
            "{resource}: the variable {name} is {what}, which only a deployment can tell; it is not set here"
        ));
    }
    variables
}

#[cfg(test)]
mod tests;

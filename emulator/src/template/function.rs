//! The functions of a template.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::apis::Apis;
use super::value::Node;
use super::{Architecture, Cors, InvokeMode, Route, events, intrinsics};
use crate::account::{ACCOUNT, REGION};

/// An `AWS::Serverless::Function`, with the template's `Globals` merged in, or an `AWS::Lambda::Function`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// `FunctionName`, or else the resource's own name.
    pub name: String,
    /// `Handler`: what the runtime gets as `_HANDLER`.
    pub handler: String,
    /// The region that it seems to be in.
    pub region: String,
    /// `CodeUri`, `Code` or the CDK's asset, if it is on this machine: relative to the directory of the template.
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
    /// `FunctionUrlConfig` or an `AWS::Lambda::Url`: the invoke mode of its function URL, if it has one.
    pub url: Option<InvokeMode>,
    /// Whether its function URL takes only signed requests (`AWS_IAM`).
    pub has_signed_url: bool,
    /// `Cors` of its function URL.
    pub url_cors: Option<Cors>,
    /// Retries and destinations of asynchronous invocations.
    pub asynchronous: Asynchronous,
    /// Whether it is the target of a load balancer.
    pub is_target: bool,
    /// Whether its target group has multi-value headers enabled.
    pub has_multi_value_target: bool,
}

/// Retries and destinations of asynchronous invocations: `EventInvokeConfig` and `DeadLetterQueue`. Places are ARNs, or say that
/// only a deployment knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asynchronous {
    /// How often the function is invoked again after a failure.
    pub retries: u32,
    /// The place of a record of a success.
    pub on_success: Option<String>,
    /// The place of a record of the last failure.
    pub on_failure: Option<String>,
    /// The place of an event that has failed.
    pub dead_letter: Option<String>,
}

impl Default for Asynchronous {
    fn default() -> Self {
        Self {
            retries: 2,
            on_success: None,
            on_failure: None,
            dead_letter: None,
        }
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
            has_signed_url: false,
            url_cors: None,
            asynchronous: Asynchronous::default(),
            is_target: false,
            has_multi_value_target: false,
        }
    }

    /// Returns the ARN.
    pub fn arn(&self) -> String {
        arn(&self.name, &self.region)
    }
}

/// Returns the ARN of a function.
pub(super) fn arn(name: &str, region: &str) -> String {
    let partition = intrinsics::partition(region);
    format!("arn:{partition}:lambda:{region}:{ACCOUNT}:function:{name}")
}

/// Reads a function, unless it cannot be started here.
pub(super) fn read(
    resource: &str,
    properties: Node<'_>,
    apis: &Apis,
    notes: &mut Vec<String>,
) -> Option<Function> {
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
    let code = property("CodeUri").or_else(|| properties.get("Code").text());
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
    function.asynchronous = asynchronous(properties);
    function.routes = events::routes(resource, properties, apis, notes);
    let url = properties.get("FunctionUrlConfig");
    events::set_url(&mut function, resource, url, notes);
    Some(function)
}

fn asynchronous(properties: Node<'_>) -> Asynchronous {
    let place = |node: Node<'_>| {
        let unknown = || {
            Some(format!(
                "{}, which only a deployment can tell",
                node.intrinsic()?
            ))
        };
        node.text().or_else(unknown)
    };
    let config = properties.get("EventInvokeConfig");
    let retries = config.get("MaximumRetryAttempts").text();
    let destinations = config.get("DestinationConfig");
    Asynchronous {
        // Lambda takes 0 to 2.
        retries: retries
            .and_then(|text| text.parse().ok())
            .unwrap_or(2)
            .min(2),
        on_success: place(destinations.get("OnSuccess").get("Destination")),
        on_failure: place(destinations.get("OnFailure").get("Destination")),
        dead_letter: place(properties.get("DeadLetterQueue").get("TargetArn")),
    }
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

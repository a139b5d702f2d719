//! The functions of a template.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::apis::Apis;
use super::intrinsics::Scope;
use super::notes::Notes;
use super::value::Node;
use super::{Architecture, Cors, EventSource, InvokeMode, Other, Route, Why, events, intrinsics};
use crate::account::{ACCOUNT, REGION};
use crate::function_name;

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
    /// Whether `SnapStart` is on: `ApplyOn` is `PublishedVersions`.
    pub has_snap_start: bool,
    /// `Environment.Variables`, as far as they are plain values.
    pub variables: BTreeMap<String, String>,
    /// Its events of types `Api` and `HttpApi`; without any it can still be invoked by its name.
    pub routes: Vec<Route>,
    /// Its event sources that are not HTTP.
    pub sources: Vec<EventSource>,
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

impl Asynchronous {
    /// Sets the retries and destinations of SAM's `EventInvokeConfig`, or of the resource:
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventinvokeconfig.html>.
    pub(super) fn configure(&mut self, config: Node<'_>) {
        let retries = config.get("MaximumRetryAttempts").text();
        let retries: Option<u32> = retries.and_then(|text| text.parse().ok());
        // Lambda takes 0 to 2.
        self.retries = retries.unwrap_or(2).min(2);
        let destinations = config.get("DestinationConfig");
        self.on_success = place(destinations.get("OnSuccess").get("Destination"));
        self.on_failure = place(destinations.get("OnFailure").get("Destination"));
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
            has_snap_start: false,
            variables: BTreeMap::new(),
            routes: Vec::new(),
            sources: Vec::new(),
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

    /// Returns whether a name, an ARN, or one with a version or an alias names the function:
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>.
    pub(super) fn is_named(&self, target: &str) -> bool {
        function_name::split(target).0 == self.name
    }
}

/// The most seconds of `Timeout`: "Lambda quotas" in
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const MAX_TIMEOUT: u64 = 900;

/// Returns the ARN of a function.
pub(super) fn arn(name: &str, region: &str) -> String {
    let partition = intrinsics::partition(region);
    format!("arn:{partition}:lambda:{region}:{ACCOUNT}:function:{name}")
}

/// Reads a function, or returns why it cannot be run here.
pub(super) fn read(
    resource: &str,
    properties: Node<'_>,
    scope: &Scope<'_>,
    apis: &Apis,
    notes: &mut Notes<'_>,
) -> Result<Function, Other> {
    let mut property = |key: &str| {
        let node = properties.get(key);
        if let Some(intrinsic) = node.intrinsic() {
            let note = format!(
                "{resource}: {key} is {intrinsic}, which only a deployment can tell; it is ignored here"
            );
            notes.of(resource, &[key], &note);
        }
        node.text()
    };
    property("FunctionName");
    let name = scope.stack.functions.get(resource);
    let name = name.map_or_else(|| resource.to_owned(), |(name, _)| name.clone());
    let runtime = property("Runtime");
    let timeout = property("Timeout").and_then(|text| text.parse::<u64>().ok());
    let memory = property("MemorySize").and_then(|text| text.parse().ok());
    let handler = property("Handler");
    let code = property("CodeUri").or_else(|| properties.get("Code").text());
    let other = |why| Other {
        name: name.clone(),
        runtime: runtime.clone(),
        why,
    };
    if let Some(why) = reason(runtime.as_deref(), properties) {
        return Err(other(why));
    }
    let Some(handler) = handler else {
        return Err(other(Why::NoHandler));
    };
    let mut function = Function::new(&name, &handler);
    function.region = scope.region.to_owned();
    if timeout.is_some_and(|timeout| timeout > MAX_TIMEOUT) {
        let note = format!(
            "{resource}: Timeout is more than {MAX_TIMEOUT} s, which Lambda does not allow; it is {MAX_TIMEOUT} s here"
        );
        notes.of(resource, &["Timeout"], &note);
    }
    let timeout = timeout.map(|timeout| Duration::from_secs(timeout.min(MAX_TIMEOUT)));
    function.timeout = timeout.unwrap_or(function.timeout);
    function.memory_mb = memory.unwrap_or(function.memory_mb);
    function.code = code.filter(|code| !code.contains("://")).map(PathBuf::from);
    if properties.get("Architectures").texts().next() == Some("arm64") {
        function.architecture = Architecture::Arm64;
    }
    function.has_snap_start = has_snap_start(resource, properties, notes);
    function.variables = variables(resource, properties, scope, notes);
    function.asynchronous = asynchronous(properties);
    function.routes = events::routes(resource, properties, apis, notes);
    function.sources = events::sources(resource, properties, scope.region, notes);
    let url = properties.get("FunctionUrlConfig");
    events::set_url(&mut function, resource, url, notes);
    Ok(function)
}

/// Returns whether a function has SnapStart, and notes the difference between Lambda and this machine:
/// <https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html>.
fn has_snap_start(resource: &str, properties: Node<'_>, notes: &mut Notes<'_>) -> bool {
    let snap_start = properties.get("SnapStart");
    let apply_on = snap_start.get("ApplyOn").text();
    let is_on = apply_on.as_deref() == Some("PublishedVersions");
    if snap_start.is_absent() || apply_on.as_deref() == Some("None") {
        return false;
    }
    let note = match is_on {
        true => {
            "SnapStart is played here without a snapshot; on AWS, a custom runtime has it only in a container image, and not in a zip (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html)"
        }
        false => "SnapStart has no effect here, since its ApplyOn is not PublishedVersions",
    };
    notes.of(resource, &["SnapStart"], &format!("{resource}: {note}"));
    is_on
}

/// Returns the reason why a function with these properties cannot run here, if there is one.
fn reason(runtime: Option<&str>, properties: Node<'_>) -> Option<Why> {
    let is_image = properties.get("PackageType").text().as_deref() == Some("Image");
    let inline = [
        properties.get("InlineCode"),
        properties.get("Code").get("ZipFile"),
    ];
    match runtime {
        Some(runtime) if !runtime.starts_with("provided") => Some(Why::Runtime),
        _ if is_image => Some(Why::Image),
        _ if inline.iter().any(|code| !code.is_absent()) => Some(Why::Inline),
        _ => None,
    }
}

fn asynchronous(properties: Node<'_>) -> Asynchronous {
    // SAM and CloudFormation name the property differently.
    let queues = ["DeadLetterQueue", "DeadLetterConfig"].map(|key| properties.get(key));
    let mut queues = queues.into_iter().map(|queue| queue.get("TargetArn"));
    let mut asynchronous = Asynchronous::default();
    asynchronous.configure(properties.get("EventInvokeConfig"));
    asynchronous.dead_letter = queues.find_map(place);
    asynchronous
}

/// Returns an ARN, or says that only a deployment knows it.
fn place(node: Node<'_>) -> Option<String> {
    let unknown = || {
        Some(format!(
            "{}, which only a deployment can tell",
            node.intrinsic()?
        ))
    };
    node.text().or_else(unknown)
}

fn variables(
    resource: &str,
    properties: Node<'_>,
    scope: &Scope<'_>,
    notes: &mut Notes<'_>,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in properties.get("Environment").get("Variables").entries() {
        let is_dynamic = value.text().is_some_and(|text| text.contains("{{resolve:"));
        if let Some(text) = value.text().filter(|_| !is_dynamic) {
            variables.insert(name.to_owned(), text);
            continue;
        }
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
        let what = match is_dynamic {
            true => "a dynamic reference",
            false => value.intrinsic().unwrap_or("not a plain value"),
        };
        let parameter = value.referenced().filter(|_| !is_dynamic);
        let note = match parameter.filter(|parameter| scope.can_override(parameter)) {
            Some(parameter) => format!(
                "{resource}: the variable {name} is the parameter {parameter}, which has no value here; set it with --parameter-overrides {parameter}=VALUE"
            ),
            None => format!(
                "{resource}: the variable {name} is {what}, which only a deployment can tell; it is not set here"
            ),
        };
        notes.of(resource, &["Environment", "Variables", name], &note);
    }
    variables
}

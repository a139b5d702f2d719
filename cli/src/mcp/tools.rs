//! The tools: their arguments, and the command lines that they stand for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rmcp::ErrorData;
use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::command::Call;

/// Returns all tools.
pub(super) fn all() -> Vec<Tool> {
    let reads = ToolAnnotations::new().read_only(true);
    vec![
        tool::<New>("new", "Create a project for a function"),
        tool::<Build>(
            "build",
            "Build the project into dist/. The first build in a language may install its compiler",
        ),
        tool::<Test>(
            "test",
            "Build the project and run its test cases. Returns the differences and the log of each case",
        ),
        tool::<Invoke>(
            "invoke",
            "Send an event to a function in dist/. Returns the response or the failure, and the log",
        ),
        tool::<Inspect>(
            "inspect",
            "Show the world, imports, exports and possible grants of a component or an artifact",
        )
        .with_annotations(reads.clone()),
        tool::<Doctor>(
            "doctor",
            "Show which tools of the languages are installed, and how to install the others",
        )
        .with_annotations(reads),
    ]
}

fn tool<T: JsonSchema + 'static>(name: &'static str, description: &'static str) -> Tool {
    Tool::new(name, description, schema_for_type::<T>())
}

/// Returns the command line for a tool and its arguments.
///
/// # Errors
///
/// Returns an error if the tool does not exist, or if the arguments are not its own.
pub(super) fn call(name: &str, arguments: JsonObject) -> Result<Call, ErrorData> {
    match name {
        "new" => parse::<New>(arguments).map(Call::from),
        "build" => parse::<Build>(arguments).map(Call::from),
        "test" => parse::<Test>(arguments).map(Call::from),
        "invoke" => parse::<Invoke>(arguments).map(Call::from),
        "inspect" => parse::<Inspect>(arguments).map(Call::from),
        "doctor" => parse::<Doctor>(arguments).map(Call::from),
        _ => {
            let why = format!("the tool `{name}` does not exist");
            Err(ErrorData::invalid_params(why, None))
        }
    }
}

fn parse<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, ErrorData> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| ErrorData::invalid_params(error.to_string(), None))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct New {
    /// The name of the function and of its directory
    name: String,
    /// rust, go, c, js, ts or python
    lang: Option<String>,
    /// The world, which says what the function takes and returns: http, api, handler or stream
    world: Option<String>,
    /// The directory to create the project in
    directory: Option<PathBuf>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Build {
    /// The directory of the project
    directory: Option<PathBuf>,
    /// x86_64 or arm64; this machine's by default
    arch: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Test {
    /// The directory of the project
    directory: Option<PathBuf>,
    /// Run only the cases whose FILE::NAME contains this text
    filter: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Invoke {
    /// The directory of the project
    directory: Option<PathBuf>,
    /// The function, if there are several
    function: Option<String>,
    /// The event, as JSON
    event: Option<Value>,
    /// Send the sample event of this event source, such as http-api, rest, sqs or s3
    sample: Option<String>,
    /// Changes of the event: values by paths such as Records.0.body
    #[serde(default)]
    set: BTreeMap<String, Value>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Inspect {
    /// The component (.wasm) or artifact (.cwasm)
    file: PathBuf,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Doctor {}

impl From<New> for Call {
    fn from(new: New) -> Self {
        Self::new("new", new.directory)
            .option("--lang", new.lang)
            .option("--world", new.world)
            .argument(new.name)
    }
}

impl From<Build> for Call {
    fn from(build: Build) -> Self {
        Self::new("build", build.directory).option("--arch", build.arch)
    }
}

impl From<Test> for Call {
    fn from(test: Test) -> Self {
        let call = Self::new("test", test.directory);
        match test.filter {
            Some(filter) => call.argument(filter),
            None => call,
        }
    }
}

impl From<Invoke> for Call {
    fn from(invoke: Invoke) -> Self {
        let mut call = Self::new("invoke", invoke.directory).option("--sample", invoke.sample);
        if let Some(event) = invoke.event {
            call = call.option("--event", Some("-".to_owned()));
            call.input = event.to_string();
        }
        for (path, value) in invoke.set {
            call = call.option("--set", Some(format!("{path}={value}")));
        }
        match invoke.function {
            Some(function) => call.argument(function),
            None => call,
        }
    }
}

impl From<Inspect> for Call {
    fn from(inspect: Inspect) -> Self {
        Self::new("inspect", None).argument(inspect.file)
    }
}

impl From<Doctor> for Call {
    fn from(_: Doctor) -> Self {
        Self::new("doctor", None)
    }
}

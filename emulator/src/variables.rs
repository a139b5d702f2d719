//! The variables that Lambda gives a runtime: "Defined runtime environment variables" in its guide.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;

use crate::Function;

/// Returns all variables of a function's process, except the machine's (`PATH`, `HOME`). The template's
/// variables come first: Lambda does not let them replace its own.
pub fn for_function(
    function: &Function,
    runtime_api: SocketAddr,
    task_root: &Path,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::from([
        ("LANG".to_owned(), "en_US.UTF-8".to_owned()),
        ("TZ".to_owned(), ":UTC".to_owned()),
    ]);
    variables.extend(function.variables.clone());
    let initialization = match function.has_snap_start {
        true => "snap-start",
        false => "on-demand",
    };
    let reserved = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("_HANDLER", function.handler.clone()),
        ("LAMBDA_TASK_ROOT", task_root.display().to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            function.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", initialization.to_owned()),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", function.name),
        ),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream()),
        ("AWS_REGION", function.region.clone()),
        ("AWS_DEFAULT_REGION", function.region.clone()),
    ];
    variables.extend(reserved.map(|(name, value)| (name.to_owned(), value)));
    variables
}

/// Changes the variables of a [function](for_function) to those on a Lambda Managed Instance, where an
/// environment serves so many events at the same time.
///
/// AWS's Runtime Interface Emulator sets them (`internal/lambda-managed-instances/rapidcore/env`):
/// <https://github.com/aws/aws-lambda-runtime-interface-emulator>.
pub fn set_concurrency(variables: &mut BTreeMap<String, String>, concurrency: usize) {
    let managed = [
        ("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string()),
        (
            "AWS_LAMBDA_INITIALIZATION_TYPE",
            "lambda-managed-instances".to_owned(),
        ),
    ];
    variables.extend(managed.map(|(name, value)| (name.to_owned(), value)));
}

/// The variables of the runtime's process that extensions do not see: "Permissions and configuration" in
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>.
const RUNTIME_ONLY: [&str; 10] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "_HANDLER",
];

/// Returns the variables of an external extension, from those of its [function](for_function).
pub fn for_extension(function: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut variables = function.clone();
    variables.retain(|name, _| !RUNTIME_ONLY.contains(&name.as_str()));
    variables
}

/// Returns the name of a log stream: the day and the environment.
fn log_stream() -> String {
    let day = Timestamp::now().strftime("%Y/%m/%d");
    format!("{day}/[$LATEST]{}", Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Template;

    #[test]
    fn the_template_sets_what_lambda_does_not_keep_for_itself() {
        let template = "
            Resources:
              F:
                Type: AWS::Serverless::Function
                Properties:
                  Handler: f
                  Environment: { Variables: { MINE: 1, TZ: CET, AWS_REGION: moon } }";
        let template = Template::parse(template).unwrap();
        let address = "127.0.0.1:9001".parse().unwrap();
        let mut variables = for_function(&template.functions[0], address, Path::new("/dist"));
        assert_eq!(variables["MINE"], "1");
        assert_eq!(variables["TZ"], "CET");
        assert_eq!(variables["AWS_REGION"], "us-east-1");
        assert_eq!(variables["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:9001");
        assert_eq!(variables["_HANDLER"], "f");

        let extension = for_extension(&variables);
        assert_eq!(extension["MINE"], "1");
        assert_eq!(extension["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:9001");
        assert!(!extension.contains_key("_HANDLER"));
        assert!(!extension.contains_key("LAMBDA_TASK_ROOT"));

        let mut function = template.functions[0].clone();
        function.has_snap_start = true;
        let restored = for_function(&function, address, Path::new("/dist"));
        assert_eq!(restored["AWS_LAMBDA_INITIALIZATION_TYPE"], "snap-start");

        assert_eq!(variables["AWS_LAMBDA_INITIALIZATION_TYPE"], "on-demand");
        set_concurrency(&mut variables, 8);
        assert_eq!(variables["AWS_LAMBDA_MAX_CONCURRENCY"], "8");
        let kind = &variables["AWS_LAMBDA_INITIALIZATION_TYPE"];
        assert_eq!(kind, "lambda-managed-instances");
    }
}

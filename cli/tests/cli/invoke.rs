//! `lambda-wasm invoke`: the options that it shares with `dev` and `test`.

use std::fs;

use lambda_wasm_test_support::{artifact, full_bootstrap};

use crate::support::Folder;
use crate::testing::functions;

#[test]
fn variables_and_parameters_of_the_command_line_reach_the_function() {
    let folder = functions("");
    folder.write(
        "template.yaml",
        "Parameters: { Color: { Type: String, Default: red }, Size: { Type: Number, Default: 1 } }\n\
         Resources:\n  Jobs:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: handler\n      \
         Environment: { Variables: { COLOR: !Ref Color, SIZE: !Sub 'about ${Size}' } }\n",
    );
    folder.write("variables.env", "ONE=file\nTWO=file\n");
    let variable = |name: &str, args: &[&str]| {
        folder.write("event.json", format!("\"env:{name}\""));
        folder.succeed(&[&["invoke", "Jobs", "--event", "event.json"], args].concat())
    };
    assert_eq!(variable("COLOR", &[]), "\"red\"");
    let parameters = ["--parameter-overrides", "Color=deep=blue", "Size=2"];
    assert_eq!(variable("COLOR", &parameters), "\"deep=blue\"");
    assert_eq!(variable("SIZE", &parameters), "\"about 2\"");
    let variables = [
        "--env-file",
        "variables.env",
        "--env",
        "TWO=line",
        "--env",
        "COLOR=x",
    ];
    assert_eq!(variable("ONE", &variables), "\"file\"");
    assert_eq!(variable("TWO", &variables), "\"line\"");
    assert_eq!(variable("COLOR", &variables), "\"x\"");
    let error = folder.fail(&["invoke", "--parameter-overrides", "Colour=x"]);
    assert_eq!(
        error,
        "error: the template does not have the parameter `Colour`\nhint: its parameters are: Color, Size\n"
    );
    let output = folder.run(&["invoke", "--env", "x"]);
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(
        output.stderr.contains("this is not NAME=VALUE"),
        "{output:?}"
    );
    fs::remove_file(folder.path("template.yaml")).unwrap();
    let error = folder.fail(&["invoke", "handler", "--parameter-overrides", "Color=x"]);
    assert!(
        error.contains("\nhint: name it with --template\n"),
        "{error}"
    );
}

#[test]
fn a_profile_names_the_code_that_takes_the_time() {
    let folder = Folder::new();
    fs::create_dir(folder.path("dist")).unwrap();
    fs::copy(artifact("http_p2"), folder.path("dist/web.cwasm")).unwrap();
    fs::copy(full_bootstrap(), folder.path("dist/bootstrap")).unwrap();
    let event = ["--sample", "http-api", "--set", "rawPath=/busy-chunks"];
    let query = "--set rawQueryString=n=2&spin=60";
    let query: Vec<_> = query.split(' ').collect();
    let profile = ["--profile", "web.json", "--repeat", "2"];
    let args = [&["invoke"][..], &event, &query, &profile].concat();
    let output = folder.run(&args);
    assert_eq!(output.code, Some(0), "{output:?}");
    let (samples, _) = output.stderr.split_once(" samples").unwrap();
    let samples: u32 = samples.rsplit(' ').next().unwrap().parse().unwrap();
    // It computes for 120 ms, twice or once in between.
    assert!(samples >= 30, "{output:?}");
    let profile = fs::read_to_string(folder.path("web.json")).unwrap();
    let profile: serde_json::Value = serde_json::from_str(&profile).unwrap();
    assert_eq!(profile["meta"]["interval"], 1.0);
    let graph = fs::read_to_string(folder.path("web.json.svg")).unwrap();
    assert!(graph.starts_with("<svg ") && graph.ends_with("</svg>\n"));
    assert!(
        graph.contains("<title>wasi:http/incoming-handler@0.2"),
        "{graph}"
    );
    // A function that fails has no profile.
    fs::remove_file(folder.path("web.json")).unwrap();
    let trap = [
        "--sample",
        "http-api",
        "--set",
        "rawPath=/trap",
        "--profile",
        "web.json",
        "--repeat",
        "3",
    ];
    let output = folder.run(&[&["invoke"][..], &trap].concat());
    let error = "error: the invocation failed: Function.Trap: ";
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains(error), "{output:?}");
    assert!(!folder.path("web.json").exists());
}

//! `lambda-wasm invoke`: the options that it shares with `dev` and `test`.

use std::fs;

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

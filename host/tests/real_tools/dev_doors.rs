//! Who reaches the functions of `lambda-wasm dev`, and by which other ways.

use std::process::Command;

use lambda_wasm_test_support::tools::tool;
use serde_json::{Value, json};

use crate::dev::Dev;
use crate::dev_requests::{TEMPLATE, assert_once, printed};
use crate::http::{get, get_with, post};

#[test]
fn a_foreign_host_is_refused_unless_it_is_allowed() {
    let dev = Dev::with(
        TEMPLATE,
        &["handler", "api", "streaming"].map(|guest| (guest, guest, "")),
        &["--allow-host", "shop.example"],
    );
    let get = |host: &str| {
        let url = format!("{}/some/where", dev.address);
        get_with(&url, &[("host", host)]).status.as_u16()
    };
    assert_eq!(get("shop.example:3000"), 200);
    assert_eq!(get("evil.example:3000"), 403);
    let printed = printed(dev);
    assert_once(
        &printed,
        "a request for the host evil.example was refused, since a web page may have sent it\nhint: if the host is yours, start `dev` with --allow-host evil.example",
    );
    assert!(!printed.contains("GET /some/where 403"), "{printed}");
}

#[test]
fn a_load_balancer_is_an_event_source_on_a_port_of_its_own() {
    let template = format!(
        "{TEMPLATE}  Group:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {{ TargetType: lambda, Targets: [{{ Id: !GetAtt Api.Arn }}] }}
"
    );
    let functions = ["handler", "api", "streaming"].map(|guest| (guest, guest, ""));
    let dev = Dev::with(&template, &functions, &["--alb", "0", "--json"]);
    let listening: Value = serde_json::from_str(&dev.listening).unwrap();
    let balancer = &listening["loadBalancers"][0];
    assert_eq!(balancer["function"], "Api");
    let url = balancer["url"].as_str().unwrap();
    assert_eq!(post(&format!("{url}body"), "sent").body, "sent");
    let answer = post(
        &format!("{url}some/where?x=%31"),
        &"x".repeat(1024 * 1024 + 1),
    );
    assert_eq!(answer.status.as_u16(), 413);
    assert!(
        answer.body.contains("<h1>413 Payload Too Large</h1>"),
        "{}",
        answer.body
    );
    let answer = get(&format!("{url}fail"));
    assert_eq!(
        (answer.status.as_u16(), answer.content_type.as_deref()),
        (502, Some("text/html"))
    );
}

#[test]
fn the_aws_cli_invokes_a_function_that_no_template_has() {
    let Some(aws) = tool("aws") else {
        return;
    };
    let dev = Dev::with(
        "Resources: { F: { Type: AWS::Serverless::Function, Properties: { Handler: handler } } }",
        &[("handler", "handler", ""), ("more", "handler", "")],
        &[],
    );
    let folder = tempfile::tempdir().unwrap();
    let response = folder.path().join("response.json");
    let invoke = |function: &str, payload: &str| {
        let mut command = Command::new(&aws);
        command
            .args(["lambda", "invoke", "--function-name", function])
            .args(["--endpoint-url", &dev.address, "--region", "eu-west-1"])
            .args(["--payload", payload])
            .arg(&response)
            .env("AWS_ACCESS_KEY_ID", "a")
            .env("AWS_SECRET_ACCESS_KEY", "b");
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    for function in ["F", "more"] {
        let (said, error) = invoke(function, "\"count\"");
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{error}"));
        assert_eq!(
            said,
            json!({ "StatusCode": 200, "ExecutedVersion": "$LATEST" })
        );
        assert_eq!(std::fs::read_to_string(&response).unwrap(), "\"1\"");
    }
    let (said, _) = invoke("F", "\"fail\"");
    assert!(said.contains("\"FunctionError\": \"Unhandled\""), "{said}");
    let (_, error) = invoke("Nobody", "{}");
    assert!(error.contains("(ResourceNotFoundException)"), "{error}");
}

//! `lambda-wasm deploy`, with answers of Lambda that a test writes.

use std::fs::{self, File};
use std::io::{Read, copy};
use std::net::TcpListener;

use lambda_wasm_test_support::{Request, signature::verify};
use serde_json::{Value, json};

use crate::answers::{ARN, Answer, configuration, error, fails, lambda, lines, not_found};
use crate::deploy::{Output, ROLE, SECRET, deploy, dist, run, succeeds, tool};

/// Deploys against these answers, and returns what was printed and sent.
fn deployed(args: &[&str], answers: Vec<Answer>) -> (Output, Vec<Request>) {
    let folder = dist(&["handler"]);
    let (endpoint, server) = lambda(answers);
    let output = deploy(folder.path(), &endpoint, args);
    (output, server.join().unwrap())
}

#[test]
fn a_role_that_lambda_does_not_know_yet_is_waited_for() {
    let refused = || {
        let why = "The role defined for the function cannot be assumed by Lambda.";
        error("400 Bad Request", "InvalidParameterValueException", why)
    };
    let pending = || configuration(&json!({ "State": "Pending" }));
    let (output, requests) = deployed(
        &["deploy", "jobs", "--role", ROLE],
        vec![
            not_found(),
            refused(),
            refused(),
            configuration(&json!({})),
            pending(),
            configuration(&json!({})),
        ],
    );
    succeeds(&output);
    assert!(
        output.stderr.ends_with(&format!("created: {ARN}\n")),
        "{output:?}"
    );
    let post = "POST functions";
    let get = "GET configuration";
    assert_eq!(lines(&requests), [get, post, post, post, get, get]);
    assert!(requests[1].body == requests[3].body);
}

#[test]
fn an_update_waits_for_the_update_before_it() {
    let busy = || configuration(&json!({ "LastUpdateStatus": "InProgress" }));
    let done = || configuration(&json!({ "MemorySize": 512 }));
    let (output, requests) = deployed(
        &["deploy", "jobs", "--memory", "512"],
        vec![
            busy(),
            busy(),
            configuration(&json!({})),
            busy(),
            busy(),
            done(),
            done(),
            busy(),
            done(),
        ],
    );
    succeeds(&output);
    let get = "GET configuration";
    assert_eq!(
        lines(&requests),
        [
            get,
            get,
            get,
            "PUT configuration",
            get,
            get,
            "PUT code",
            get,
            get
        ]
    );
    let change: Value = serde_json::from_slice(&requests[3].body).unwrap();
    assert_eq!(
        change,
        json!({ "Runtime": "provided.al2023", "Handler": "handler", "MemorySize": 512 })
    );
}

#[test]
fn an_update_that_fails_is_an_error_with_lambdas_reason() {
    let failed =
        json!({ "LastUpdateStatus": "Failed", "LastUpdateStatusReason": "The layer is gone" });
    // The failure of an earlier update does not matter.
    let (output, _) = deployed(
        &["deploy", "jobs"],
        vec![
            configuration(&failed),
            configuration(&failed),
            configuration(&json!({})),
            configuration(&failed),
        ],
    );
    fails(
        &output,
        &["error: Lambda could not update jobs: The layer is gone"],
    );
}

#[test]
fn errors_of_aws_have_a_cause_and_a_hint() {
    let denied =
        "User: arn:aws:iam::1:user/x is not authorized to perform: lambda:GetFunctionConfiguration";
    let update = ["deploy", "jobs"];
    let (output, _) = deployed(
        &update,
        vec![error("403 Forbidden", "AccessDeniedException", denied)],
    );
    fails(
        &output,
        &[
            denied,
            "\nhint: allow this action in a policy of the user or role",
        ],
    );
    let (output, _) = deployed(
        &update,
        vec![error("403 Forbidden", "ExpiredTokenException", "expired")],
    );
    fails(
        &output,
        &["ExpiredTokenException: expired (status 403)\nhint: renew the credentials"],
    );
    let (output, _) = deployed(&update, vec![not_found()]);
    fails(
        &output,
        &[
            "the function jobs does not exist, and a new function needs a role\nhint: name it with --role",
        ],
    );
    let python = || configuration(&json!({ "Runtime": "python3.13" }));
    let (output, requests) = deployed(&update, vec![python(), python()]);
    fails(
        &output,
        &["its runtime is python3.13\nhint: choose another name"],
    );
    assert_eq!(requests.len(), 2);
    let conflict = error(
        "409 Conflict",
        "ResourceConflictException",
        "An update is in progress",
    );
    let (output, _) = deployed(
        &update,
        vec![
            configuration(&json!({})),
            configuration(&json!({})),
            conflict,
        ],
    );
    fails(
        &output,
        &[
            "UpdateFunctionCode: ResourceConflictException",
            "\nhint: another update of the function",
        ],
    );
}

#[test]
fn what_is_missing_before_the_first_request_is_told() {
    let folder = dist(&["handler", "api"]);
    let update = ["deploy", "jobs", "--handler", "api"];
    fails(
        &run(&mut tool(folder.path(), &update)),
        &[
            "cannot find credentials for AWS",
            "\nhint: set AWS_ACCESS_KEY_ID",
        ],
    );
    let mut without_region = tool(folder.path(), &update);
    without_region.env_remove("AWS_REGION");
    fails(
        &run(&mut without_region),
        &["cannot find a region for AWS\nhint: name it with --region"],
    );
    let mut unknown = tool(folder.path(), &update);
    unknown.args(["--profile", "nobody"]);
    fails(
        &run(&mut unknown),
        &["cannot find credentials for AWS in the profile nobody: "],
    );
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let output = deploy(folder.path(), &format!("http://{free}"), &update);
    fails(
        &output,
        &[
            "GetFunctionConfiguration: dispatch failure",
            "\nhint: check the network, the region",
        ],
    );
    let ambiguous = deploy(folder.path(), "http://127.0.0.1:9", &["deploy", "jobs"]);
    fails(
        &ambiguous,
        &["dist has several components\nhint: name one with --handler: api, handler"],
    );
    let other = deploy(
        folder.path(),
        "http://127.0.0.1:9",
        &["deploy", "jobs", "--handler", "x"],
    );
    fails(
        &other,
        &["dist does not have x.cwasm\nhint: the handlers are api, handler"],
    );
    fs::write(folder.path().join("dist/api.toml"), "[http]\nalow = []\n").unwrap();
    fails(
        &deploy(folder.path(), "http://127.0.0.1:9", &update),
        &["dist/api.toml, line 2"],
    );
    fs::remove_file(folder.path().join("dist/api.toml")).unwrap();
    let noise = File::open("/dev/urandom").unwrap();
    let mut large = File::create(folder.path().join("dist/large")).unwrap();
    copy(&mut noise.take(55_000_000), &mut large).unwrap();
    fails(
        &deploy(folder.path(), "http://127.0.0.1:9", &update),
        &["Lambda takes at most 50 MB in a direct upload\nhint: deploy it from S3"],
    );
}

#[test]
fn a_profile_signs_for_its_region() {
    let folder = dist(&["handler"]);
    let aws = folder.path().join(".aws");
    fs::create_dir(&aws).unwrap();
    let keys = format!("[work]\naws_access_key_id = WORK\naws_secret_access_key = {SECRET}\n");
    fs::write(aws.join("credentials"), keys).unwrap();
    fs::write(aws.join("config"), "[profile work]\nregion = us-west-2\n").unwrap();
    let (endpoint, server) = lambda(vec![not_found()]);
    let mut command = tool(
        folder.path(),
        &[
            "deploy",
            "jobs",
            "--profile",
            "work",
            "--endpoint-url",
            &endpoint,
        ],
    );
    fails(
        &run(command.env_remove("AWS_REGION")),
        &["the function jobs does not exist"],
    );
    let signed = verify(&server.join().unwrap()[0], SECRET);
    assert_eq!([signed.key, signed.region], ["WORK", "us-west-2"]);
}

#[test]
fn a_dry_run_prints_the_requests_and_sends_none() {
    let folder = dist(&["handler"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let args = [
        "deploy",
        "jobs",
        "--role",
        ROLE,
        "--url",
        "NONE",
        "--dry-run",
        "--endpoint-url",
        &endpoint,
    ];
    // Without credentials too.
    let output = run(tool(folder.path(), &args).arg("--json"));
    succeeds(&output);
    let lines: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |when: &str| {
        let of_case = lines.iter().filter(|line| line["when"] == when);
        let changing = of_case.filter(|line| line["method"] != "GET");
        changing
            .map(|line| line["operation"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let url = ["AddPermission", "AddPermission", "CreateFunctionUrlConfig"];
    assert_eq!(of("new"), [&["CreateFunction"][..], &url].concat());
    assert_eq!(
        of("exists"),
        [
            &["UpdateFunctionConfiguration", "UpdateFunctionCode"][..],
            &url
        ]
        .concat()
    );
    let create = lines
        .iter()
        .find(|line| line["operation"] == "CreateFunction")
        .unwrap();
    assert_eq!(create["path"], "/2015-03-31/functions");
    let packaged = run(&mut tool(folder.path(), &["package", "--json"]));
    let packaged: Value = serde_json::from_str(&packaged.stdout).unwrap();
    let zip = json!({ "bytes": packaged["size"], "codeSha256": packaged["codeSha256"] });
    assert_eq!(create["body"]["Code"], json!({ "ZipFile": zip }));
    let output = run(&mut tool(folder.path(), &args));
    succeeds(&output);
    let text = output.stdout;
    assert!(
        text.starts_with("if jobs does not exist yet:\n  GetFunctionConfiguration: GET /"),
        "{text}"
    );
    assert!(text.contains("\nif jobs exists:\n"), "{text}");
    assert!(listener.accept().is_err());
}

//! `lambda-wasm deploy`, with moto for AWS.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_test_support::{Request, artifact, built};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::moto::Moto;

pub const ROLE: &str = "arn:aws:iam::123456789012:role/function";
pub const SECRET: &str = "the secret of the tests";

/// What the tool printed, and its exit code.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A directory with `dist/`, which has the named components.
pub fn dist(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    fs::create_dir(&dist).unwrap();
    for name in names {
        fs::copy(artifact(name), dist.join(format!("{name}.cwasm"))).unwrap();
    }
    fs::write(dist.join("bootstrap"), "#!/bin/sh\n").unwrap();
    folder
}

/// The tool in a directory, with nothing of this machine's configuration of AWS.
pub fn tool(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(built("target/release/lambda-wasm"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
        .args(args)
        .current_dir(folder)
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "eu-central-1")
        .env("NO_PROXY", "*");
    command
}

pub fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Output {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the tool against an endpoint, with credentials.
pub fn deploy(folder: &Path, endpoint: &str, args: &[&str]) -> Output {
    let mut command = tool(folder, args);
    command
        .args(["--endpoint-url", endpoint])
        .env("AWS_ACCESS_KEY_ID", "AKID")
        .env("AWS_SECRET_ACCESS_KEY", SECRET);
    run(&mut command)
}

#[track_caller]
pub fn succeeds(output: &Output) {
    assert_eq!(output.code, Some(0), "{output:?}");
}

/// The bodies of the requests of one kind.
fn sent(requests: &[Request], line: &str) -> Vec<Value> {
    let of_line = requests
        .iter()
        .filter(|request| request.line.starts_with(line));
    of_line
        .map(|request| serde_json::from_slice(&request.body).unwrap_or_default())
        .collect()
}

#[test]
fn a_function_is_created_and_then_updated() {
    let Some(moto) = Moto::start() else { return };
    moto.session();
    let folder = dist(&["handler", "api"]);
    let url = moto.url();
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:jobs";
    let create = [
        "deploy",
        "jobs",
        "--role",
        ROLE,
        "--handler",
        "handler",
        "--memory",
        "256",
        "--timeout",
        "7",
        "--env",
        "COLOR=red",
        "--env",
        "SIZE=a=b",
        "--url",
        "none",
        "--json",
    ];
    let created = deploy(folder.path(), &url, &create);
    succeeds(&created);
    let report: Value = serde_json::from_str(&created.stdout).unwrap();
    assert_eq!(report["outcome"], "created");
    assert_eq!(report["arn"], arn);
    let requests = moto.requests();
    let [request] = &sent(&requests, "POST /2015-03-31/functions HTTP")[..] else {
        panic!("{requests:?}")
    };
    // The zip is the one that `package` makes of the same directory.
    let packaged = run(&mut tool(
        folder.path(),
        &["package", "dist", "-o", "f.zip", "--json"],
    ));
    let packaged: Value = serde_json::from_str(&packaged.stdout).unwrap();
    let zip = request["Code"]["ZipFile"].as_str().unwrap();
    assert!(STANDARD.decode(zip).unwrap() == fs::read(folder.path().join("f.zip")).unwrap());
    assert_eq!(report["codeSha256"], packaged["codeSha256"]);
    let mut request = request.clone();
    request.as_object_mut().unwrap().remove("Code");
    let native = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    };
    assert_eq!(
        request,
        json!({
            "FunctionName": "jobs", "PackageType": "Zip", "Runtime": "provided.al2023", "Role": ROLE,
            "Handler": "handler", "MemorySize": 256, "Timeout": 7, "Architectures": [native],
            "Environment": { "Variables": { "COLOR": "red", "SIZE": "a=b" } },
        })
    );

    // Both permissions, as moto has them.
    let policy = moto.get_json("/2015-03-31/functions/jobs/policy");
    let policy: Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let find = |action: &str| {
        let of_action = statements
            .iter()
            .filter(|statement| statement["Action"] == action);
        let [statement] = of_action.collect::<Vec<_>>()[..] else {
            panic!("{statements:?}")
        };
        assert_eq!(statement["Principal"], "*");
        statement.clone()
    };
    let public = find("lambda:InvokeFunctionUrl");
    // moto keeps the fields of the request, which AWS turns into conditions.
    assert_eq!(public["FunctionUrlAuthType"], "NONE");
    assert_eq!(find("lambda:InvokeFunction")["InvokedViaFunctionUrl"], true);
    let config = moto.get_json("/2021-10-31/functions/jobs/url");
    assert_eq!(config["FunctionUrl"], report["url"]);
    assert_eq!(
        (&config["AuthType"], &config["InvokeMode"]),
        (&json!("NONE"), &json!("BUFFERED"))
    );

    // The same again changes nothing; and no option leaves everything as it is.
    let before = moto.requests().len();
    for args in [
        &create[..],
        &["deploy", "jobs", "--handler", "handler", "--json"],
    ] {
        let again = deploy(folder.path(), &url, args);
        succeeds(&again);
        assert!(
            again.stdout.contains("\"outcome\": \"unchanged\""),
            "{again:?}"
        );
    }
    let requests = moto.requests();
    let is_change = |request: &&Request| !request.line.starts_with("GET ");
    assert_eq!(
        requests[before..]
            .iter()
            .find(is_change)
            .map(|request| &request.line),
        None
    );

    // Other code, another handler and other variables.
    fs::write(folder.path().join("dist/data"), "more").unwrap();
    let update = [
        "deploy",
        "jobs",
        "--handler",
        "api",
        "--env",
        "COLOR=blue",
        "--url",
        "AWS_IAM",
    ];
    let updated = deploy(folder.path(), &url, &update);
    succeeds(&updated);
    assert_eq!(
        updated.stdout,
        format!("{}\n", report["url"].as_str().unwrap())
    );
    assert!(
        updated.stderr.contains(&format!("updated: {arn}\n")),
        "{updated:?}"
    );
    let function = moto.get_json("/2015-03-31/functions/jobs");
    let configuration = &function["Configuration"];
    assert_eq!(configuration["Handler"], "api");
    assert_eq!(
        configuration["Environment"],
        json!({ "Variables": { "COLOR": "blue" } })
    );
    assert_eq!(configuration["MemorySize"], 256);
    assert_ne!(configuration["CodeSha256"], report["codeSha256"]);
    // Nobody may call it without a signature any more.
    let policy = moto.get("/2015-03-31/functions/jobs/policy");
    assert_eq!(policy.status, 404, "{policy:?}");
}

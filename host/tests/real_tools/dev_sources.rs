//! The event sources of a template that are not HTTP, in `lambda-wasm dev` and `invoke`.

use std::process::Command;
use std::time::{Duration, Instant};

use lambda_wasm_test_support::{artifact, built};
use serde_json::Value;

use crate::dev::Dev;
use crate::http::get;
use crate::moto::Moto;

const TEMPLATE: &str = r#"
Resources:
  Jobs: { Type: AWS::SQS::Queue, Properties: { QueueName: jobs } }
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Handler: handler
      Events:
        Jobs:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: 10
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria: { Filters: [{ Pattern: '{"body": [{"anything-but": "skip"}]}' }] }
        Nightly: { Type: Schedule, Properties: { Schedule: rate(1 day), Input: '{"task": "clean"}' } }
  Old: { Type: AWS::Serverless::Function, Properties: { Handler: app.main, Runtime: python3.13 } }
"#;

#[test]
fn messages_of_a_queue_are_received_and_deleted() {
    let Some(moto) = Moto::start() else { return };
    moto.create_queue("jobs");
    let url = moto.url();
    let variables = [
        ("AWS_ENDPOINT_URL_SQS", &*url),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "eu-central-1"),
    ];
    let functions = [("handler", "handler", "")];
    let mut dev = Dev::with_variables(TEMPLATE, &functions, &["--poll"], &variables);
    dev.program.wait_for("Worker: messages of ");
    moto.send_message("jobs", "skip");
    moto.send_message("jobs", "good");
    dev.program.wait_for("Worker: event  Duration: ");
    let until = Instant::now() + Duration::from_secs(20);
    while moto.messages("jobs") > 0 {
        assert!(Instant::now() < until, "the message is not deleted");
    }
    // A message that has failed comes again.
    moto.send_message("jobs", "fail");
    for _ in 0..2 {
        dev.program.wait_for("Worker: 1 of 1 messages have failed");
    }
    assert_eq!(moto.messages("jobs"), 1);
    let changes = get(&format!("{}/_lambda/invocations/1", dev.address)).body;
    let first: Value = serde_json::from_str(&changes).unwrap();
    assert_eq!(first["source"], "SQS");
    let event = first["details"]["event"].as_str().unwrap();
    let event: Value = serde_json::from_str(event).unwrap();
    let record = &event["Records"][0];
    assert_eq!(record["body"], "good");
    assert_eq!(
        record["eventSourceARN"],
        "arn:aws:sqs:eu-central-1:123456789012:jobs"
    );
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(record["md5OfBody"].as_str().map(str::len), Some(32));
}

#[test]
fn an_event_of_the_template_is_sent_from_the_page_and_the_command_line() {
    let dev = Dev::of(TEMPLATE, &[("handler", "handler", "")]);
    let functions = get(&format!("{}/_lambda/functions", dev.address)).body;
    let functions: Value = serde_json::from_str(&functions).unwrap();
    let sources = &functions["functions"][0]["sources"];
    let arn = "arn:aws:sqs:us-east-1:123456789012:jobs";
    assert_eq!(
        (&sources[0]["name"], &sources[0]["kind"]),
        (&"Jobs".into(), &"SQS".into())
    );
    assert_eq!(sources[0]["event"]["Records"][0]["eventSourceARN"], arn);
    assert_eq!(sources[1]["event"], serde_json::json!({ "task": "clean" }));
    assert_eq!(functions["others"][0]["name"], "Old");
    drop(dev);
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    std::fs::create_dir(&dist).unwrap();
    std::fs::copy(built("dist/bootstrap"), dist.join("bootstrap")).unwrap();
    std::fs::copy(artifact("handler"), dist.join("handler.cwasm")).unwrap();
    std::fs::write(folder.path().join("template.yaml"), TEMPLATE).unwrap();
    let invoke = |args: &[&str]| {
        let mut command = Command::new(built("target/release/lambda-wasm"));
        command
            .args(["invoke", "Worker"])
            .args(args)
            .current_dir(folder.path());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    let (response, error) = invoke(&["--source", "Jobs", "--set", "Records.1.body=fail"]);
    let second =
        "{\"batchItemFailures\":[{\"itemIdentifier\":\"0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f1\"}]}";
    assert_eq!(response.trim_end(), second, "{error}");
    let (_, error) = invoke(&["--source", "Nothing"]);
    assert!(
        error.contains("its event sources are: Jobs, Nightly"),
        "{error}"
    );
}

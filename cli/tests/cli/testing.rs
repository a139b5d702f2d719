//! `lambda-wasm test`: cases of functions in the real `bootstrap`.

mod outgoing;
mod projects;

use std::fs;

use lambda_wasm_test_support::{artifact, full_bootstrap, root};

use crate::support::Folder;

const TEMPLATE: &str = r#"
Resources:
  Api:
    Type: AWS::Serverless::Function
    Properties: { Handler: api }
  Jobs:
    Type: AWS::Serverless::Function
    Properties: { Handler: handler, Timeout: 1, Environment: { Variables: { COLOR: red } } }
"#;

/// A directory with two functions that is not a project: `Api` shows its request, and the event of `Jobs`
/// tells it what to do.
pub fn functions(cases: &str) -> Folder {
    let folder = Folder::new();
    for directory in ["dist", "tests"] {
        fs::create_dir(folder.path(directory)).unwrap();
    }
    folder.write("template.yaml", TEMPLATE);
    for name in ["api", "handler"] {
        fs::copy(artifact(name), folder.path(&format!("dist/{name}.cwasm"))).unwrap();
    }
    fs::copy(full_bootstrap(), folder.path("dist/bootstrap")).unwrap();
    folder.write("tests/some.toml", cases);
    folder
}

/// Output without what differs from run to run: the time that the tests took, and request ids.
#[track_caller]
fn stable(stdout: &str) -> String {
    let (stable, time) = stdout.rsplit_once("; finished in ").unwrap();
    let seconds = time.strip_suffix("s\n").unwrap();
    seconds.parse::<f64>().unwrap();
    let words = stable.split_inclusive(' ');
    let words = words.map(
        |word| match word.len() == 37 && word.matches('-').count() == 4 {
            true => "ID ",
            false => word,
        },
    );
    words.collect()
}

#[track_caller]
fn passes(folder: &Folder, args: &[&str], expected: &str) {
    let output = folder.run(args);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(stable(&output.stdout), expected);
    assert_eq!(output.stderr, "");
}

#[track_caller]
fn fails(folder: &Folder, args: &[&str], expected: &str, error: &str) {
    let output = folder.run(args);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(stable(&output.stdout), expected);
    assert_eq!(output.stderr, format!("error: {error}\n"));
}

#[test]
fn cases_pass_that_expect_what_happens() {
    let folder = functions(
        r#"
[[test]]
name = "a request"
function = "Api"
sample = "http-api"
set.rawPath = "/body"
set.requestContext.http.path = "/body"
set.body = '{"id": 1, "lines": [{"count": 2, "price": 3.0}]}'
status = 200
headers = { CONTENT-Type = "text/plain" }
body-contains = ['"id": 1', "lines"]
body = { id = 1, lines = [{ price = 3 }] }

[[test]]
name = "an event of a file"
function = "api"
event-file = "events/request.json"
set = { rawPath = "/body", "requestContext.http.path" = "/body", body = "sent" }
body = "sent"

[[test]]
name = "a log"
function = "Jobs"
event = "stdout:got it"
response = "printed"
log = ["got", "it"]

[[test]]
name = "a failure"
function = "Jobs"
event = "fail:Refused"
error = { type = "Refused", message = "as it says" }
log = "Refused: as it says"

[[test]]
name = "a variable"
function = "Jobs"
event = "env:COLOR"
environment = { COLOR = "blue" }
response = "blue"

[[test]]
name = "a policy"
function = "Jobs"
event = "env:COLOR"
policy.env.allow = []
response = "absent"

[[test]]
name = "a timeout"
function = "Jobs"
event = "loop"
error = { type = "Function.Timeout", message = "it computed" }
"#,
    );
    fs::create_dir(folder.path("tests/events")).unwrap();
    let sample = root().join("cli/samples/http-api.json");
    fs::copy(sample, folder.path("tests/events/request.json")).unwrap();
    let expected = "
running 7 tests
test some::a request ... ok
test some::an event of a file ... ok
test some::a log ... ok
test some::a failure ... ok
test some::a variable ... ok
test some::a policy ... ok
test some::a timeout ... ok

test result: ok. 7 passed; 0 failed; 0 filtered out";
    passes(&folder, &["test"], expected);
}

#[test]
fn a_case_that_fails_shows_each_difference_and_the_log() {
    let folder = functions(
        r#"[[test]]
name = "a request"
function = "Api"
sample = "http-api"
set.rawPath = "/body"
set.requestContext.http.path = "/body"
set.body = '{"id": 1, "lines": [{"price": 3}]}'
status = 404
headers = { content-type = "text/html", etag = "1" }
body = { id = 2, lines = [{ price = 3, sum = 4 }] }
body-contains = "xyz"

[[test]]
name = "a body of lines"
function = "Api"
sample = "http-api"
set.rawPath = "/body"
set.requestContext.http.path = "/body"
set.body = "one\ntwo\nthree\n"
body = "one\n2\nthree\n"

[[test]]
name = "a response"
function = "Jobs"
event = "count"
status = 200
response = "2"

[[test]]
name = "a failure"
function = "Jobs"
event = "fail:Refused"
response = "1"

[[test]]
name = "another failure"
function = "Jobs"
event = "fail-with-bytes:3"
error = { type = "Other", message = "nothing" }

[[test]]
name = "no failure"
function = "Jobs"
event = "count"
error = {}
log = "counted"

[[test]]
name = "a policy"
function = "Jobs"
event = "count"
policy.limits.handles = 1
"#,
    );
    let output = folder.run(&["test"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(output.stderr, "error: 7 of 7 tests failed\n");
    let stable = stable(&output.stdout);
    let (_, details) = stable.split_once("\nfailures:\n").unwrap();
    let (details, rest) = details.rsplit_once("\n---- some::a policy ").unwrap();
    let expected = r#"
---- some::a request (tests/some.toml:1) ----
status
  expected: 404
  actual:   200
headers.content-type
  expected: "text/html"
  actual:   "text/plain"
headers.etag
  expected: "1"
  actual:   none
body.id
  expected: 2
  actual:   1
body.lines.0.sum
  expected: 4
  actual:   none
body
  does not contain: "xyz"
  actual:           "{\"id\": 1, \"lines\": [{\"price\": 3}]}"

---- some::a body of lines (tests/some.toml:13) ----
body (- expected, + actual)
  @@ -1,3 +1,3 @@
   one
  -2
  +two
   three

---- some::a response (tests/some.toml:22) ----
response
  expected: "2"
  actual:   "1"
the response is not an HTTP response: it has no `statusCode`
  actual: "1"

---- some::a failure (tests/some.toml:29) ----
the invocation failed
  Refused: as it says: ü
  "quoted"
log
  [ERROR] RequestId: ID Refused: as it says: ü
  "quoted"
      at the guest

---- some::another failure (tests/some.toml:35) ----
error.type
  expected: "Other"
  actual:   "TooTalkative"
error.message
  does not contain: "nothing"
  actual:           "xxx"
log
  [ERROR] RequestId: ID TooTalkative: xxx

---- some::no failure (tests/some.toml:41) ----
error
  a response came instead: "1"
log
  does not contain: "counted"
"#;
    assert_eq!(details, expected);
    assert!(
        rest.contains("\n  Runtime.InvalidPolicy: /") && rest.contains("\nlog\n  [FATAL] "),
        "{rest}"
    );
    let expected = "
failures:
    some::a request
    some::a body of lines
    some::a response
    some::a failure
    some::another failure
    some::no failure
    some::a policy

test result: FAILED. 0 passed; 7 failed; 0 filtered out";
    assert!(rest.ends_with(expected), "{rest}");
}

const TWO: &str = r#"
[[test]]
name = "counts"
function = "Jobs"
event = "count"
response = "1"

[[test]]
name = "echoes"
function = "Api"
sample = "http-api"
set = { rawPath = "/body", "requestContext.http.path" = "/body", body = '{"say": "echo"}' }
snapshot = true
"#;

#[test]
fn a_filter_chooses_cases_by_file_and_name() {
    let folder = functions(TWO);
    folder.write(
        "tests/other.json",
        r#"{"test": [{"name": "counts too", "function": "Jobs", "event": "count"}]}"#,
    );
    let one = "\nrunning 1 test\ntest other::counts too ... ok\n\ntest result: ok. 1 passed; 0 failed; 2 filtered out";
    passes(&folder, &["test", "other::"], one);
    let two = "\nrunning 2 tests\ntest other::counts too ... ok\ntest some::counts ... ok\n\ntest result: ok. 2 passed; 0 failed; 1 filtered out";
    passes(&folder, &["test", "counts", "--jobs", "1"], two);
    let error = folder.fail(&["test", "missing"]);
    assert_eq!(
        error,
        "error: no test has \"missing\" in its name\nhint: `lambda-wasm test` without a filter runs all 3\n"
    );
}

#[test]
fn an_update_writes_the_responses_that_later_runs_expect() {
    let folder = functions(TWO);
    let result = |result: &str| format!("\nrunning 1 test\ntest some::echoes ... {result}");
    let none = "\n\nfailures:\n\n---- some::echoes (tests/some.toml:8) ----\nsnapshot\n  tests/some.snap has none\n  hint: write it with `lambda-wasm test --update`\n\nfailures:\n    some::echoes\n\ntest result: FAILED. 0 passed; 1 failed; 1 filtered out";
    let failed = "1 of 1 tests failed";
    fails(
        &folder,
        &["test", "echoes"],
        &(result("FAILED") + none),
        failed,
    );
    let passed = "\n\ntest result: ok. 1 passed; 0 failed; 1 filtered out";
    let update = ["test", "echoes", "--update"];
    passes(&folder, &update, &(result("ok (updated)") + passed));
    let snapshot = "{\n  \"echoes\": {\n    \"body\": {\n      \"say\": \"echo\"\n    },\n    \"headers\": {\n      \"content-type\": \"text/plain\"\n    },\n    \"statusCode\": 200\n  }\n}\n";
    assert_eq!(folder.read("tests/some.snap"), snapshot.as_bytes());
    passes(&folder, &update, &(result("ok") + passed));
    passes(&folder, &["test", "echoes"], &(result("ok") + passed));
    let changed = TWO.replace("\"echo\"", "\"hello\"");
    folder.write("tests/some.toml", &changed);
    let differs = "\n\nfailures:\n\n---- some::echoes (tests/some.toml:8) ----\nsnapshot (- expected, + actual)\n  @@ -1,6 +1,6 @@\n   {\n     \"body\": {\n  -    \"say\": \"echo\"\n  +    \"say\": \"hello\"\n     },\n     \"headers\": {\n       \"content-type\": \"text/plain\"\n\nfailures:\n    some::echoes\n\ntest result: FAILED. 0 passed; 1 failed; 1 filtered out";
    fails(
        &folder,
        &["test", "echoes"],
        &(result("FAILED") + differs),
        failed,
    );
    // A snapshot without a case is removed.
    folder.write("tests/some.toml", TWO.replace("snapshot = true", ""));
    folder.succeed(&["test", "--update"]);
    assert!(!folder.path("tests/some.snap").exists());
    folder.write("tests/some.toml", TWO);
    folder.write("tests/some.snap", "{");
    let error = folder.fail(&["test"]);
    assert!(
        error.starts_with("error: tests/some.snap is damaged\nhint: delete it"),
        "{error}"
    );
}

#[test]
fn results_are_written_as_junit_xml() {
    let folder = functions(&format!("{TWO}log = \"none\"\n"));
    let output = folder.run(&["test", "--junit", "results.xml"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let xml = String::from_utf8(folder.read("results.xml")).unwrap();
    for part in [
        "<testsuites name=\"lambda-wasm\" tests=\"2\" skipped=\"0\" failures=\"1\" errors=\"0\" time=\"",
        "<testsuite name=\"some\" tests=\"2\" skipped=\"0\" errors=\"0\" failures=\"1\" time=\"",
        "<testcase name=\"counts\" classname=\"some\" time=\"",
        "<testcase name=\"echoes\" classname=\"some\" time=\"",
        "<failure message=\"tests/some.toml:8: log\">log\n  does not contain: &quot;none&quot;\nsnapshot\n",
    ] {
        assert_eq!(xml.matches(part).count(), 1, "{part}:\n{xml}");
    }
    let error = folder.run(&["test", "--junit", "tests"]);
    assert!(
        error
            .stderr
            .starts_with("error: tests cannot be written: it exists and is not a regular file"),
        "{error:?}"
    );
}

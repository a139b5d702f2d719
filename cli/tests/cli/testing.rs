//! `lambda-wasm test`: cases of functions in the real `bootstrap`.

use std::fs;

use lambda_wasm_test_support::{artifact, built, guest, root};

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
    fs::copy(built("dist/bootstrap"), folder.path("dist/bootstrap")).unwrap();
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
    let error = folder.run(&["test", "--junit", "missing/results.xml"]);
    assert!(
        error
            .stderr
            .starts_with("error: missing/results.xml cannot be written"),
        "{error:?}"
    );
}

#[test]
fn each_case_has_a_process_of_its_own_and_several_run_at_a_time() {
    let case = |name: &str| {
        format!(
            "[[test]]\nname = \"{name}\"\nfunction = \"Jobs\"\nevent = \"sleep:700\"\nresponse = \"woke\"\n"
        )
    };
    let folder = functions(&["a", "b", "c", "d"].map(case).concat());
    let output = folder.run(&["test", "--jobs", "4", "--junit", "results.xml"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let (_, took) = output.stdout.rsplit_once("; finished in ").unwrap();
    let took: f64 = took.trim_end().trim_end_matches('s').parse().unwrap();
    // One after the other they sleep for 2.8 s.
    assert!((0.7..2.8).contains(&took), "{took}");
    let counted = "[[test]]\nname = \"NAME\"\nfunction = \"Jobs\"\nevent = \"count\"\npolicy.reuse = true\nresponse = \"1\"\n";
    let folder = functions(
        &["a", "b"]
            .map(|name| counted.replace("NAME", name))
            .concat(),
    );
    folder.succeed(&["test", "--jobs", "1"]);
}

#[test]
fn a_file_that_is_not_valid_is_named_with_the_line() {
    for (cases, expected) in [
        (
            "[[test]]\nnmae = \"a\"",
            "tests/some.toml: TOML parse error at line 2, column 1\n  |\n2 | nmae = \"a\"\n  | ^^^^\nunknown field `nmae`, expected one of `name`, `function`, ",
        ),
        (
            "[[test]]\nname = \"a\"\n\n[[test]]\nname = \"b\"\nevent = 1\nsample = \"sqs\"",
            "tests/some.toml:4: only one of `event`, `event-file` and `sample` can be set\n",
        ),
        (
            "[[test]]\nname = \"a\"\nerror = {}\nstatus = 500",
            "tests/some.toml:1: a test with `error` expects no response\n",
        ),
        (
            "[[test]]\nname = \"a\"\nsample = \"x\"",
            "tests/some.toml:1: there is no sample `x`\nhint: the samples are alb, ",
        ),
        (
            "[[test]]\nname = \"a\"\nevent-file = \"x\"",
            "tests/some.toml:1: tests/x cannot be read: No such file",
        ),
        (
            "[[test]]\nname = \"a\"\nevent = 2\nset.a.b = 1",
            "tests/some.toml:1: `set` of a.b: there is no `a` in a value that is not an object or a list\n",
        ),
        (
            "[[test]]\nname = \"a\"\n[[test]]\nname = \"a\"",
            "tests/some.toml:3: another test has the name \"a\"\n",
        ),
        (
            "[[test]]\nname = \"\"",
            "tests/some.toml:1: the name of a test is one line\n",
        ),
        (
            "[[test]]\nname = \"a\"\nlog = 1",
            "tests/some.toml: TOML parse error at line 3, column 7\n  |\n3 | log = 1\n  |       ^\nexpected a text or a list of texts\n",
        ),
        (
            "[[test]]\nname = \"a\"\nfunction = \"x\"",
            "tests/some.toml:1: there is no function `x`\nhint: the functions are Api, Jobs\n",
        ),
        (
            "[[test]]\nname = \"a\"",
            "tests/some.toml:1: which function?\nhint: name one of Api, Jobs\n",
        ),
        (
            "",
            "tests/some.toml: TOML parse error at line 1, column 1\n",
        ),
    ] {
        let error = functions(cases).fail(&["test"]);
        let expected = format!("error: {expected}");
        assert!(error.starts_with(&expected), "{cases}\n{error}");
    }
    let folder = functions("");
    fs::remove_file(folder.path("tests/some.toml")).unwrap();
    let none = folder.fail(&["test"]);
    assert_eq!(
        none,
        "error: there is no test in tests\nhint: write one to tests/NAME.toml: `lambda-wasm test --help` has an example\n"
    );
    folder.write("tests/event.json", "{\"a\": 1}");
    let error = folder.fail(&["test"]);
    assert_eq!(
        error,
        "error: tests/event.json: unknown field `a`, expected `test` at line 1 column 4\nhint: a file in tests/ has a list `test`; keep other files in a directory below tests/\n"
    );
    folder.write("tests/event.json", "{\"test\": []}");
    folder.write("tests/event.toml", "test = []");
    let error = folder.fail(&["test"]);
    assert_eq!(
        error,
        "error: tests/event.json and tests/event.toml have the same name\nhint: rename one of them\n"
    );
}

#[test]
fn a_project_is_built_before_its_cases_run() {
    let folder = Folder::new();
    fs::create_dir(folder.path("tests")).unwrap();
    let component = guest("handler");
    let settings = |command: &str| {
        format!("[build]\nname = \"jobs\"\ncommand = \"{command}\"\ncomponent = \"out.wasm\"\n")
    };
    let copy = format!("cp {} out.wasm", component.display());
    folder.write("lambda-wasm.toml", settings(&copy));
    folder.write(
        "tests/jobs.toml",
        "[[test]]\nname = \"counts\"\nevent = \"count\"\nresponse = \"1\"\n",
    );
    let bootstrap = built("dist/bootstrap");
    let args = ["test", "--bootstrap", bootstrap.to_str().unwrap()];
    let output = folder.run(&args);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(
        stable(&output.stdout),
        "\nrunning 1 test\ntest jobs::counts ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 filtered out"
    );
    assert!(
        output.stderr.starts_with("dist/jobs.cwasm: built in "),
        "{output:?}"
    );
    folder.write("lambda-wasm.toml", settings("exit 3"));
    let output = folder.run(&args);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(output.stdout, "");
    assert_eq!(
        output.stderr,
        "error: `exit 3` failed (exit status: 3); its output is above\nerror: the build failed\n"
    );
    // The last build is there, and `--dist` takes it as it is.
    passes(
        &folder,
        &["test", "--dist", "dist"],
        "\nrunning 1 test\ntest jobs::counts ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 filtered out",
    );
}

#[test]
fn every_template_has_a_case_of_its_function() {
    let list = Folder::new().succeed(&["new", "--list"]);
    for line in list.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let folder = Folder::new();
        folder.succeed(&["new", "hello", "--lang", words[1], "--world", words[3]]);
        // Any function shows that the file is valid: its response is another.
        fs::create_dir(folder.path("hello/dist")).unwrap();
        fs::copy(artifact("handler"), folder.path("hello/dist/hello.cwasm")).unwrap();
        fs::copy(built("dist/bootstrap"), folder.path("hello/dist/bootstrap")).unwrap();
        let output = folder.run(&[
            "test",
            "--template",
            "hello/template.yaml",
            "--dist",
            "hello/dist",
        ]);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(
            output.stdout.contains("UnknownCommand: no such command"),
            "{output:?}"
        );
        assert!(
            output.stdout.contains("(hello/tests/hello.toml:1)"),
            "{output:?}"
        );
    }
}

//! Outgoing requests and the clock, which a case replaces.

use std::fs;

use lambda_wasm_test_support::artifact;

use super::{functions, passes, stable};
use crate::support::Folder;

/// As `functions`, and two functions that send the request that they are told to, by each version of WASI.
fn senders(cases: &str) -> Folder {
    let folder = functions(cases);
    folder.write(
        "template.yaml",
        "Resources:
  P2: { Type: AWS::Serverless::Function, Properties: { Handler: http_p2 } }
  P3: { Type: AWS::Serverless::Function, Properties: { Handler: http_p3 } }
  Jobs: { Type: AWS::Serverless::Function, Properties: { Handler: handler } }
",
    );
    for name in ["http_p2", "http_p3"] {
        fs::copy(artifact(name), folder.path(&format!("dist/{name}.cwasm"))).unwrap();
        folder.write(
            &format!("dist/{name}.toml"),
            "[http]\nallow = [\"https://api.example.com\", \"https://sqs.us-east-1.amazonaws.com\"]\n\
             [aws]\nsign = [\"sqs\"]\n",
        );
    }
    folder
}

/// A case of a function that sends this request.
fn case(name: &str, function: &str, request: &str) -> String {
    format!(
        "[[test]]\nname = \"{name}\"\nfunction = \"{function}\"\nsample = \"http-api\"\n\
         set = {{ rawPath = \"/fetch\", requestContext.http.path = \"/fetch\", requestContext.http.method = \"POST\", body = '{request}' }}\n"
    )
}

#[test]
fn the_origins_of_a_case_answer_in_place_of_the_real_ones() {
    let post = r#"{"url": "https://API.example.com:443/users/7?full", "method": "POST", "headers": {"x-id": "a1"}, "body": "{\"id\": 7, \"more\": 1}"}"#;
    let mut cases = String::new();
    for function in ["P2", "P3"] {
        cases += &case(&format!("{function} posts"), function, post);
        cases += r#"
body = { status = 201, body = '{"ok":true}' }
[[test.outgoing]]
method = "post"
url = "https://api.example.com/users/*"
headers.X-ID = "a*"
body = { id = 7 }
response = { status = 201, headers = { x-limit = "1" }, body = { ok = true } }
"#;
        let signed =
            r#"{"url": "https://sqs.us-east-1.amazonaws.com/", "method": "POST", "body": "{}"}"#;
        cases += &case(&format!("{function} signs"), function, signed);
        cases += r#"
body = { status = 200, body = "" }
[[test.outgoing]]
method = "POST"
url = "https://sqs.us-east-1.amazonaws.com"
headers.authorization = "AWS4-HMAC-SHA256 Credential=test/*/us-east-1/sqs/aws4_request, *"
"#;
        let denied = r#"{"url": "https://other.example.com/"}"#;
        cases += &case(
            &format!("{function} is held to its policy"),
            function,
            denied,
        );
        cases += "body-contains = \"HttpRequestDenied\"\noutgoing = []\nlog = \"to allow it, add \\\"https://other.example.com\\\"\"\n";
    }
    let folder = senders(&cases);
    let expected = "
running 6 tests
test some::P2 posts ... ok
test some::P2 signs ... ok
test some::P2 is held to its policy ... ok
test some::P3 posts ... ok
test some::P3 signs ... ok
test some::P3 is held to its policy ... ok

test result: ok. 6 passed; 0 failed; 0 filtered out";
    passes(&folder, &["test"], expected);
}

#[test]
fn what_was_not_expected_and_what_was_not_sent_fail_the_case() {
    let get = r#"{"url": "https://api.example.com/a", "method": "PUT", "headers": {"x-id": "b"}, "body": "{\"id\": 8}"}"#;
    let folder = senders(
        &(case("wrong", "P2", get)
            + r#"
body = { status = 501 }
[[test.outgoing]]
method = "PUT"
url = "https://api.example.com/a"
headers = { x-id = "a", x-more = "*" }
body = { id = 7 }
[[test.outgoing]]
url = "https://api.example.com/a"
[[test.outgoing]]
url = "https://api.example.com/b"
optional = true
"#),
    );
    let output = folder.run(&["test"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let stable = stable(&output.stdout);
    let expected = r#"---- some::wrong (tests/some.toml:1) ----
outgoing
  does not expect: PUT https://api.example.com/a
  outgoing.0.headers.x-id
    expected: "a"
    actual:   "b"
  outgoing.0.headers.x-more
    expected: "*"
    actual:   none
  outgoing.0.body.id
    expected: 7
    actual:   8
outgoing.0
  was not sent: PUT https://api.example.com/a
outgoing.1
  was not sent: GET https://api.example.com/a
"#;
    assert!(stable.contains(expected), "{stable}");
}

#[test]
fn several_entries_for_a_request_answer_one_after_the_other() {
    let once = r#"{"url": "https://api.example.com/a"}"#;
    let folder = senders(
        &(case("first", "P2", once)
            + "body = { status = 503 }\n\
               outgoing = [{ url = \"https://*/a\", response.status = 503 }, { url = \"*\", optional = true }]\n"),
    );
    folder.succeed(&["test"]);
}

#[test]
fn the_clock_of_a_case_stands_still() {
    let folder = functions(
        "[[test]]\nname = \"a text\"\nfunction = \"Jobs\"\nevent = \"seconds\"\nnow = \"2026-01-01T01:00:00+01:00\"\nresponse = \"1767225600\"\n\
         [[test]]\nname = \"a date\"\nfunction = \"Jobs\"\nevent = \"seconds\"\nnow = 1970-01-01T00:00:07Z\nresponse = \"7\"\n",
    );
    folder.succeed(&["test"]);
    // Without it, the clock is the machine's.
    folder.write("event.json", "\"seconds\"");
    let seconds = folder.succeed(&["invoke", "Jobs", "--event", "event.json"]);
    let seconds: u64 = seconds.trim_matches('"').parse().unwrap();
    assert!(seconds > 1_767_225_600, "{seconds}");
}

//! The log: whose words a line may have, how many there may be, and that each is a line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::Deployment;
use serde_json::Value;

use super::{Answers, Bystander, Fails, LONG, SHORT, TIMEOUT, TRAP};

const GOOD: &str = "\"good\"";

/// The id of every invocation here, which nothing in the log of theirs may differ from.
const OWN: &str = "8bcbb3aa-0000-4000-8000-000000000000";

/// The id of an invocation that a guest would like to have said something in.
const OTHER: &str = "0c0ffee0-0000-4000-8000-000000000000";

fn start(format: &str, policy: &str) -> Bystander {
    let deployment = Deployment::of("hostile").policy(policy);
    Bystander::start(deployment.env("AWS_LAMBDA_LOG_FORMAT", format), GOOD)
}

fn event(verb: &str, bytes: &[u8]) -> Invocation {
    Invocation::new(format!("\"{verb}:{}\"", STANDARD.encode(bytes))).request_id(OWN)
}

/// What a guest that writes these bytes leaves in a log of JSON, each line with what only the host may say.
fn logged(bytes: &[u8]) -> Vec<Value> {
    let bystander = start("JSON", "");
    bystander.endure("a line", event("stdout", bytes), Answers("\"written\""));
    let log = bystander.finish().stdout;
    let lines = log.lines().map(|line| {
        let object: Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert_eq!(object["requestId"], OWN, "{line}");
        let now = object["timestamp"].as_str().unwrap();
        assert!(now.starts_with("20") && now.ends_with('Z'), "{line}");
        let level = object["level"].as_str().unwrap();
        assert!(["INFO", "ERROR"].contains(&level), "{line}");
        object
    });
    lines.collect()
}

#[test]
fn an_object_of_json_cannot_pose_as_another_invocations() {
    for line in [
        format!(r#"{{"requestId":"{OTHER}","message":"m"}}"#),
        format!(r#"{{"requestId":"{OWN}","requestId":"{OTHER}"}}"#),
        format!(r#"{{"request\u0049d":"{OTHER}","timestamp":"1970-01-01T00:00:00Z"}}"#),
        r#"{"level":"FATALITY","timestamp":{"a":1},"requestId":[]}"#.to_owned(),
        r#"{"level":{"level":"ERROR"}}"#.to_owned(),
        format!(
            r#"{{"time":"1970-01-01T00:00:00Z","type":"platform.report","record":{{"requestId":0,"status":"success"}},"requestId":"{OTHER}"}}"#
        ),
    ] {
        let lines = logged(format!("{line}\n").as_bytes());
        assert_eq!(lines.len(), 1, "{lines:?}");
        // Not the first of two members either, which some readers would take.
        assert!(!lines[0].to_string().contains(OTHER), "{lines:?}");
    }
}

#[test]
fn lines_that_are_not_objects_are_messages() {
    let deep = format!("{}{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    for line in [
        format!(r#"["requestId","{OTHER}"]"#),
        format!(r#"{{"requestId":"{OTHER}""#),
        format!(r#"{{"requestId":"{OTHER}"}} {{"requestId":"{OTHER}"}}"#),
        format!(r#"{{"n":1e999,"requestId":"{OTHER}"}}"#),
        format!(r#"","requestId":"{OTHER}","message":""#),
        format!("\u{feff}{{\"requestId\":\"{OTHER}\"}}"),
        format!("\\u000a{{\"requestId\":\"{OTHER}\"}}"),
        // Line ends that are none here, and would be elsewhere.
        format!("a\u{2028}b\u{85}c\u{b}d\u{c}e\r{{\"requestId\":\"{OTHER}\"}}"),
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}".to_owned(),
        "a\0b".to_owned(),
        deep,
    ] {
        let lines = logged(format!("{line}\n").as_bytes());
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["message"], line);
        assert_eq!(lines[0]["level"], "INFO");
    }
}

#[test]
fn invalid_utf8_is_replaced() {
    for (bytes, message) in [
        (&b"\xff\xfe\n"[..], "\u{fffd}\u{fffd}"),
        // Half of a character of UTF-16, and a slash in two bytes.
        (b"\xed\xa0\xbd\n", "\u{fffd}\u{fffd}\u{fffd}"),
        (b"a\xc0\xafb\n", "a\u{fffd}\u{fffd}b"),
        (b"\xf0\x9f\x98", "\u{fffd}"),
    ] {
        assert_eq!(logged(bytes)[0]["message"], message, "{bytes:?}");
    }
}

/// As text a line is what the guest says, as on every runtime: what it cannot do is to have the next one's line be its own.
#[test]
fn as_text_an_unfinished_line_ends_with_its_invocation() {
    let bystander = start("Text", "");
    let forged =
        format!("\u{1b}[2KSTART RequestId: {OTHER} Version: $LATEST\rREPORT RequestId: {OTHER}");
    let answers = Answers("\"written\"");
    bystander.endure("a forged line", event("stdout", forged.as_bytes()), answers);
    bystander.endure("another", event("stdout", b"begun"), answers);
    bystander.endure(
        "a line that a trap leaves",
        event("dying-words", b"[ERROR] RequestId: "),
        Fails(TRAP, "[ERROR] RequestId:"),
    );
    bystander.endure(
        "a line behind it",
        event("stderr", OTHER.as_bytes()),
        answers,
    );
    let output = bystander.finish();
    assert_eq!(output.stdout, format!("{forged}\nbegun\n"));
    let lines: Vec<_> = output.stderr.lines().collect();
    assert_eq!(lines.first(), Some(&"[ERROR] RequestId: "));
    assert!(
        lines[1].starts_with(&format!("[ERROR] RequestId: {OWN} Function.Trap: ")),
        "{lines:?}"
    );
    assert_eq!(lines.last(), Some(&OTHER));
}

#[test]
fn a_failures_words_are_in_one_line_of_json() {
    let bystander = start("JSON", "");
    let words = format!("x\n{{\"requestId\":\"{OTHER}\"}}\r\n\0");
    for verb in ["fail", "dying-words"] {
        bystander
            .host
            .api
            .invoke(event(verb, words.as_bytes()))
            .error();
        bystander.goes_on(verb);
    }
    let log = bystander.finish().stderr;
    let objects = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let objects: Vec<Value> = objects.collect();
    let failures: Vec<_> = objects
        .iter()
        .filter(|line| !line["errorType"].is_null())
        .collect();
    assert_eq!(failures.len(), 2, "{log}");
    assert_eq!(failures[0]["errorType"], *words);
    assert!(objects.iter().all(|line| line["requestId"] == OWN), "{log}");
}

#[test]
fn a_failure_counts_as_output_and_says_that_it_was_cut() {
    const WORDS: usize = 1_500_000;
    for format in ["Text", "JSON"] {
        let bystander = start(format, "[limits]\noutput = \"1MiB\"\n");
        let invocation = event("fail", &[b'x'; WORDS]).timeout(LONG);
        let error = bystander.host.api.invoke(invocation).error();
        let message = error.error_message();
        assert_eq!(message.len(), WORDS, "the answer is whole");
        bystander.goes_on("a long failure");
        let log = bystander.finish().stderr;
        assert!(log.len() < 1024 * 1024, "{format}: {}", log.len());
        assert!(log.contains("(cut: the failure has 45000"), "{format}");
        assert!(log.contains("xxx"), "{format}");
    }
}

#[test]
fn output_is_limited_in_wasi_0_3() {
    let good = r#"{"version":"2.0","rawPath":"/good","requestContext":{"http":{"method":"GET","path":"/good"}}}"#;
    for (path, policy) in [
        ("/print", "[limits]\noutput = \"1MiB\"\n"),
        ("/print-and-go-on", "[limits]\noutput = \"1MiB\"\n"),
        ("/print", ""),
    ] {
        let bystander = Bystander::start(Deployment::of("hostile_p3").policy(policy), good);
        let event = Invocation::new(good.replace("/good", path)).timeout(LONG);
        let end = Fails("Function.TooMuchOutput", "that one invocation may");
        bystander.endure(path, event, end);
        let log = bystander.finish().stdout;
        assert!(log.len() <= if policy.is_empty() { 65 } else { 1 } * 1024 * 1024 + 4096);
    }
    // It can be interrupted.
    let bystander = Bystander::start(
        Deployment::of("hostile_p3").policy("[limits]\noutput = \"10000MiB\"\n"),
        good,
    );
    let event = Invocation::new(good.replace("/good", "/print-for-ever")).timeout(SHORT);
    bystander.endure("for ever", event, Fails(TIMEOUT, ""));
    bystander.finish();
}

#[test]
fn output_is_limited() {
    const MIB: usize = 1024 * 1024;
    let flood = |bytes, format, limit: usize| {
        let policy = format!("[limits]\noutput = \"{limit}MiB\"\n");
        let bystander = start(format, if limit == 64 { "" } else { &policy });
        let event = Invocation::new(format!("\"flood:{bytes}\"")).timeout(LONG);
        let words = format!("than the {limit} MiB that one invocation may");
        bystander.endure(
            "ten GB of log",
            event,
            Fails("Function.TooMuchOutput", &words),
        );
        let log = bystander.finish().stdout;
        // A line that was begun gets its end, and a write that is too much is not begun.
        assert!(log.len() + 128 * 1024 > limit * MIB, "{}", log.len());
        assert!(log.len() < limit * MIB + 1024, "{}", log.len());
        assert!(
            log.lines().all(|line| line.len() <= 65 * 1024),
            "a line was not cut"
        );
    };
    flood("x", "Text", 64);
    flood("x", "JSON", 64);
    flood("line\\n", "Text", 1);
    flood("\\n", "JSON", 1);
}

//! The guest's output and the host's own lines, as text and as JSON.

use lambda_wasm_test_support::{Deployment, Host};
use serde_json::Value;

fn json_host() -> Host {
    Deployment::of("handler")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .start()
}

/// The objects that a log is made of; every line has to be one.
fn objects(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

#[test]
fn lines_go_to_the_stream_that_the_guest_chose_and_the_last_one_gets_its_end() {
    let host = Deployment::of("handler").start();
    host.ask("stdout:one\ntwo\nwithout an end");
    host.ask("stderr:three\nfour");
    host.ask("stdout:");
    let output = host.finish();
    assert_eq!(output.stdout, "one\ntwo\nwithout an end\n");
    assert_eq!(output.stderr, "three\nfour\n");
}

#[test]
fn output_before_a_crash_is_kept() {
    let host = Deployment::of("handler").start();
    host.ask("stdout:before");
    host.command("panic:boom").error();
    let output = host.finish();
    assert_eq!(output.stdout, "before\n");
    assert!(
        output.stderr.contains("the guest panics: boom"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("[ERROR] RequestId: "),
        "{}",
        output.stderr
    );
}

#[test]
fn a_line_without_end_is_cut_and_nothing_of_it_is_lost() {
    const LENGTH: usize = 1_000_000;
    let host = Deployment::of("handler").start();
    host.ask(&format!("long-line:{LENGTH}"));
    let output = host.finish();
    assert_eq!(
        output.stdout.bytes().filter(|&byte| byte == b'x').count(),
        LENGTH
    );
    assert!(
        output.stdout.lines().all(|line| line.len() <= 64 * 1024),
        "a line was not cut"
    );
}

#[test]
fn a_line_is_not_cut_within_a_character() {
    let text = "\u{20ac}".repeat(50_000);
    let host = Deployment::of("handler").start();
    host.ask(&format!("stdout:a{text}"));
    let output = host.finish();
    assert_eq!(output.stdout.replace('\n', ""), format!("a{text}"));
}

/// Writing cannot be interrupted: a guest that writes more than it may at once would go beyond its deadline.
#[test]
fn a_guest_that_writes_too_much_at_once_is_stopped() {
    let host = Deployment::of("handler").start();
    assert_eq!(host.ask("write-at-once:4096"), "Ok(())");
    let error = host.command("write-at-once:5000000").error();
    assert_eq!(error.error_type(), "Function.Trap");
    let message = error.error_message();
    assert!(message.contains("`check-write`"), "{message}");
    assert_eq!(host.finish().stdout.len(), 4096);
}

#[test]
fn json_lines_have_time_level_and_request_id() {
    let host = json_host();
    let invocation =
        lambda_wasm_emulator::Invocation::new("\"stdout:plain\\ntext \\u00fc\"").request_id("id-1");
    host.api.invoke(invocation).response();
    let output = host.finish();
    let lines = objects(&output.stdout);
    let [first, second] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(
        (&first["message"], &first["level"], &first["requestId"]),
        (&"plain".into(), &"INFO".into(), &"id-1".into())
    );
    assert_eq!(second["message"], "text \\u00fc");
    let timestamp = first["timestamp"].as_str().unwrap();
    assert!(
        timestamp.ends_with('Z') && timestamp.contains('T') && timestamp.len() == 24,
        "{timestamp}"
    );
}

#[test]
fn a_line_that_is_an_object_is_merged() {
    let host = json_host();
    let line = r#"{"message":"hi","level":"WARN","requestId":"forged","order":7}"#;
    let event = format!("\"stdout:{line}\"");
    host.api
        .invoke(lambda_wasm_emulator::Invocation::new(event).request_id("id-2"))
        .response();
    let output = host.finish();
    let lines = objects(&output.stdout);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["message"], "hi");
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!(lines[0]["order"], 7);
    assert_eq!(lines[0]["requestId"], "id-2");
}

#[test]
fn a_failure_has_its_type_and_the_invocations_duration() {
    let host = json_host();
    host.command("panic:boom").error();
    let output = host.finish();
    let lines = objects(&output.stderr);
    let failure = lines.last().unwrap();
    assert_eq!(
        (&failure["level"], &failure["errorType"]),
        (&"ERROR".into(), &"Function.Trap".into())
    );
    assert!(failure["durationMs"].is_u64(), "{failure}");
}

#[test]
fn a_failed_start_has_its_type() {
    let output = Deployment::of("handler")
        .env("_HANDLER", "no-such-function")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
        .spawn()
        .wait();
    let [line] = &objects(&output.stderr)[..] else {
        panic!("{output:?}")
    };
    assert_eq!(line["errorType"], "Runtime.ComponentNotFound");
    let message = line["message"].as_str().unwrap();
    assert!(message.contains("Runtime.ComponentNotFound"), "{message}");
}

/// What the guest writes, as its lines in a log of JSON.
fn logged(host: Host, lines: &[String], stream: &str) -> Vec<Value> {
    for line in lines {
        let command = format!("{stream}:{line}");
        let event = serde_json::to_string(&command).unwrap();
        host.invoke(event.replace("\\\"", "\"")).response();
    }
    let output = host.finish();
    objects(&(output.stdout + &output.stderr))
}

#[test]
fn levels_of_other_libraries_become_lambdas_and_are_kept() {
    let cases = [
        ("\"WARNING\"", "WARN"),
        ("\"CRITICAL\"", "FATAL"),
        ("\"SEVERE\"", "ERROR"),
        ("\"INFO+2\"", "INFO"),
        ("\"ERROR+4\"", "FATAL"),
        ("\"notice\"", "INFO"),
        ("\"emerg\"", "FATAL"),
        ("10", "TRACE"),
        ("20", "DEBUG"),
        ("30", "INFO"),
        ("40", "WARN"),
        ("50", "ERROR"),
        ("60", "FATAL"),
        ("3", "ERROR"),
        ("\"loud\"", "INFO"),
        ("{\"a\":1}", "INFO"),
    ];
    let line = |(said, _): &(&str, &str)| format!(r#"{{"level":{said},"timestamp":"then"}}"#);
    let lines: Vec<_> = cases.iter().map(line).collect();
    let logged = logged(json_host(), &lines, "stdout");
    for (line, (said, level)) in logged.iter().zip(cases) {
        assert_eq!(line["level"], level, "{line}");
        assert_eq!(line["originalLevel"].to_string(), said, "{line}");
        assert_eq!(line["originalTimestamp"], "then");
    }
    assert_eq!(logged.len(), cases.len());
}

#[test]
fn stderr_has_a_level_of_its_own_that_the_policy_sets() {
    let lines = ["text", r#"{"level":"DEBUG"}"#, r#"{"level":"loud"}"#].map(str::to_owned);
    let levels = |host, stream| {
        let lines = logged(host, &lines, stream);
        let level = |line: &Value| line["level"].as_str().unwrap().to_owned();
        lines.iter().map(level).collect::<Vec<_>>()
    };
    assert_eq!(levels(json_host(), "stderr"), ["ERROR", "DEBUG", "ERROR"]);
    let deployment = Deployment::of("handler")
        .policy("[log]\nstderr = \"WARN\"\nstdout = \"TRACE\"\n")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON");
    let host = || deployment.start();
    assert_eq!(levels(host(), "stderr"), ["WARN", "DEBUG", "WARN"]);
    assert_eq!(levels(host(), "stdout"), ["TRACE", "DEBUG", "TRACE"]);
}

/// The process that this one was has begun it.
#[test]
fn a_line_that_was_begun_ends_before_the_next_one() {
    for (begun, (stdout, stderr)) in [
        ("1", ("\none\ntwo\n", "three\n")),
        ("2", ("one\ntwo\n", "\nthree\n")),
        ("3", ("\none\ntwo\n", "\nthree\n")),
        ("loud", ("one\ntwo\n", "three\n")),
    ] {
        let host = Deployment::of("handler")
            .env("LAMBDA_WASM_LINES_BEGUN", begun)
            .start();
        host.ask("stdout:one\ntwo");
        host.ask("stderr:three");
        let output = host.finish();
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            (stdout, stderr),
            "{begun}"
        );
    }
}

#[test]
fn a_crash_is_one_json_line() {
    let host = json_host();
    host.command("out-of-bounds").error();
    let output = host.finish();
    let lines = objects(&output.stderr);
    let error = lines.last().unwrap();
    assert_eq!(error["level"], "ERROR");
    assert_eq!(error["errorType"], "Function.Trap");
    assert!(!error["stackTrace"].as_array().unwrap().is_empty());
}

#[test]
fn the_level_filters_the_hosts_lines_and_not_the_guests() {
    let host = Deployment::of("handler")
        .env("AWS_LAMBDA_LOG_LEVEL", "FATAL")
        .start();
    host.ask("stderr:from the guest");
    host.command("out-of-bounds").error();
    assert_eq!(host.finish().stderr, "from the guest\n");
}

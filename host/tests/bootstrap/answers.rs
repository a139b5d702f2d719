//! What the Runtime API gets: headers, bodies, and whose failure it is.

use lambda_wasm_emulator::{Invocation, Outcome};
use lambda_wasm_test_support::Deployment;
use serde_json::json;

#[test]
fn json_passes_through_byte_for_byte() {
    let host = Deployment::of("handler").start();
    let event = " \"echo: \\u00e4 ä 😀\" ";
    let answer = host.invoke(event).response();
    assert_eq!(answer.text(), event);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.header("user-agent"),
        Some(concat!("lambda-wasm/", env!("CARGO_PKG_VERSION")))
    );
    host.finish();
}

#[test]
fn every_invocation_gets_a_fresh_instance_over_one_connection() {
    let host = Deployment::of("handler").start();
    for _ in 0..20 {
        assert_eq!(host.ask("count"), "1");
    }
    assert_eq!(host.api.connections(), 1);
    host.finish();
}

#[test]
fn an_instance_finds_nothing_that_an_earlier_one_wrote_to_its_memory() {
    let marks = |policy| {
        let host = Deployment::of("handler").policy(policy).start();
        let found = (0..5).map(|_| {
            assert_eq!(host.ask("soil:an earlier guest"), "soiled");
            host.ask("find:an earlier guest").parse::<u32>().unwrap()
        });
        let found: Vec<u32> = found.collect();
        // Nor where no page was written since.
        let again = host.ask("find:an earlier guest");
        host.finish();
        (found, again)
    };
    assert_eq!(marks(""), (vec![0; 5], "0".to_owned()));
    // The guest would find it: data, heap and new pages.
    let (found, _) = marks("reuse = true\n");
    assert!(found.iter().all(|found| *found > 1024), "{found:?}");
}

#[test]
fn the_invocation_id_comes_back_with_answers_and_failures() {
    let host = Deployment::of("handler").start();
    let invoke = |event| {
        host.api
            .invoke(Invocation::new(event).invocation_id("attempt-2"))
    };
    assert_eq!(
        invoke("\"count\"")
            .response()
            .header("lambda-runtime-invocation-id"),
        Some("attempt-2")
    );
    assert_eq!(
        invoke("\"panic\"")
            .error()
            .header("lambda-runtime-invocation-id"),
        Some("attempt-2")
    );
    assert_eq!(
        host.command("count")
            .response()
            .header("lambda-runtime-invocation-id"),
        None
    );
    host.finish();
}

#[test]
fn the_functions_own_failure_is_sent_verbatim() {
    let host = Deployment::of("handler").start();
    let error = host.command("fail:OrderNotFound").error();
    assert_eq!(
        error.json(),
        json!({
            "errorMessage": "as it says: ü\n\"quoted\"",
            "errorType": "OrderNotFound",
            "stackTrace": ["at the guest"],
        })
    );
    assert_eq!(
        error.header("lambda-runtime-function-error-type"),
        Some("Function.OrderNotFound")
    );
    assert_eq!(
        error.header("lambda-runtime-function-xray-error-cause"),
        None
    );
    assert_eq!(
        error.header("content-type"),
        Some("application/vnd.aws.lambda.error+json")
    );
    let odd = host.command("fail:no\u{7f}header: \u{fc}").error();
    assert_eq!(
        odd.header("lambda-runtime-function-error-type"),
        Some("Function.Failure")
    );
    assert_eq!(host.ask("count"), "1");
    host.finish();
}

#[test]
fn the_functions_own_failure_is_measured_too() {
    let host = Deployment::of("handler").start();
    let error = host.command("fail-with-bytes:7000000").error();
    assert_eq!(error.error_type(), "Function.ResponseSizeTooLarge");
    let message = error.error_message();
    assert!(
        message.contains("(TooTalkative) has 7000062 bytes"),
        "{message}"
    );
    assert_eq!(host.ask("count"), "1");
    host.finish();
}

#[test]
fn an_answer_over_lambdas_limit_is_measured_before_it_is_sent() {
    const LIMIT: usize = 6 * 1024 * 1024 + 100;
    let host = Deployment::of("handler").start();
    let at_limit = host.command(&format!("big:{LIMIT}")).response();
    assert_eq!(at_limit.body.len(), LIMIT);
    let error = host.command(&format!("big:{}", LIMIT + 1)).error();
    assert_eq!(error.error_type(), "Function.ResponseSizeTooLarge");
    assert_eq!(
        error.error_message(),
        "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."
    );
    assert_eq!(host.ask("count"), "1");
    host.finish();
}

#[test]
fn events_of_lambdas_largest_size_pass() {
    let host = Deployment::of("handler").start();
    let mut event = b"\"echo:".to_vec();
    event.resize(6 * 1024 * 1024 - 1, b'x');
    event.push(b'"');
    match host.invoke(event.clone()) {
        Outcome::Response(answer) => assert!(answer.body == event, "another body came back"),
        other => panic!("{other:?}"),
    }
    host.finish();
}

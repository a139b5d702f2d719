//! Events that are small, and would take far more memory as requests, in each structure that an event has.

use std::fmt::Write;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::Deployment;
use serde_json::{Value, json};

use super::{Bystander, Fails, status};

/// A request that the guest answers with `good`.
const GOOD: &str = r#"{"httpMethod":"GET","path":"/body","body":"good"}"#;

/// For guests of `wasi:http`, which take longer to answer.
const GOOD_HTTP: &str = r#"{"version":"2.0","rawPath":"/status/200","rawQueryString":"body=good","requestContext":{"domainName":"id.lambda-url.eu-west-1.on.aws","http":{"method":"GET","path":"/status/200"}}}"#;

/// How much the process may take, in kB: its own, and what invocations have at no charge.
const MOST: u64 = 200 * 1024;

const INVALID: &str = "Runtime.InvalidEvent";

/// A list of so many empty strings.
fn empty(count: usize) -> Vec<&'static str> {
    vec![""; count]
}

/// `text` so many times, each with another number.
fn numbered(text: &str, count: usize) -> String {
    (0..count).fold(String::new(), |mut all, number| {
        let _ = write!(all, "{}", text.replace('#', &number.to_string()));
        all
    })
}

/// Adds members to an event, and its `requestContext`.
fn event(source: &str, members: &str, context: &str) -> String {
    let base = match source {
        "REST API" => r#""httpMethod":"GET","path":"/""#,
        "HTTP API" | "function URL" => r#""version":"2.0","rawPath":"/""#,
        "load balancer" => r#""httpMethod":"GET","path":"/""#,
        _ => r#""version":"2.0","method":"GET","path":"/""#,
    };
    let own = match source {
        "HTTP API" => r#""apiId":"a","http":{"method":"GET","path":"/"}"#,
        "function URL" => {
            r#""domainName":"id.lambda-url.eu-west-1.on.aws","http":{"method":"GET","path":"/"}"#
        }
        "load balancer" => r#""elb":{}"#,
        "Lattice" => r#""serviceNetworkArn":"arn""#,
        _ => r#""stage":"test""#,
    };
    format!(r#"{{{base}{members},"requestContext":{{{own}{context}}}}}"#)
}

/// Events over the budget, by what is large in them.
fn events() -> Vec<(String, String)> {
    let name = "x".repeat(50_000);
    let many = json!({ &*name: empty(50_000) }).to_string();
    let mut events = Vec::new();
    let mut add = |source: &str, member: &str, value: &str| {
        let event = event(source, &format!(",\"{member}\":{value}"), "");
        events.push((format!("{member} of a {source}"), event));
    };
    for source in ["REST API", "load balancer"] {
        add(source, "multiValueHeaders", &many);
        // The name has to be since it is written with an escape.
        add(
            source,
            "multiValueHeaders",
            &many.replacen('x', r"\u0078", 1),
        );
        add(source, "multiValueQueryStringParameters", &many);
        add(source, "stageVariables", &many);
        add(source, "pathParameters", &many);
    }
    for source in ["HTTP API", "function URL", "Lattice"] {
        add(source, "headers", &many);
        add(source, "queryStringParameters", &many);
    }
    // Dense, rather than with a long name.
    let dense = format!("{{\"a\":[{}\"\"]}}", "\"\",".repeat(1_900_000));
    add("REST API", "multiValueHeaders", &dense);
    add("load balancer", "multiValueQueryStringParameters", &dense);
    add("Lattice", "headers", &dense);
    let names = format!("{{{}\"z\":\"\"}}", numbered("\"#\":\"\",", 450_000));
    add("function URL", "headers", &names);
    add("HTTP API", "stageVariables", &names);
    add(
        "HTTP API",
        "cookies",
        &format!("[{}\"\"]", "\"a\",".repeat(1_400_000)),
    );
    let query = Value::from("a&".repeat(2_900_000)).to_string();
    add("function URL", "rawQueryString", &query);
    let cookie = json!({ "cookie": "a;".repeat(2_900_000) }).to_string();
    add("REST API", "headers", &cookie);
    let claims = format!("[{}0]", "0,".repeat(2_900_000));
    let scopes = format!(",\"authorizer\":{{\"jwt\":{{\"scopes\":{claims}}}}}");
    events.push(("scopes".to_owned(), event("HTTP API", "", &scopes)));
    let context = format!(",\"authorizer\":{names}");
    events.push(("context".to_owned(), event("REST API", "", &context)));
    let claims = format!(",\"authorizer\":{{\"claims\":{names}}}");
    events.push(("claims".to_owned(), event("REST API", "", &claims)));
    events
}

#[test]
fn a_small_event_takes_no_more_memory_than_a_multiple_of_its_size() {
    for (guest, good) in [("api", GOOD), ("http_p2", GOOD_HTTP)] {
        let tries = |bystander: &Bystander| {
            for (what, event) in events() {
                let end = Fails(INVALID, "the most for an event of its size");
                bystander.try_out(&what, Invocation::new(event), end);
                let most = status(bystander.host.pid(), "VmHWM");
                assert!(most < MOST, "{guest}, {what}: {most} kB");
                // By another process, perhaps: a single worker gives back what the allocator keeps.
                bystander.serves(&what);
            }
        };
        Bystander::at_one_and_four(&Deployment::of(guest), good, good, tries);
    }
}

/// What an event says is repeated only in part, and what is not a request after all is refused in words.
#[test]
fn messages_do_not_repeat_what_is_large() {
    let large = "\u{7f}".repeat(5_000_000);
    let tries = |bystander: &Bystander| {
        for (what, fields, words) in [
            ("headers", json!({ "headers": large }), "expected an object"),
            (
                "a flag",
                json!({ "isBase64Encoded": large }),
                "expected a boolean",
            ),
            (
                "a header",
                json!({ "headers": { "a": large } }),
                "it has the header \"a\"",
            ),
            (
                "a name",
                json!({ "headers": { &*large: "a" } }),
                "it has the header \"",
            ),
            (
                "a method",
                json!({ "httpMethod": large }),
                "the method is \"",
            ),
            (
                "a path",
                json!({ "path": format!("/{large}") }),
                "uri too long",
            ),
        ] {
            let mut event = json!({ "httpMethod": "GET", "path": "/" });
            let members = event.as_object_mut().unwrap();
            members.extend(fields.as_object().unwrap().clone());
            let event = Invocation::new(event.to_string());
            bystander.try_out(what, event, Fails(INVALID, words));
            bystander.serves(what);
        }
        let most = status(bystander.host.pid(), "VmHWM");
        assert!(most < MOST, "{most} kB");
    };
    Bystander::at_one_and_four(&Deployment::of("http_p2"), GOOD_HTTP, GOOD_HTTP, tries);
}

/// An authorizer's value is its JSON, and is not read further than that.
#[test]
fn a_value_of_an_authorizer_takes_as_much_as_its_json() {
    let zeroes = format!(",\"authorizer\":{{\"list\":[{}0]}}", "0,".repeat(900_000));
    let event = event("REST API", "", &zeroes).replace("\"/\"", "\"/body\"");
    let tries = |bystander: &Bystander| {
        let answer = r#"{"statusCode":200,"headers":{"Content-Type":"text/plain"},"body":"","isBase64Encoded":false}"#;
        bystander.endure("a list", Invocation::new(&*event), super::Answers(answer));
        let most = status(bystander.host.pid(), "VmHWM");
        assert!(most < MOST, "{most} kB");
    };
    Bystander::at_one_and_four(&Deployment::of("api"), GOOD, GOOD, tries);
}

//! The small variant of `bootstrap`.

use lambda_wasm_test_support::Deployment;

use crate::http::event;
use crate::outbound::Sender as _;
use crate::refusal::refusal;

/// The components of WASI 0.2, with an event for each.
fn functions() -> [(Deployment, String); 5] {
    let http = event("GET", "/status/200?body=good", "");
    let api = event("POST", "/body", "good");
    let policy =
        Deployment::of("policy").policy("[env]\nallow = [\"STAGE\"]\n[config]\na = \"b\"\n");
    [
        (Deployment::of("handler"), "\"count\"".to_owned()),
        (
            policy.clone().env("STAGE", "test"),
            "\"env?STAGE\"".to_owned(),
        ),
        (policy, "\"config?a\"".to_owned()),
        (Deployment::of("api"), api),
        (Deployment::of("http_p2"), http),
    ]
}

#[test]
fn functions_of_wasi_0_2_answer_as_on_the_full_variant() {
    for (deployment, event) in functions() {
        let answers = [deployment.clone(), deployment.small()].map(|deployment| {
            let host = deployment.start();
            let answers = [0, 1].map(|_| host.invoke(event.clone()).response().text());
            host.finish();
            answers
        });
        assert_eq!(answers[0], answers[1], "{event}");
        assert!(!answers[0][0].is_empty());
    }
}

#[test]
fn responses_are_streamed() {
    let host = Deployment::of("streaming").small().start();
    let (chunks, _) = host.command("chunks?n=3&size=2").streamed().wait();
    let bytes: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.bytes.to_vec())
        .collect();
    assert_eq!(bytes, b"aabbcc");
    host.finish();
}

#[test]
fn a_request_is_denied_as_on_the_full_variant() {
    let sender = Deployment::of("http_p2").small().start();
    sender.fails("https://api.example.com/", "HttpRequestDenied");
    let stderr = sender.finish().stderr;
    let line = "a request to https://api.example.com was denied: to allow it, add \"https://api.example.com\" to `allow` under [http] in ";
    assert!(stderr.contains(line), "{stderr}");
}

#[test]
fn a_function_that_needs_the_full_variant_does_not_start() {
    let allows =
        Deployment::of("http_p2").policy("[http]\nallow = [\"https://api.example.com\"]\n");
    for (deployment, need) in [
        (Deployment::of("http_p3"), "it imports wasi:"),
        (allows, "its policy allows requests"),
    ] {
        let refusal = refusal(&deployment.clone().small());
        assert_eq!(refusal.error_type, "Runtime.UnsupportedComponent");
        let start = format!(
            "{} cannot run here: {need}",
            deployment.artifact().display()
        );
        assert!(refusal.message.starts_with(&start), "{}", refusal.message);
        let end = ", and this bootstrap is the small one, without outgoing requests and WASI 0.3\nhint: deploy the full one: `lambda-wasm build` and `package` choose it for such a function";
        assert!(refusal.message.ends_with(end), "{}", refusal.message);
    }
}

/// It has the name of its origins in the policy, and nothing that asks for them.
#[test]
fn a_function_that_cannot_send_may_have_a_policy_that_allows_it() {
    let host = Deployment::of("handler")
        .policy("[http]\nallow = [\"https://api.example.com\"]\n")
        .small()
        .start();
    assert_eq!(host.ask("count"), "1");
    host.finish();
}

//! Whatever a client sends, and whatever a component answers, arrives: through each event source and the real `bootstrap`.

use lambda_wasm_test_support::{
    Host,
    event_sources::{
        self, MODELS, Model, Pairs, Sent, check_answer, check_target, config, expected_headers,
        grouped,
    },
};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::seen::{self, Seen};
use super::start;

/// Each goes through each of the event sources.
const CASES: u32 = 64;

fn hold<T: std::fmt::Debug>(
    of: impl Strategy<Value = T>,
    check: impl Fn(&Host, Model, &T) -> Result<(), TestCaseError>,
) {
    let host = start("http_seen");
    let mut runner = TestRunner::new(ProptestConfig {
        cases: CASES,
        ..config()
    });
    let held = runner.run(&of, |case| {
        MODELS
            .iter()
            .try_for_each(|&model| check(&host, model, &case))
    });
    held.unwrap_or_else(|error| panic!("{error}"));
    host.finish();
}

#[test]
fn a_request_reaches_the_component_whole() {
    hold(event_sources::sent(), |host, model, sent| {
        let seen = Seen::of_event(host, &event_sources::event(model, sent));
        prop_assert_eq!(&seen.method, &sent.method);
        prop_assert_eq!(&seen.body, &sent.body);
        prop_assert_eq!(&seen.origin, &format!("https://{}", event_sources::HOST));
        check_target(model, sent, &seen.target)?;
        let mut expected = expected_headers(model, sent);
        // `wasi:http` has it as the authority.
        expected.remove("host");
        if !sent.body.is_empty() {
            let length = sent.body.len().to_string();
            expected.insert("content-length".to_owned(), vec![length]);
        }
        prop_assert_eq!(grouped(seen.headers), expected);
        Ok(())
    });
}

#[test]
fn a_response_reaches_the_client_whole() {
    hold(event_sources::response(), |host, model, response| {
        let headers = response
            .headers
            .iter()
            .map(|(name, value)| (&**name, value));
        let cookies = response.cookies.iter().map(|cookie| ("set-cookie", cookie));
        let headers = headers
            .chain(cookies)
            .map(|(name, value)| (name, value.as_bytes()));
        let headers: Vec<_> = headers.collect();
        let asks = Sent {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: Pairs::new(),
            headers: vec![("x-echo".to_owned(), "response".to_owned())],
            cookies: Vec::new(),
            body: seen::response(response.status_code, &headers, &response.body).into(),
        };
        let outcome = host.invoke(event_sources::event(model, &asks).to_string());
        check_answer(model, response, &outcome.response().json())
    });
}

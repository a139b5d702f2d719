//! Compares an invocation with what its case expects.

use super::case::{Failure, Settings};
use super::difference::{body, difference, missing, parts, quoted};
use super::execution::{Ending, Execution};
use super::response::{HttpResponse, Response};

/// Compares an invocation with all that its case expects, except the snapshot.
pub fn compare(settings: &Settings, execution: &Execution) -> Vec<String> {
    let mut found = Vec::new();
    match (&execution.ending, &settings.error) {
        (Ending::Failure { kind, message }, None) => {
            let message = message.replace('\n', "\n  ");
            found.push(format!("the invocation failed\n  {kind}: {message}"));
        }
        (Ending::Failure { kind, message }, Some(expected)) => {
            failure(expected, kind, message, &mut found);
        }
        (Ending::Response { bytes, has_prelude }, Some(_)) => {
            let actual = Response::parse(bytes, *has_prelude).to_json();
            found.push(format!("error\n  a response came instead: {actual}"));
        }
        (Ending::Response { bytes, has_prelude }, None) => {
            response(settings, &Response::parse(bytes, *has_prelude), &mut found);
        }
    }
    found.extend_from_slice(&execution.outgoing);
    for text in &settings.log.0 {
        if !execution.log.contains(text) {
            found.push(format!("log\n  does not contain: {text:?}"));
        }
    }
    found
}

fn failure(expected: &Failure, kind: &str, message: &str, found: &mut Vec<String>) {
    if let Some(expected) = &expected.r#type
        && expected != kind
    {
        found.push(difference("error.type", &quoted(expected), &quoted(kind)));
    }
    if let Some(expected) = &expected.message
        && !message.contains(expected)
    {
        found.push(missing("error.message", expected, message));
    }
}

fn response(settings: &Settings, response: &Response, found: &mut Vec<String>) {
    if let Some(expected) = &settings.response {
        parts("response", expected, Some(&response.to_json()), found);
    }
    if !settings.is_http() {
        return;
    }
    match response {
        Response::Http(response) => http(settings, response, found),
        Response::Other(value) => found.push(format!(
            "the response is not an HTTP response: it has no `statusCode`\n  actual: {value}"
        )),
    }
}

fn http(settings: &Settings, response: &HttpResponse, found: &mut Vec<String>) {
    if let Some(expected) = settings.status
        && response.status != Some(u64::from(expected))
    {
        let actual = response
            .status
            .map_or("none".to_owned(), |status| status.to_string());
        found.push(difference("status", &expected.to_string(), &actual));
    }
    for (name, expected) in &settings.headers {
        let actual = response.headers.get(&name.to_lowercase());
        if actual != Some(expected) {
            let actual = actual.map_or("none".to_owned(), |actual| quoted(actual));
            found.push(difference(
                &format!("headers.{name}"),
                &quoted(expected),
                &actual,
            ));
        }
    }
    if let Some(expected) = &settings.body {
        body("body", expected, &response.text(), found);
    }
    for text in &settings.body_contains.0 {
        if !response.text().contains(text) {
            found.push(missing("body", text, &response.text()));
        }
    }
}

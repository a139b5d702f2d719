//! A reply of the Runtime API, and what the host reports of it: headers and bodies stay what they are.

use std::time::{Duration, Instant};

use arbitrary::{Result, Unstructured};
use http::{HeaderMap, HeaderName, HeaderValue};
use lambda_wasm_host::config::FunctionMetadata;
use lambda_wasm_host::failure::{ErrorType, Failure};
use lambda_wasm_host::fuzzing::Context;
use lambda_wasm_host::http::wasi::{self, CONTEXT_HEADERS};
use lambda_wasm_host::invocation::{Invocation, header};
use serde_json::Value;

use crate::words::{header_name, list, text};

const NAMES: [&str; 8] = [
    header::REQUEST_ID,
    header::DEADLINE_MS,
    header::FUNCTION_ARN,
    header::TRACE_ID,
    header::CLIENT_CONTEXT,
    header::COGNITO_IDENTITY,
    header::TENANT_ID,
    header::INVOCATION_ID,
];

const PIECES: &[&str] = &[
    "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    "/",
    "..",
    ".",
    "%2F",
    "?",
    "#",
    " ",
    "\r\n",
    "\0",
    "-",
    "1",
    "999999999",
    "{",
    "}",
    "\"",
    "{\"a\":1}",
    "18446744073709551615",
    "Runtime.",
    "Function.",
    "Trap",
    "\u{e4}",
    "\u{1f600}",
    "\u{7f}",
    "\u{2028}",
    "Root=1-5bef4de7;Sampled=1",
];

/// Reads a reply.
pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let _ = reply(&mut u);
    let _ = failure(&mut u);
}

fn reply(u: &mut Unstructured<'_>) -> Result<()> {
    let mut headers = HeaderMap::new();
    for name in NAMES {
        if u.ratio(3, 4)? {
            let value = match u.arbitrary()? {
                true => text(u, PIECES)?.into_bytes(),
                false => u.arbitrary()?,
            };
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
    }
    for name in list(u, 3, header_name)? {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            headers.append(name, HeaderValue::from_static("other"));
        }
    }
    let event: Vec<u8> = u.arbitrary()?;
    let Ok(invocation) = Invocation::new(headers, event.clone()) else {
        return Ok(());
    };
    let is_segment = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte);
    let id = &invocation.id;
    assert!(
        !id.is_empty() && id.bytes().all(is_segment) && id != "." && id != "..",
        "{id:?}"
    );
    let day = Duration::from_secs(24 * 3600 + 60);
    let (now, deadline) = (Instant::now(), invocation.deadline.at);
    assert!(deadline < now + day && deadline.checked_add(day).is_none_or(|later| later > now));
    let metadata = FunctionMetadata {
        name: "fuzzed".to_owned(),
        version: "1".to_owned(),
        memory_mib: 128,
        log_group: None,
        log_stream: None,
    };
    let context = Context::new(&metadata, &invocation);
    let request = wasi::event(event, "/events", &context).expect("the path is valid");
    let [_, lambda_context] = CONTEXT_HEADERS;
    let said: Value =
        serde_json::from_slice(request.headers()[lambda_context].as_bytes()).expect("it is JSON");
    assert_eq!(said["request_id"], **id);
    assert_eq!(said["xray_trace_id"].as_str(), context.trace_id.as_deref());
    assert_eq!(said["tenant_id"].as_str(), context.tenant_id.as_deref());
    Ok(())
}

/// A failure of texts that a component chose.
fn failure(u: &mut Unstructured<'_>) -> Result<()> {
    let mut failure = match u.arbitrary()? {
        true => Failure::from_function(text(u, PIECES)?, text(u, PIECES)?),
        false => Failure::new(ErrorType::Trap, text(u, PIECES)?),
    };
    failure.error_message = failure.error_message.repeat(u.int_in_range(0..=100)?);
    failure.stack_trace = list(u, 12, |u| text(u, PIECES))?;
    failure.is_crash = u.arbitrary()?;
    let name = failure.header_type();
    let (family, rest) = name.split_once('.').expect("it has a family");
    let is_name = rest.len() > 1 && rest.chars().all(|c| c.is_ascii_alphabetic());
    assert!(
        ["Runtime", "Function"].contains(&family) && is_name && name.len() <= 120,
        "{name:?}"
    );
    let json = failure.to_json();
    assert_eq!(json.len(), failure.size());
    let said: Value = serde_json::from_slice(&json).expect("it is JSON");
    assert_eq!(said["errorMessage"], failure.error_message);
    let cut = failure.cut(8192);
    assert!(cut.size() <= 8192, "{} bytes", cut.size());
    if let Some(cause) = failure.xray_cause() {
        assert!(
            cause.len() <= 4096 && cause.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "{cause:?}"
        );
        assert!(serde_json::from_str::<Value>(&cause).is_ok(), "{cause:?}");
    }
    Ok(())
}

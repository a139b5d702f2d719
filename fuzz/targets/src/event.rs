//! An event becomes an HTTP request: as `lambda_http` makes it, and with the promises of `SECURITY.md`.

mod compare;
mod generate;

use std::str::FromStr;

use arbitrary::Unstructured;
use http::header::{CONTENT_LENGTH, COOKIE, HeaderMap, HeaderName};
use lambda_wasm_host::fuzzing::Context;
use lambda_wasm_host::http::wasi::{self, CONTEXT_HEADERS};
use lambda_wasm_host::http::{self as events, Request};
use lambda_wasm_host::policy::BasePath;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::{peer, within};

/// `SECURITY.md`, "memory for the request that is made of an HTTP event": bytes for each byte of the event.
const BUDGET_PER_BYTE: usize = 64;

/// The memory that does not depend on the event: its smallest budget, and what the host adds to the request.
const FIXED: usize = 192 * 1024;

/// Bytes that start with a brace are an event. Others make an event of an event source.
pub fn run(data: &[u8]) {
    let event = match data.first() {
        Some(b'{') => data.to_vec(),
        _ => match generate::event(&mut Unstructured::new(data)) {
            Ok(event) => event.to_string().into_bytes(),
            Err(_) => return,
        },
    };
    let Ok(request) = events::request(&event) else {
        return;
    };
    if let Some(json) = peer::value(&event) {
        check_target(&request, &json);
        compare::compare(&request, &event, &json);
    }
    drop(request);
    check_memory(&event);
    check_base_paths(&event);
}

/// The target starts with `/`, ends no line, and means the path of the event.
fn check_target(request: &Request<'_>, json: &Value) {
    let target = request.path_and_query();
    assert!(target.starts_with('/'), "{target:?}");
    assert!(
        !target.bytes().any(|byte| byte <= b' ' || byte == 0x7f),
        "{target:?}"
    );
    let (path, _) = target.split_once('?').unwrap_or((&target, ""));
    let version = json["version"].as_str() == Some("1.0");
    let is_decoded = match format!("{:?}", request.source).as_str() {
        "HttpApi" => true,
        "RestApi" | "HttpApiPayload1" => version,
        _ => false,
    };
    let slash = if request.record.path.starts_with('/') {
        ""
    } else {
        "/"
    };
    let expected = format!("{slash}{}", request.record.path);
    if expected.len() > 10_000 {
        return; // Longer ones may be cut.
    }
    let seen: Vec<u8> = percent_decode_str(path).collect();
    match is_decoded {
        true => assert_eq!(seen, expected.as_bytes(), "{target:?}"),
        false => assert_eq!(
            seen,
            percent_decode_str(&expected).collect::<Vec<_>>(),
            "{target:?}"
        ),
    }
    if let Some(authority) = request.authority() {
        assert!(
            !authority.contains(['@', '/', '?', '#', ' ']),
            "{authority:?}"
        );
    }
}

/// The request takes no more memory than an event of its size may, and its headers are those that a function may trust.
fn check_memory(event: &[u8]) {
    let context = context();
    within(event.len() * (BUDGET_PER_BYTE + 1) + FIXED, || {
        let Ok(request) = events::request(event) else {
            return;
        };
        let (target, said) = (request.path_and_query(), request.request_context());
        let length = request.record.body.len();
        let Ok(made) = wasi::request(request, &context) else {
            return;
        };
        let made_target = made.uri().path_and_query().map(|target| target.as_str());
        assert_eq!(made_target, Some(&*target));
        check_headers(made.headers(), said.as_deref(), length);
    });
}

fn check_headers(headers: &HeaderMap, context: Option<&str>, length: usize) {
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        assert!(!headers.contains_key(name), "{name} is hop-by-hop");
    }
    let [request_context, lambda_context] = CONTEXT_HEADERS;
    let values = |name: &HeaderName| headers.get_all(name).iter().map(|value| value.as_bytes());
    let context: Vec<_> = context.iter().map(|text| text.as_bytes()).collect();
    assert_eq!(values(&request_context).collect::<Vec<_>>(), context);
    assert_eq!(values(&lambda_context).count(), 1);
    assert!(values(&COOKIE).count() <= 1);
    let lengths: Vec<_> = values(&CONTENT_LENGTH).collect();
    let length = length.to_string();
    match lengths[..] {
        [] => assert_eq!(length, "0"),
        [said] => assert_eq!(said, length.as_bytes()),
        _ => panic!("{lengths:?}"),
    }
}

/// A base path is removed at a slash, and the rest of the path stays as it is.
fn check_base_paths(event: &[u8]) {
    let base_paths = ["/a", "/{stage}", "/{stage}/a", "/a/b", "/%61"].map(BasePath::from_str);
    let base_paths = base_paths.map(|path| path.expect("they are valid"));
    let Ok(mut request) = events::request(event) else {
        return;
    };
    let before = request.record.path.clone();
    request.remove_base_path(&base_paths);
    let after = &request.record.path;
    let is_whole = *after == before
        || after == "/"
        || (before.ends_with(after.as_str()) && after.starts_with('/'));
    assert!(is_whole, "{before:?} became {after:?}");
}

fn context() -> Context {
    Context {
        request_id: "8476a536".to_owned(),
        invoked_function_arn: String::new(),
        function_name: "fuzzed".to_owned(),
        function_version: "1".to_owned(),
        memory_limit_mib: 128,
        deadline_ms: 0,
        trace_id: None,
        log_group: None,
        log_stream: None,
        client_context: None,
        cognito_identity: None,
        tenant_id: None,
    }
}

//! A response becomes the JSON of each event source: it means the response, and adds no header.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt;
use lambda_wasm_emulator::event_source::fuzzing as readers;
use lambda_wasm_host::fuzzing::{EVENT_SOURCES, api};
use serde_json::Value;

use crate::words::{header_name, header_value, list, mostly_small};

const MIB: usize = 1024 * 1024;

/// The size of a body, in bytes, from which on it is large.
const LARGE: usize = 64 * 1024;

/// As many cookies as `Set-Cookie` can be written in different capitals, which a load balancer needs.
const MOST_COOKIES: usize = 1 << 9;

/// Headers by their names in lower case, and cookies.
type Headers = BTreeMap<String, Vec<String>>;

/// Makes a response, and has each event source answer it.
pub fn run(data: &[u8]) {
    let Ok(response) = response(&mut Unstructured::new(data)) else {
        return;
    };
    let is_valid = is_valid(&response);
    let expected = expected(&response);
    let size = response.body.len();
    for (index, source) in EVENT_SOURCES.into_iter().enumerate() {
        // Large bodies take long, so each goes to one of the sources.
        if size > LARGE && index != size % EVENT_SOURCES.len() {
            continue;
        }
        let name = format!("{source:?}");
        let largest = match &*name {
            "Alb" | "AlbMultiValue" => MIB,
            "Lattice" => 6 * MIB,
            _ => 6 * MIB + 100,
        };
        let answer = source.answer(copy(&response));
        let Ok(json) = answer else {
            let may_be_too_large = size * 6 > largest / 2;
            let has_no_place =
                ["Alb", "Lattice"].contains(&&*name) && cookies(&expected) > MOST_COOKIES;
            assert!(
                !is_valid || may_be_too_large || has_no_place,
                "{name} refuses {:?}",
                response.headers
            );
            continue;
        };
        assert!(is_valid, "{name} takes {:?}", response.headers);
        assert!(json.len() <= largest, "{} bytes for {name}", json.len());
        check(&name, &json, &response, &expected);
    }
}

/// Returns a response of the fuzzer's.
pub fn response(u: &mut Unstructured<'_>) -> Result<api::Response> {
    let status_code = match u.int_in_range(0..=7)? {
        0 => u.arbitrary()?,
        _ => *u.choose(&[200, 201, 204, 304, 404, 500, 599])?,
    };
    let headers = list(u, 6, |u| Ok((header_name(u)?, header_value(u)?)))?;
    let cookies = list(u, 3, header_value)?;
    let mut body: Vec<u8> = u.arbitrary()?;
    if u.ratio(1, 200)? && !body.is_empty() {
        body = body.repeat(mostly_small(u, MIB)? / body.len() + 1);
    }
    Ok(api::Response {
        status_code,
        headers,
        cookies,
        body,
    })
}

/// Returns a copy of a response.
pub fn copy(response: &api::Response) -> api::Response {
    api::Response {
        status_code: response.status_code,
        headers: response.headers.clone(),
        cookies: response.cookies.clone(),
        body: response.body.clone(),
    }
}

/// Returns whether HTTP can carry the response: RFC 9110, 5.1 and 5.5, and 15 without interim responses.
pub fn is_valid(response: &api::Response) -> bool {
    let is_value = |text: &str| !text.contains(|c: char| c.is_ascii_control() && c != '\t');
    (200..600).contains(&response.status_code)
        && response.cookies.iter().all(|cookie| is_value(cookie))
        && response
            .headers
            .iter()
            .all(|(name, value)| HeaderName::from_bytes(name.as_bytes()).is_ok() && is_value(value))
}

/// Returns the headers that have to arrive: the end-to-end ones, and a length if it is right.
pub fn expected(response: &api::Response) -> Headers {
    const HOP_BY_HOP: [&str; 7] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let named = response
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    let named = named.flat_map(|(_, value)| {
        value
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase())
    });
    let named: Vec<String> = named.filter(|name| name != "close").collect();
    let mut headers = Headers::new();
    for (name, value) in &response.headers {
        let name = name.to_ascii_lowercase();
        if HOP_BY_HOP.contains(&&*name) || named.contains(&name) {
            continue;
        }
        let is_first = !headers.contains_key(&name);
        if name != "content-length" || (is_first && *value == response.body.len().to_string()) {
            headers.entry(name).or_default().push(value.clone());
        }
    }
    if !response.cookies.is_empty() {
        headers
            .entry("set-cookie".to_owned())
            .or_default()
            .extend(response.cookies.clone());
    }
    headers
}

fn cookies(headers: &Headers) -> usize {
    headers.get("set-cookie").map_or(0, Vec::len)
}

/// The JSON has the members that the event source reads, and they mean the response.
fn check(source: &str, json: &[u8], response: &api::Response, expected: &Headers) {
    let answer: Value = serde_json::from_slice(json).expect("it is JSON");
    let members = answer.as_object().expect("it is an object");
    let (known, joins): (&[&str], bool) = match source {
        "FunctionUrl" | "HttpApi" => (
            &[
                "statusCode",
                "headers",
                "cookies",
                "body",
                "isBase64Encoded",
            ],
            true,
        ),
        "AlbMultiValue" => (
            &[
                "statusCode",
                "statusDescription",
                "multiValueHeaders",
                "body",
                "isBase64Encoded",
            ],
            false,
        ),
        "Alb" => (
            &[
                "statusCode",
                "statusDescription",
                "headers",
                "body",
                "isBase64Encoded",
            ],
            true,
        ),
        "Lattice" => (&["statusCode", "headers", "body", "isBase64Encoded"], true),
        _ => (
            &[
                "statusCode",
                "headers",
                "multiValueHeaders",
                "body",
                "isBase64Encoded",
            ],
            false,
        ),
    };
    assert!(
        members.keys().all(|name| known.contains(&&**name)),
        "{source}: {answer}"
    );
    assert_eq!(answer["statusCode"], response.status_code);
    if let Some(text) = members.get("statusDescription") {
        let text = text.as_str().expect("it is text");
        assert!(
            text.starts_with(&format!("{} ", response.status_code)),
            "{text}"
        );
    }
    let body = answer["body"].as_str().expect("it is text");
    let body = match &answer["isBase64Encoded"] {
        Value::Bool(true) => STANDARD.decode(body).expect("it is base64"),
        flag => {
            assert_eq!(*flag, false);
            body.as_bytes().to_vec()
        }
    };
    assert_eq!(body, response.body);
    let mut seen = Headers::new();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().expect("it is text").to_owned();
        seen.entry(name.to_ascii_lowercase())
            .or_default()
            .push(value);
    }
    for (name, values) in answer["multiValueHeaders"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let values = values.as_array().expect("it is a list").iter();
        let values = values.map(|value| value.as_str().expect("it is text").to_owned());
        seen.entry(name.to_ascii_lowercase())
            .or_default()
            .extend(values);
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        let cookie = cookie.as_str().expect("it is text").to_owned();
        seen.entry("set-cookie".to_owned())
            .or_default()
            .push(cookie);
    }
    let mut wanted = expected.clone();
    if joins {
        for (name, values) in &mut wanted {
            if name != "set-cookie" {
                *values = vec![values.join(", ")];
            }
        }
    }
    // JSON's members come in any order, and a load balancer's cookies are several.
    for headers in [&mut seen, &mut wanted] {
        if let Some(cookies) = headers.get_mut("set-cookie") {
            cookies.sort();
        }
    }
    assert_eq!(seen, wanted, "{source}: {answer}");
    read(source, json, response, expected);
}

/// The emulator, which reads responses as AWS does, sends the same response.
fn read(source: &str, json: &[u8], response: &api::Response, expected: &Headers) {
    let read = match source {
        "FunctionUrl" | "HttpApi" => readers::payload_2(json, false),
        "RestApi" | "HttpApiPayload1" => readers::rest_api(json, true),
        "Alb" => readers::alb(json, false),
        "AlbMultiValue" => readers::alb(json, true),
        _ => return,
    };
    let read = read.unwrap_or_else(|why| panic!("{source}: {why}"));
    same(&read, response.status_code, expected);
    let body = at_once(read.into_body().collect())
        .expect("it is whole")
        .to_bytes();
    assert_eq!(body, response.body, "{source}");
}

/// Fails if a response that was sent has another status or other headers than the function's response.
pub fn same<B>(sent: &http::Response<B>, status: u16, expected: &Headers) {
    assert_eq!(sent.status().as_u16(), status);
    for name in expected.keys() {
        // The event source frames the body.
        let arrives = name == "content-length" || sent.headers().contains_key(name);
        assert!(arrives, "{name} of {expected:?} is missing");
    }
    for (name, value) in sent.headers() {
        let values = expected.get(name.as_str());
        let is_known = |value: &HeaderValue| {
            let text = String::from_utf8_lossy(value.as_bytes());
            values.is_some_and(|values| {
                values.iter().any(|known| *known == text) || values.join(", ") == text
            })
        };
        // The event source adds the type.
        assert!(
            is_known(value) || (name == "content-type" && values.is_none()),
            "{name}: {value:?} of {expected:?}"
        );
    }
}

/// Returns the output of a future that does not wait.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

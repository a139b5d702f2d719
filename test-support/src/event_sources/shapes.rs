//! The requests of clients and the responses of functions.

use proptest::collection::vec;
use proptest::prelude::*;

use super::Pairs;

/// A request, as it is on the wire.
#[derive(Debug)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// Encoded.
    pub path: String,
    /// Encoded.
    pub query: Pairs,
    /// Their names are in lower case.
    pub headers: Pairs,
    /// Each is `name=value`.
    pub cookies: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A response of a function, with the fields of the WIT's `response`.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status_code: u16,
    /// Their names are in lower case.
    pub headers: Pairs,
    /// The values of `Set-Cookie`.
    pub cookies: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// The configuration of the property tests.
pub fn config() -> ProptestConfig {
    ProptestConfig {
        // The failing case is in the message; there is no file to keep.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Returns any request.
pub fn sent() -> impl Strategy<Value = Sent> {
    let path = vec(piece("[a-zA-Z0-9._~!$&'()*+,;=:@/|^-]"), 0..12);
    let path = path.prop_map(|pieces| format!("/{}", pieces.concat()));
    let request = (
        "[A-Z]{1,8}",
        path,
        query(),
        headers(),
        cookies("[a-z]{1,3}=[!#-+./-:<-~-]{0,4}"),
        body(),
    );
    request.prop_map(|(method, path, query, headers, cookies, body)| Sent {
        method,
        path,
        query,
        headers,
        cookies,
        body,
    })
}

/// Returns any response.
pub fn response() -> impl Strategy<Value = Response> {
    let cookies = cookies("[a-z]{1,3}=[!-~ ]{0,8}");
    let response = (200..=599_u16, headers(), cookies, body());
    response.prop_map(|(status_code, headers, cookies, body)| Response {
        status_code,
        headers,
        cookies,
        body,
    })
}

/// A character of a class, an escape of text, or an escape of any byte that is ASCII: bytes that are not UTF-8 do not survive being
/// decoded.
fn piece(class: &'static str) -> impl Strategy<Value = String> {
    let text = any::<char>().prop_map(|c| {
        percent_encoding::utf8_percent_encode(&c.to_string(), percent_encoding::NON_ALPHANUMERIC)
            .to_string()
    });
    let byte = (0..0x80_u8).prop_map(|byte| format!("%{byte:02x}"));
    prop_oneof![4 => class, 1 => text, 1 => byte]
}

/// Few names, so that some are there several times.
fn query() -> impl Strategy<Value = Pairs> {
    let name = prop_oneof![
        Just("a".to_owned()),
        Just("b%5B%5D".to_owned()),
        piece("[A-Z]")
    ];
    let value = vec(piece("[a-zA-Z0-9._~!$'()*+,;=:@/?|-]"), 0..5);
    vec((name, value.prop_map(|pieces| pieces.concat())), 0..6)
}

fn headers() -> impl Strategy<Value = Pairs> {
    vec(
        ("x-[a-c]", "([!-~\u{e4}\u{20ac}]([ -~\t]{0,6}[!-~])?)?"),
        0..6,
    )
}

fn cookies(of: &'static str) -> impl Strategy<Value = Vec<String>> {
    vec(of, 0..4)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        any::<String>().prop_map(String::into_bytes),
    ]
}

//! What a response may be.

use ureq::http::HeaderName;

use crate::bindings::api::Response;
use crate::failure::Failure;
use crate::http::text::quoted;

/// How many headers a response may have, cookies included. Each takes memory of the host's, even if it is empty.
const MOST: usize = 256 * 1024;

/// Checks that a response is one that HTTP can carry.
///
/// # Errors
///
/// If its status is none of a final response, or a header's or cookie's name or value is not allowed.
pub fn check(response: &Response) -> Result<(), Failure> {
    if !(200..=599).contains(&response.status_code) {
        return Err(invalid(format!(
            "has the status {}, and it has to be one from 200 to 599",
            response.status_code
        )));
    }
    let count = response.headers.len() + response.cookies.len();
    if count > MOST {
        return Err(invalid(format!(
            "has {count} headers and cookies, and may have {MOST}"
        )));
    }
    for (name, value) in &response.headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(invalid(format!(
                "has a header named {}, which is no name of a header",
                quoted(name)
            )));
        }
        if !is_value(value) {
            return Err(invalid(format!(
                "has a header {name:.100} with the value {}, which HTTP does not allow",
                quoted(value)
            )));
        }
    }
    match response.cookies.iter().find(|cookie| !is_value(cookie)) {
        Some(cookie) => Err(invalid(format!(
            "sets the cookie {}, which HTTP does not allow",
            quoted(cookie)
        ))),
        None => Ok(()),
    }
}

/// The failure of a function whose response is none.
pub fn invalid(why: String) -> Failure {
    Failure::new(
        "Function.InvalidResponse",
        format!("the function's response {why}"),
    )
}

/// Whether a header can have this value. Beyond ASCII anything goes: clients see it as bytes.
fn is_value(text: &str) -> bool {
    text.bytes().all(|b| b == b'\t' || (b >= 0x20 && b != 0x7f))
}

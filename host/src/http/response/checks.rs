//! The check of a response.

use ureq::http::HeaderName;

use crate::bindings::api::Response;
use crate::failure::{ErrorType, Failure};
use crate::http::text::quoted;

/// The most headers of a response, cookies included. Even an empty header takes memory of the host.
const MAX_HEADERS: usize = 256 * 1024;

/// Checks that HTTP can carry a response.
///
/// # Errors
///
/// Returns an error if HTTP does not allow the status, or the name or value of a header or cookie.
pub(super) fn check(response: &Response) -> Result<(), Failure> {
    if !(200..=599).contains(&response.status_code) {
        return Err(invalid(format!(
            "has the status {}, and it has to be one from 200 to 599",
            response.status_code
        )));
    }
    let count = response.headers.len() + response.cookies.len();
    if count > MAX_HEADERS {
        return Err(invalid(format!(
            "has {count} headers and cookies, and may have {MAX_HEADERS}"
        )));
    }
    for (name, value) in &response.headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(invalid(format!(
                "has a header named {}, which is not a valid header name",
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

/// Returns the failure of an invalid response.
pub(super) fn invalid(why: String) -> Failure {
    Failure::new(
        ErrorType::InvalidResponse,
        format!("the function's response {why}"),
    )
}

/// Returns `true` if a header can have this value. Any text beyond ASCII is valid: clients receive it as bytes.
fn is_value(text: &str) -> bool {
    text.bytes().all(|b| b == b'\t' || (b >= 0x20 && b != 0x7f))
}

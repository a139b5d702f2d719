//! A function's response, before an event source's form of it.

mod checks;
mod hop;
mod length;

use std::collections::BTreeMap;
use std::mem::take;

use ureq::http::StatusCode;

pub(super) use hop::EndToEndHeaders;
pub use length::{BodyLength, unfinished};

use super::members::Members;
use crate::bindings::api;
use crate::failure::Failure;

/// A response that HTTP can carry, without the headers of a connection. `cookies` has all cookies, and `headers` none.
pub(super) struct ValidatedResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub cookies: Vec<String>,
    pub body: Vec<u8>,
    /// Whether the body is text by chance only.
    pub is_compressed: bool,
}

impl ValidatedResponse {
    /// Checks a response, and removes the headers of a connection.
    ///
    /// # Errors
    ///
    /// Returns an error if HTTP does not allow the status, or the name or value of a header or cookie.
    pub(super) fn new(response: api::Response) -> Result<Self, Failure> {
        checks::check(&response)?;
        let api::Response {
            status_code,
            mut headers,
            cookies,
            body,
        } = response;
        let mut end_to_end = EndToEndHeaders::new(&headers, |_| false).into_iter();
        // The right length, once: RFC 9110, 8.6. With another, the reader would wait for more, or read the rest as the next message.
        let mut length = Some(body.len().to_string());
        headers.retain(|(name, value)| {
            let is_end_to_end = end_to_end.next().unwrap_or_default();
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_end_to_end && (!is_length || length.take_if(|length| length == value).is_some())
        });
        let (set_cookies, headers): (Vec<_>, Vec<_>) = headers
            .into_iter()
            .partition(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        let set_cookies = set_cookies.into_iter().map(|(_, value)| value);
        let is_compressed = headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-encoding") && !value.eq_ignore_ascii_case("identity")
        });
        Ok(Self {
            status: status_code,
            is_compressed,
            headers,
            cookies: set_cookies.chain(cookies).collect(),
            body,
        })
    }

    /// Takes the headers and cookies: each name once, whatever its case, with its values.
    pub(super) fn take_grouped(&mut self) -> Vec<(String, Vec<String>)> {
        let cookies = take(&mut self.cookies).into_iter();
        let cookies = cookies.map(|cookie| ("Set-Cookie".to_owned(), cookie));
        group(take(&mut self.headers).into_iter().chain(cookies))
    }

    /// Takes the headers: each name once, with its values joined with commas. RFC 9110, 5.3, allows that for all headers but
    /// `Set-Cookie`.
    pub(super) fn take_joined(&mut self) -> Members<String> {
        let grouped = group(take(&mut self.headers).into_iter()).into_iter();
        Members(
            grouped
                .map(|(name, values)| (name, values.join(", ")))
                .collect(),
        )
    }

    /// Takes the headers, joined, and the cookies, each under a name in other capitals.
    ///
    /// # Errors
    ///
    /// Returns an error if there are more cookies than ways to write `Set-Cookie`.
    pub(super) fn take_single_valued(&mut self) -> Result<Members<String>, Failure> {
        let Members(mut members) = self.take_joined();
        let cookies = take(&mut self.cookies);
        let count = cookies.len();
        for (index, cookie) in cookies.into_iter().enumerate() {
            let name = set_cookie(index).ok_or_else(|| {
                checks::invalid(format!(
                    "sets {count} cookies, for which this event source has no place: a load balancer has it if multi-value headers are enabled"
                ))
            })?;
            members.push((name, cookie));
        }
        Ok(Members(members))
    }

    /// Returns the status with its reason phrase, if it has one.
    pub(super) fn status_description(&self) -> Option<String> {
        let status = StatusCode::from_u16(self.status).ok()?;
        Some(format!("{} {}", self.status, status.canonical_reason()?))
    }
}

fn group(pairs: impl Iterator<Item = (String, String)>) -> Vec<(String, Vec<String>)> {
    // A map by names in lower case: a search through all headers would take long if a function sends many.
    let mut places = BTreeMap::new();
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in pairs {
        let place = *places.entry(name.to_ascii_lowercase()).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(value);
    }
    groups
}

/// Returns `Set-Cookie` in capitals that no other index has, or `None` if there are no more.
fn set_cookie(index: usize) -> Option<String> {
    let mut rest = index;
    let name = "Set-Cookie".chars().map(|letter| {
        let turns = letter.is_ascii_alphabetic() && {
            let turns = rest & 1 == 1;
            rest >>= 1;
            turns
        };
        match (turns, letter.is_ascii_uppercase()) {
            (true, true) => letter.to_ascii_lowercase(),
            (true, false) => letter.to_ascii_uppercase(),
            (false, _) => letter,
        }
    });
    let name = name.collect();
    (rest == 0).then_some(name)
}

//! What holds for a function's response, whichever front door it goes through.

mod checks;
mod hop;
mod length;

use std::collections::BTreeMap;
use std::mem::take;

use ureq::http::StatusCode;

pub use hop::onward;
pub use length::{BodyLength, unfinished};

use super::members::Members;
use crate::bindings::api;
use crate::failure::Failure;

/// A response that HTTP can carry, without what is of the connection only. No header sets a cookie: the cookies do.
pub struct Checked {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub cookies: Vec<String>,
    pub body: Vec<u8>,
    /// Whether the body is text by chance only.
    pub is_compressed: bool,
}

impl Checked {
    /// Checks that a response is one that HTTP can carry, and takes out what is of the connection only.
    ///
    /// # Errors
    ///
    /// If its status is none of a final response, or a header's or cookie's name or value is not allowed.
    pub fn new(response: api::Response) -> Result<Self, Failure> {
        checks::check(&response)?;
        let api::Response {
            status_code,
            mut headers,
            cookies,
            body,
        } = response;
        let mut onward = onward(&headers, |_| false).into_iter();
        // This one, once: RFC 9110, 8.6. By another, the reader would wait for more, or take the rest for the next message.
        let mut length = Some(body.len().to_string());
        headers.retain(|(name, value)| {
            let goes_on = onward.next().unwrap_or_default();
            let is_length = name.eq_ignore_ascii_case("content-length");
            goes_on && (!is_length || length.take_if(|length| length == value).is_some())
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

    /// The headers and cookies, each name once, whatever its case, with its values.
    pub fn take_grouped(&mut self) -> Vec<(String, Vec<String>)> {
        let cookies = take(&mut self.cookies).into_iter();
        let cookies = cookies.map(|cookie| ("Set-Cookie".to_owned(), cookie));
        group(take(&mut self.headers).into_iter().chain(cookies))
    }

    /// The headers, each name once, with its values joined with commas, which RFC 9110, 5.3, allows for all that may be there
    /// more than once, but `Set-Cookie`.
    pub fn take_joined(&mut self) -> Members<String> {
        let grouped = group(take(&mut self.headers).into_iter()).into_iter();
        Members(
            grouped
                .map(|(name, values)| (name, values.join(", ")))
                .collect(),
        )
    }

    /// The headers joined, and the cookies under as many names as there are cookies.
    ///
    /// # Errors
    ///
    /// If there are more cookies than ways to write `Set-Cookie`.
    pub fn take_single_valued(&mut self) -> Result<Members<String>, Failure> {
        let Members(mut members) = self.take_joined();
        let cookies = take(&mut self.cookies);
        let count = cookies.len();
        for (index, cookie) in cookies.into_iter().enumerate() {
            let name = set_cookie(index).ok_or_else(|| {
                checks::invalid(format!(
                    "sets {count} cookies, for which this front door has no place: a load balancer has it if multi-value headers are enabled"
                ))
            })?;
            members.push((name, cookie));
        }
        Ok(Members(members))
    }

    /// The status with its reason phrase, if it has one.
    pub fn status_description(&self) -> Option<String> {
        let status = StatusCode::from_u16(self.status).ok()?;
        Some(format!("{} {}", self.status, status.canonical_reason()?))
    }
}

fn group(pairs: impl Iterator<Item = (String, String)>) -> Vec<(String, Vec<String>)> {
    // By names in lower case: the function may send so many headers that looking through them all would take long.
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

/// `Set-Cookie` in capitals and small letters that no other index has, while there are any.
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

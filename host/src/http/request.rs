//! A request, of every event source.

use std::borrow::Cow;

use http::uri::Authority;
use serde_json::value::RawValue;

use super::budget::{self, Exceeded};
use super::json::{Text, object};
use super::percent::{self, Component, Encoding};
use super::query::Query;
use super::response::EndToEndHeaders;
use super::source::EventSource;
use super::text::find;
use super::trusted_headers::is_trusted;
use crate::bindings::api;
use crate::failure::to_ascii;
use crate::policy::BasePath;

/// A request. Its methods make on demand what the record does not have.
pub struct Request<'e> {
    /// The event source, which receives the response.
    pub source: &'static EventSource,
    /// The request as `lambda:function/api` defines it.
    pub record: api::Request,
    pub(super) path_encoding: Encoding,
    pub(super) query: Query<'e>,
    pub(super) context: Option<&'e RawValue>,
}

object! {
    /// The path in the request context of a REST API.
    Requested<'a> {
        /// As the client sent it. Under the API's own domain name it starts with the stage.
        path: Text<'a> = "path";
    }
}

impl Request<'_> {
    /// Removes a base path from the path: the longest of these that the path starts with.
    pub fn remove_base_path(&mut self, base_paths: &[BasePath]) {
        if base_paths.is_empty() {
            return;
        }
        let (path, stage) = (self.record.path.as_str(), self.stage_in_path());
        let is_encoded = self.path_encoding == Encoding::Sent;
        let rests = base_paths.iter();
        let rests = rests.filter_map(|base_path| base_path.strip(path, stage, is_encoded));
        self.record.path = match rests.min_by_key(|rest| rest.len()) {
            Some("") => "/".to_owned(),
            Some(rest) => rest.to_owned(),
            None => return,
        };
    }

    /// Returns the stage if the path may start with it.
    ///
    /// A REST API removes the stage, but not under a custom domain name whose mapping names no stage
    /// (<https://github.com/localstack/localstack/pull/12296>). `requestContext.path` tells the two apart.
    fn stage_in_path(&self) -> Option<&str> {
        let stage = self.record.stage.as_deref();
        let stage = stage.filter(|stage| *stage != "$default")?;
        if self.source.removes_stage {
            let context = self.context.map(RawValue::get).unwrap_or_default();
            let context: Requested<'_> = serde_json::from_str(context).unwrap_or_default();
            let requested = context.path.as_deref().unwrap_or_default();
            let behind_stage = requested
                .strip_prefix('/')
                .and_then(|path| path.strip_prefix(stage));
            if behind_stage == Some(&self.record.path) {
                return None;
            }
        }
        Some(stage)
    }

    /// Returns `http` or `https`: the value of `X-Forwarded-Proto` if the event source sets it, and else `https`, which function
    /// URLs and API Gateway always have.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        let proto = match self.source.sets_forwarded_proto {
            true => find(&self.record.headers, "x-forwarded-proto"),
            false => None,
        };
        match proto {
            Some(proto) if proto.trim().eq_ignore_ascii_case("http") => "http",
            _ => "https",
        }
    }

    /// Returns the host that the client named, with its port if it named one: the `Host` header, or else the API's domain name.
    ///
    /// A name that no URI can have does not count: a load balancer passes on any header of a client.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        let names = [
            find(&self.record.headers, "host"),
            self.record.domain_name.as_deref(),
        ];
        names.into_iter().flatten().find(|name| is_host(name))
    }

    /// Returns the path and the query, percent-encoded: the target of the request. It starts with `/`.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let mut uri = String::with_capacity(self.record.path.len() + 16);
        if !self.record.path.starts_with('/') {
            uri.push('/');
        }
        percent::push(
            &mut uri,
            &self.record.path,
            self.path_encoding,
            Component::Path,
        );
        self.query.push(&mut uri);
        uri
    }

    /// Returns the end-to-end headers in their order, `host` among them, and then the cookies as one `cookie` (RFC 6265, 5.4).
    /// Names and values are not checked.
    ///
    /// # Errors
    ///
    /// Returns an error if the headers take more memory than the event may.
    pub(super) fn headers(&self) -> Result<impl Iterator<Item = (&str, Cow<'_, str>)>, Exceeded> {
        let headers = &self.record.headers;
        let cookies = self.record.cookies.as_slice();
        budget::check(headers.len() * (size_of::<usize>() + 1))?;
        budget::check(cookies.iter().map(|cookie| cookie.len() + 2).sum())?;
        let headers = headers
            .iter()
            .zip(EndToEndHeaders::new(headers, is_trusted));
        let headers = headers
            .filter(|(_, is_end_to_end)| *is_end_to_end)
            .map(|((name, value), _)| (name.as_str(), Cow::Borrowed(value.as_str())));
        let cookie = (!cookies.is_empty()).then(|| ("cookie", Cow::Owned(cookies.join("; "))));
        Ok(headers.chain(cookie))
    }

    /// Returns the JSON of the event's `requestContext` as the value of a header: in ASCII, and on one line.
    #[must_use]
    pub fn request_context(&self) -> Option<String> {
        let json = self.context?.get();
        if json.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Some(json.to_owned());
        }
        // JSON needs no control characters, and has none in its strings.
        let is_needed = |c: &char| !c.is_ascii_control() || *c == '\u{7f}';
        let json: String = json.chars().filter(is_needed).collect();
        Some(to_ascii(&json))
    }
}

/// Returns `true` for a host with or without a port: RFC 9110, 7.2. An authority could have a user before the host.
fn is_host(name: &str) -> bool {
    !name.contains('@') && name.parse::<Authority>().is_ok()
}

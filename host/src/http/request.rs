//! A request, whichever front door it came through.

use std::borrow::Cow;

use http::uri::Authority;
use serde_json::value::RawValue;

use super::Source;
use super::budget::{self, Exceeded};
use super::json::{Text, object};
use super::percent::{self, Coding, Place};
use super::query::Query;
use super::response::onward;
use super::text::find;
use super::vouched::is_vouched_for;
use crate::bindings::api;
use crate::failure::to_ascii;
use crate::policy::BasePath;

/// A request. What is not in the record is made when it is asked for, of what is kept of the event.
pub struct Request<'e> {
    /// Who sent the event, and gets the answer.
    pub source: Source,
    /// The request as `lambda:function/api` has it.
    pub record: api::Request,
    pub(super) path_coding: Coding,
    pub(super) query: Query<'e>,
    pub(super) context: Option<&'e RawValue>,
}

object! {
    /// What the request context of a REST API says about the path.
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
        let is_encoded = self.path_coding == Coding::Sent;
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
    /// A REST API takes the stage off, but not under a custom domain name whose mapping names no stage
    /// (<https://github.com/localstack/localstack/pull/12296>). `requestContext.path` tells the two apart.
    fn stage_in_path(&self) -> Option<&str> {
        let stage = self.record.stage.as_deref();
        let stage = stage.filter(|stage| *stage != "$default")?;
        if matches!(self.source, Source::RestApi | Source::HttpApiPayload1) {
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

    /// `http` or `https`: what `X-Forwarded-Proto` says, where the front door sets it, and else `https`, which is all that
    /// function URLs and API Gateway have.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        let proto = match self.source {
            // It sets none, so that it is the client's.
            Source::Lattice => None,
            _ => find(&self.record.headers, "x-forwarded-proto"),
        };
        match proto {
            Some(proto) if proto.trim().eq_ignore_ascii_case("http") => "http",
            _ => "https",
        }
    }

    /// The host that the client asked, with its port if it said one: the `Host` header, or else the API's domain name, if it is
    /// one that a URI can have. A load balancer passes on what clients make up.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        let names = [
            find(&self.record.headers, "host"),
            self.record.domain_name.as_deref(),
        ];
        names.into_iter().flatten().find(|name| is_host(name))
    }

    /// The path and the query, percent-encoded: the target of the request. It starts with `/`.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let mut uri = String::with_capacity(self.record.path.len() + 16);
        if !self.record.path.starts_with('/') {
            uri.push('/');
        }
        percent::push(&mut uri, &self.record.path, self.path_coding, Place::Path);
        self.query.push(&mut uri);
        uri
    }

    /// The headers in their order, but for those of one connection only, and then the cookies as one `cookie`, as RFC 6265,
    /// 5.4, wants it. `host` is among them. Neither names nor values are checked.
    ///
    /// # Errors
    ///
    /// Returns an error if they take more memory than the event may.
    pub(super) fn headers(&self) -> Result<impl Iterator<Item = (&str, Cow<'_, str>)>, Exceeded> {
        let headers = &self.record.headers;
        let cookies = self.record.cookies.as_slice();
        budget::check(headers.len() * (size_of::<usize>() + 1))?;
        budget::check(cookies.iter().map(|cookie| cookie.len() + 2).sum())?;
        let onward = onward(headers, is_vouched_for).into_iter();
        let headers = headers.iter().zip(onward);
        let headers = headers
            .filter(|(_, goes_on)| *goes_on)
            .map(|((name, value), _)| (name.as_str(), Cow::Borrowed(value.as_str())));
        let cookie = (!cookies.is_empty()).then(|| ("cookie", Cow::Owned(cookies.join("; "))));
        Ok(headers.chain(cookie))
    }

    /// The JSON of the event's `requestContext`, fit to be the value of a header: in ASCII, and on one line.
    #[must_use]
    pub fn request_context(&self) -> Option<String> {
        let json = self.context?.get();
        if json.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Some(json.to_owned());
        }
        // Within strings JSON has no control characters, and between other things it needs none.
        let is_needed = |c: &char| !c.is_ascii_control() || *c == '\u{7f}';
        let json: String = json.chars().filter(is_needed).collect();
        Some(to_ascii(&json))
    }
}

/// Whether it is a host with or without a port: RFC 9110, 7.2. An authority may have a user before it.
fn is_host(name: &str) -> bool {
    !name.contains('@') && name.parse::<Authority>().is_ok()
}

//! Makes a request of the fields that differ between event sources, and of those that do not.

use std::net::SocketAddr;

use super::body::Body;
use super::budget::{self, Exceeded};
use super::event::{Context, Event};
use super::json::{Fields, Text};
use super::percent::Encoding;
use super::query::Query;
use super::source::EventSource;
use super::text::find;
use super::{EventError, Request};
use crate::bindings::api;

/// The fields of a request that differ between event sources.
pub(super) struct RequestBuilder<'a> {
    pub source: &'static EventSource,
    pub method: Option<Text<'a>>,
    pub path: Option<Text<'a>>,
    pub path_encoding: Encoding,
    pub query: Query<'a>,
    pub headers: Fields<'a>,
    pub route: Option<Text<'a>>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub identity: Option<api::Identity>,
    pub authorizer: Option<api::Authorizer>,
}

impl<'a> RequestBuilder<'a> {
    /// Makes the request, with the other fields of the event.
    ///
    /// # Errors
    ///
    /// Returns an error if the event lacks a method or a path, or if its body is not the base64 that the event says it is.
    pub(super) fn build(
        self,
        event: Event<'a>,
        context: Context<'a>,
    ) -> Result<Request<'a>, EventError> {
        let missing = |what: &str| {
            EventError::Malformed(format!("the event is an HTTP request without a {what}"))
        };
        let method = self.method.filter(|method| !method.is_empty());
        let mut headers = self.headers.pairs()?;
        // Payload 2.0 has the cookies in a list, and may have the header too.
        let cookies = match event.cookies {
            Some(cookies) if !cookies.0.is_empty() => {
                let cookies = cookies.0.into_iter();
                cookies
                    .map(|cookie| budget::own(cookie.0))
                    .collect::<Result<_, _>>()?
            }
            _ => cookies(&headers)?,
        };
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
        let body = Body::new(event.body, event.is_base64_encoded)?;
        body.correct(&mut headers);
        let record = api::Request {
            method: method.ok_or_else(|| missing("method"))?.into(),
            path: self.path.ok_or_else(|| missing("path"))?.into(),
            route: self.route.map(String::from),
            path_parameters: sorted(event.path_parameters)?,
            query_parameters: self.query.parameters()?,
            cookies,
            stage_variables: sorted(event.stage_variables)?,
            source_ip: self.source_ip,
            user_agent: self
                .user_agent
                .or_else(|| find(&headers, "user-agent").map(str::to_owned)),
            account_id: text(context.account_id),
            api_id: text(context.api_id),
            domain_name: text(context.domain_name),
            stage: text(context.stage),
            request_id: text(context.request_id),
            identity: self.identity,
            authorizer: self.authorizer,
            headers,
            body: body.bytes,
        };
        Ok(Request {
            source: self.source,
            record,
            path_encoding: self.path_encoding,
            query: self.query,
            context: event.request_context,
        })
    }
}

/// Returns a text that is not empty.
pub(super) fn text(value: Option<Text<'_>>) -> Option<String> {
    value.filter(|text| !text.is_empty()).map(String::from)
}

/// Returns all values if the event has them, and else the last of each name, as Lambda's test console sends them.
pub(super) fn all<'a>(multiple: Option<Fields<'a>>, single: Option<Fields<'a>>) -> Fields<'a> {
    multiple
        .filter(|fields| !fields.0.is_empty())
        .or(single)
        .unwrap_or_default()
}

/// Returns the last address in `X-Forwarded-For`. The event source has added it to the addresses that the client sent.
pub(super) fn forwarded_for(headers: &Fields<'_>) -> Option<String> {
    let mut names_and_values = headers.0.iter().rev();
    let (_, value) =
        names_and_values.find(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"))?;
    let address = value.rsplit(',').next()?.trim();
    let address = match address.parse::<SocketAddr>() {
        // A load balancer can be configured to add the client's port.
        Ok(with_port) => with_port.ip().to_string(),
        Err(_) => address.to_owned(),
    };
    (!address.is_empty()).then_some(address)
}

/// Returns names and values in the order of the names.
fn sorted(fields: Option<Fields<'_>>) -> Result<Vec<(String, String)>, Exceeded> {
    let mut pairs = fields.unwrap_or_default().pairs()?;
    pairs.sort_unstable();
    Ok(pairs)
}

fn cookies(headers: &[(String, String)]) -> Result<Vec<String>, Exceeded> {
    let mut cookies = Vec::new();
    let headers = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    for cookie in headers.flat_map(|(_, value)| value.split(';')) {
        // Other spaces of Unicode are part of a value.
        let cookie = cookie.trim_matches([' ', '\t']);
        if !cookie.is_empty() {
            budget::check(cookie.len())?;
            budget::push(&mut cookies, cookie.to_owned())?;
        }
    }
    Ok(cookies)
}

//! A request in the making: what each front door says in its own way, and what is the same for all of them.

use std::net::SocketAddr;

use super::body::Body;
use super::budget::{self, Exceeded};
use super::event::{Context, Event};
use super::json::{Fields, Text};
use super::percent::Coding;
use super::query::Query;
use super::text::find;
use super::{EventError, Request, Source};
use crate::bindings::api;

/// What each front door says in its own way.
pub struct Draft<'a> {
    pub source: Source,
    pub method: Option<Text<'a>>,
    pub path: Option<Text<'a>>,
    pub path_coding: Coding,
    pub query: Query<'a>,
    pub headers: Fields<'a>,
    pub route: Option<Text<'a>>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub identity: Option<api::Identity>,
    pub authorizer: Option<api::Authorizer>,
}

impl<'a> Draft<'a> {
    /// The request, with what is left in the event.
    ///
    /// # Errors
    ///
    /// If the event lacks a method or a path, or its body is no base64 where it says so.
    pub fn finish(self, event: Event<'a>, context: Context<'a>) -> Result<Request<'a>, EventError> {
        let missing = |what: &str| {
            EventError::Malformed(format!("the event is an HTTP request without a {what}"))
        };
        let method = self.method.filter(|method| !method.is_empty());
        let mut headers = self.headers.pairs()?;
        // Payload 2.0 has the cookies in a list, and may have the header besides.
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
            path_coding: self.path_coding,
            query: self.query,
            context: event.request_context,
        })
    }
}

/// A text that says something.
pub fn text(value: Option<Text<'_>>) -> Option<String> {
    value.filter(|text| !text.is_empty()).map(String::from)
}

/// All values, where the event has them; Lambda's test console and other senders have only the last of each.
pub fn all<'a>(multiple: Option<Fields<'a>>, single: Option<Fields<'a>>) -> Fields<'a> {
    multiple
        .filter(|fields| !fields.0.is_empty())
        .or(single)
        .unwrap_or_default()
}

/// The last address in `X-Forwarded-For`: the front door put it there itself, behind whatever the client had sent.
pub fn forwarded_for(headers: &Fields<'_>) -> Option<String> {
    let mut names_and_values = headers.0.iter().rev();
    let (_, value) =
        names_and_values.find(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"))?;
    let address = value.rsplit(',').next()?.trim();
    let address = match address.parse::<SocketAddr>() {
        // A load balancer adds the client's port, if it is told to.
        Ok(with_port) => with_port.ip().to_string(),
        Err(_) => address.to_owned(),
    };
    (!address.is_empty()).then_some(address)
}

/// In the order of the names.
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
        // What else Unicode has for spaces is part of a value.
        let cookie = cookie.trim_matches([' ', '\t']);
        if !cookie.is_empty() {
            budget::check(cookie.len())?;
            budget::push(&mut cookies, cookie.to_owned())?;
        }
    }
    Ok(cookies)
}

//! An HTTP request as an event in payload format 2.0, of an HTTP API or a function URL:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
//! and <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{header, request::Parts};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::arrival::{Arrival, query, text};
use super::routing::{Match, decode};
use crate::account::ACCOUNT;

/// The differences between the event sources of this format.
pub(super) struct Sender {
    account_id: &'static str,
    api_id: &'static str,
    /// Its domain name, if it is not this machine's.
    domain_name: Option<&'static str>,
    route_key: String,
    raw_path: String,
    path_parameters: BTreeMap<String, String>,
    stage: String,
    stage_variables: BTreeMap<String, String>,
    /// Whether cookies are also in the headers.
    cookie_header: bool,
}

impl Sender {
    /// Creates the event source of an HTTP API whose request took a route, with its decoded path.
    pub fn http_api(found: &Match<'_>, path: String) -> Self {
        Self {
            account_id: ACCOUNT,
            api_id: "local00000",
            domain_name: None,
            route_key: found.route.key(),
            raw_path: path,
            path_parameters: found.parameters.clone(),
            stage: found.route.settings.stage.clone(),
            stage_variables: found.route.settings.variables.clone(),
            cookie_header: false,
        }
    }

    /// Creates the event source of a function URL without authentication.
    pub fn function_url(path: &str) -> Self {
        Self {
            account_id: "anonymous",
            api_id: "local00000url",
            // A runtime distinguishes a function URL, which can stream, from an HTTP API by this.
            domain_name: Some("local00000url.lambda-url.us-east-1.on.aws"),
            route_key: "$default".to_owned(),
            raw_path: path.to_owned(),
            path_parameters: BTreeMap::new(),
            stage: "$default".to_owned(),
            stage_variables: BTreeMap::new(),
            cookie_header: true,
        }
    }
}

/// Returns the event of a request. A missing part has no field.
pub(super) fn event(sender: &Sender, parts: &Parts, body: &Bytes, arrival: &Arrival) -> Value {
    let mut headers = joined(arrival.headers(&parts.headers), ",");
    if !sender.cookie_header {
        headers.remove("cookie");
    }
    let raw_query = parts.uri.query().unwrap_or_default();
    let content_type = text(&parts.headers, header::CONTENT_TYPE);
    let (body, is_base64) = encode(content_type, body);
    let mut event = json!({
        "version": "2.0",
        "routeKey": sender.route_key,
        "rawPath": sender.raw_path,
        "rawQueryString": raw_query,
        "cookies": cookies(parts),
        "headers": headers,
        "queryStringParameters": joined(query(raw_query), ","),
        "requestContext": request_context(sender, parts, arrival),
        "pathParameters": sender.path_parameters,
        "stageVariables": sender.stage_variables,
        "body": body,
        "isBase64Encoded": is_base64,
    });
    if let Some(event) = event.as_object_mut() {
        event.retain(|_, value| match value {
            Value::Array(values) => !values.is_empty(),
            Value::Object(values) => !values.is_empty(),
            value => !value.is_null(),
        });
    }
    event
}

fn request_context(sender: &Sender, parts: &Parts, arrival: &Arrival) -> Value {
    let header = |name| text(&parts.headers, name);
    json!({
        "accountId": sender.account_id,
        "apiId": sender.api_id,
        "domainName": sender.domain_name.or(header(header::HOST)).unwrap_or("localhost"),
        "domainPrefix": sender.api_id,
        "http": {
            "method": parts.method.as_str(),
            // Decoded, although `rawPath` may not be.
            "path": decode(&sender.raw_path),
            "protocol": format!("{:?}", parts.version),
            "sourceIp": arrival.source_ip.to_string(),
            "userAgent": header(header::USER_AGENT).unwrap_or_default(),
        },
        "requestId": arrival.request_id,
        "routeKey": sender.route_key,
        "stage": sender.stage,
        "time": arrival.clock(),
        "timeEpoch": arrival.epoch_ms(),
    })
}

/// Returns the cookies of all `Cookie` headers.
fn cookies(parts: &Parts) -> Vec<String> {
    let headers = parts.headers.get_all(header::COOKIE).iter();
    let headers = headers.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let split = |cookies: String| -> Vec<_> {
        let cookies = cookies.split(';').map(|cookie| cookie.trim().to_owned());
        cookies.filter(|cookie| !cookie.is_empty()).collect()
    };
    headers.flat_map(split).collect()
}

/// Joins repeated values.
fn joined(map: BTreeMap<String, Vec<String>>, by: &str) -> BTreeMap<String, String> {
    let join = |(name, values): (String, Vec<String>)| (name, values.join(by));
    map.into_iter().map(join).collect()
}

/// Returns the body as text if it has a text type, and otherwise in base64; null if it is empty.
pub(super) fn encode(content_type: Option<&str>, body: &Bytes) -> (Value, bool) {
    let content_type = content_type.unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    // AWS's pages do not list them. Tests against AWS found these types, and no form type.
    let is_text = essence.starts_with("text/")
        || matches!(
            essence.strip_prefix("application/"),
            Some("json" | "xml" | "javascript")
        );
    match std::str::from_utf8(body) {
        Ok("") => (Value::Null, false),
        Ok(text) if is_text => (text.into(), false),
        _ => (STANDARD.encode(body).into(), true),
    }
}

/// Returns the path like an HTTP API: decoded, cut at a question mark in the result, and decoded again.
/// Returns `None` if it cannot be decoded, which is answered with 400. AWS's pages do not describe
/// this; the service was seen to do it.
pub(super) fn http_api_path(path: &str) -> Option<String> {
    let once = decode_all(path)?;
    decode_all(once.split('?').next()?)
}

fn decode_all(path: &str) -> Option<String> {
    let mut parts = path.split('%').skip(1);
    let is_escape = |part: &str| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let decoded = percent_decode_str(path).decode_utf8();
    parts.all(is_escape).then(|| decoded.ok())?.map(Into::into)
}

#[cfg(test)]
mod tests;

//! An HTTP request as the event of a REST API's Lambda proxy integration (payload version 1.0):
//! "Input format of a Lambda function for proxy integration" in the API Gateway guide.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::ACCOUNT;
use super::routing::Match;

/// The stage and the API that every request here is for.
const STAGE: &str = "Prod";
const API_ID: &str = "local00000";

/// What the gateway knows of a request besides the request itself.
pub(super) struct Arrival<'a> {
    pub source_ip: IpAddr,
    pub time: OffsetDateTime,
    pub request_id: &'a str,
    pub trace_id: &'a str,
}

/// The whole event.
pub(super) fn event(
    parts: &Parts,
    body: &Bytes,
    found: &Match<'_>,
    arrival: &Arrival<'_>,
) -> Value {
    let headers = headers(parts, arrival);
    let query = query(parts.uri.query().unwrap_or_default());
    let (body, is_base64) = encode(body);
    json!({
        "resource": found.route.path,
        "path": parts.uri.path(),
        "httpMethod": parts.method.as_str(),
        "headers": last_of_each(&headers),
        "multiValueHeaders": headers,
        "queryStringParameters": or_null(last_of_each(&query)),
        "multiValueQueryStringParameters": or_null(query),
        "pathParameters": or_null(found.parameters.clone()),
        "stageVariables": null,
        "requestContext": request_context(parts, found, arrival),
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

fn request_context(parts: &Parts, found: &Match<'_>, arrival: &Arrival<'_>) -> Value {
    let clock =
        format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    let host = parts.headers.get(header::HOST);
    json!({
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "deploymentId": "local0",
        "domainName": host.and_then(|host| host.to_str().ok()).unwrap_or("localhost"),
        "domainPrefix": API_ID,
        "extendedRequestId": STANDARD.encode(&arrival.request_id.as_bytes()[..11]),
        "httpMethod": parts.method.as_str(),
        "identity": {
            "accessKey": null,
            "accountId": null,
            "caller": null,
            "cognitoAuthenticationProvider": null,
            "cognitoAuthenticationType": null,
            "cognitoIdentityId": null,
            "cognitoIdentityPoolId": null,
            "principalOrgId": null,
            "sourceIp": arrival.source_ip.to_string(),
            "user": null,
            "userAgent": text(parts.headers.get(header::USER_AGENT)),
            "userArn": null,
        },
        "path": format!("/{STAGE}{}", parts.uri.path()),
        "protocol": format!("{:?}", parts.version),
        "requestId": arrival.request_id,
        "requestTime": arrival.time.format(clock).unwrap_or_default(),
        "requestTimeEpoch": (arrival.time.unix_timestamp_nanos() / 1_000_000) as i64,
        "resourceId": "local0",
        "resourcePath": found.route.path,
        "stage": STAGE,
    })
}

/// All headers with all their values, and those that the gateway adds. hyper gives the names in
/// small letters; they get the capitals that HTTP/1.1 clients write.
fn headers(parts: &Parts, arrival: &Arrival<'_>) -> BTreeMap<String, Vec<String>> {
    let mut headers = multi_map(&parts.headers);
    let forwarded = headers.entry("X-Forwarded-For".to_owned()).or_default();
    let mut chain = std::mem::take(forwarded);
    chain.push(arrival.source_ip.to_string());
    forwarded.push(chain.join(", "));
    let port = headers.get("Host").and_then(|host| {
        let (_, port) = host.first()?.rsplit_once(':')?;
        Some(port.to_owned())
    });
    let mut add = |name: &str, value: String| headers.insert(name.to_owned(), vec![value]);
    add("X-Forwarded-Port", port.unwrap_or_else(|| "80".to_owned()));
    add("X-Forwarded-Proto", "http".to_owned());
    add("X-Amzn-Trace-Id", arrival.trace_id.to_owned());
    headers
}

fn multi_map(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut map: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in headers {
        let values = map.entry(capitals(name.as_str())).or_default();
        values.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    map
}

fn capitals(name: &str) -> String {
    let mut start = true;
    let each = name.chars().map(|c| {
        let c = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        c
    });
    each.collect()
}

fn query(query: &str) -> BTreeMap<String, Vec<String>> {
    let mut map: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        map.entry(name.into_owned())
            .or_default()
            .push(value.into_owned());
    }
    map
}

/// The single-valued form of a map: API Gateway keeps the last value.
fn last_of_each(map: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    let last =
        |(name, values): (&String, &Vec<String>)| Some((name.clone(), values.last()?.clone()));
    map.iter().filter_map(last).collect()
}

/// A map, or the null that API Gateway sends for an empty one.
fn or_null<V: serde::Serialize>(map: BTreeMap<String, V>) -> Value {
    match map.is_empty() {
        true => Value::Null,
        false => json!(map),
    }
}

/// The body as text, or in base64 if it is no text; null if there is none.
fn encode(body: &Bytes) -> (Value, bool) {
    match std::str::from_utf8(body) {
        Ok("") => (Value::Null, false),
        Ok(text) => (Value::from(text), false),
        Err(_) => (Value::from(STANDARD.encode(body)), true),
    }
}

fn text(value: Option<&axum::http::HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests;

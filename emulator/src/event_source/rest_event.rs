//! An HTTP request as the event of a REST API's Lambda proxy integration (payload version 1.0):
//! "Input format of a Lambda function for proxy integration" in the API Gateway guide.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::header;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::arrival::{Arrival, query, text};
use super::routing::{Match, Prefix};
use super::{binary, v2_event};
use crate::account::ACCOUNT;

/// The API of all requests here.
pub(super) const API_ID: &str = "local00000";

/// Returns the event of a request.
pub(super) fn event(
    parts: &Parts,
    body: &Bytes,
    found: &Match<'_>,
    arrival: &Arrival,
    binary_types: &[String],
) -> Value {
    let headers = arrival.headers(&parts.headers).into_iter();
    let headers = headers.map(|(name, values)| (capitals(&name), values));
    let headers: BTreeMap<_, _> = headers.collect();
    let query = query(parts.uri.query().unwrap_or_default());
    let content_type = text(&parts.headers, header::CONTENT_TYPE);
    let (body, is_base64) = encode(body, binary::is_binary(binary_types, content_type));
    json!({
        "resource": found.route.path,
        "path": match found.prefix {
            Prefix::Stage(_) => found.prefix.strip(parts.uri.path()),
            Prefix::None | Prefix::BasePath(_) => parts.uri.path(),
        },
        "httpMethod": parts.method.as_str(),
        "headers": last_of_each(&headers),
        "multiValueHeaders": headers,
        "queryStringParameters": or_null(last_of_each(&query)),
        "multiValueQueryStringParameters": or_null(query),
        "pathParameters": or_null(found.parameters.clone()),
        "stageVariables": or_null(found.route.settings.variables.clone()),
        "requestContext": request_context(parts, found, arrival),
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// Returns the event of a request to an HTTP API whose route asks for payload format 1.0: "Payload format version" in
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
pub(super) fn http_api_event(
    parts: &Parts,
    body: &Bytes,
    found: &Match<'_>,
    path: &str,
    arrival: &Arrival,
) -> Value {
    let mut event = event(parts, body, found, arrival, &[]);
    let content_type = text(&parts.headers, header::CONTENT_TYPE);
    let (body, is_base64) = v2_event::encode(content_type, body);
    event["version"] = json!("1.0");
    event["path"] = json!(path);
    event["body"] = body;
    event["isBase64Encoded"] = json!(is_base64);
    let context = &mut event["requestContext"];
    context["resourceId"] = Value::Null;
    context["path"] = match (&*found.route.settings.stage, found.prefix) {
        ("$default", _) | (_, Prefix::Stage(_) | Prefix::BasePath(_)) => json!(path),
        (stage, Prefix::None) => json!(format!("/{stage}{path}")),
    };
    if let Some(context) = context.as_object_mut() {
        context.remove("deploymentId");
    }
    event
}

fn request_context(parts: &Parts, found: &Match<'_>, arrival: &Arrival) -> Value {
    let header = |name| text(&parts.headers, name);
    let stage = &found.route.settings.stage;
    let path = match found.prefix {
        Prefix::None => format!("/{stage}{}", parts.uri.path()),
        Prefix::Stage(_) | Prefix::BasePath(_) => parts.uri.path().to_owned(),
    };
    json!({
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "deploymentId": "local0",
        "domainName": header(header::HOST).unwrap_or("localhost"),
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
            "userAgent": header(header::USER_AGENT),
            "userArn": null,
        },
        "path": path,
        "protocol": format!("{:?}", parts.version),
        "requestId": arrival.request_id,
        "requestTime": arrival.clock(),
        "requestTimeEpoch": arrival.epoch_ms(),
        "resourceId": "local0",
        "resourcePath": found.route.path,
        "stage": stage,
    })
}

/// Returns the name of a header with the capitals that HTTP/1.1 clients write. hyper has names in lower
/// case.
fn capitals(name: &str) -> String {
    let mut start = true;
    let each = name.chars().map(|c| {
        let c = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        c
    });
    each.collect()
}

/// Returns the single-valued form of a map: API Gateway and load balancers keep the last value.
pub(super) fn last_of_each(map: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    let last =
        |(name, values): (&String, &Vec<String>)| Some((name.clone(), values.last()?.clone()));
    map.iter().filter_map(last).collect()
}

/// Returns a map, or the null that API Gateway sends for an empty map.
fn or_null<V: serde::Serialize>(map: BTreeMap<String, V>) -> Value {
    match map.is_empty() {
        true => Value::Null,
        false => json!(map),
    }
}

/// Returns the body in base64 if it has a binary media type, and otherwise as text; null if it is empty.
fn encode(body: &Bytes, is_binary: bool) -> (Value, bool) {
    match body.is_empty() {
        true => (Value::Null, false),
        false if is_binary => (Value::from(STANDARD.encode(body)), true),
        // Like AWS, this replaces bytes that are not UTF-8.
        false => (Value::from(String::from_utf8_lossy(body)), false),
    }
}

#[cfg(test)]
mod tests;

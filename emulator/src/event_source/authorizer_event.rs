//! The events of Lambda authorizers: "Input to an API Gateway Lambda authorizer" in
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>, and "Payload format
//! version" in <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>.

use axum::body::Bytes;
use axum::http::request::Parts;
use serde_json::{Value, json};

use super::arrival::{Arrival, query};
use super::routing::Match;
use super::v2_event::{self, Sender};
use super::{http_api, rest_event};
use crate::Api;
use crate::account::ACCOUNT;
use crate::template::{AuthorizerEvent, IdentitySource, LambdaAuthorizer, partition};

/// Returns the ARN by which policies name a request.
pub(super) fn arn(found: &Match<'_>, parts: &Parts) -> String {
    let region = &found.function.region;
    let path = found.prefix.strip(parts.uri.path());
    format!(
        "arn:{}:execute-api:{region}:{ACCOUNT}:{}/{}/{}{path}",
        partition(region),
        rest_event::API_ID,
        found.route.settings.stage,
        parts.method,
    )
}

/// Returns the event of an authorizer, without the values of its sources. Returns `None` if the path cannot be decoded.
pub(super) fn event(
    authorizer: &LambdaAuthorizer,
    arrival: &Arrival,
    found: &Match<'_>,
    parts: &Parts,
    arn: &str,
) -> Option<Value> {
    let body = Bytes::new();
    let mut event = match (&authorizer.event, found.route.api) {
        (AuthorizerEvent::Request2, _) => {
            let sender = Sender::http_api(found, http_api::path(found, parts, false)?);
            v2_event::event(&sender, parts, &body, arrival)
        }
        (_, Api::Http) => {
            let path = http_api::path(found, parts, true)?;
            rest_event::http_api_event(parts, &body, found, &path, arrival)
        }
        (_, Api::Rest) => rest_event::event(parts, &body, found, arrival, &[]),
    };
    if let Some(event) = event.as_object_mut() {
        event.remove("body");
        event.remove("isBase64Encoded");
    }
    event["type"] = json!("REQUEST");
    let name = match authorizer.event {
        AuthorizerEvent::Request2 => "routeArn",
        _ => "methodArn",
    };
    event[name] = json!(arn);
    Some(event)
}

/// Returns the values of an authorizer's sources in a request, as far as they are there.
pub(super) fn identity(
    authorizer: &LambdaAuthorizer,
    found: &Match<'_>,
    parts: &Parts,
    event: &Value,
) -> Vec<Option<String>> {
    let queries = query(parts.uri.query().unwrap_or_default());
    let variables = &found.route.settings.variables;
    let values = authorizer.sources.iter().map(|source| match source {
        IdentitySource::Header(name) => {
            let values = parts.headers.get_all(name.as_str()).iter();
            let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
            Some(values.join(","))
        }
        IdentitySource::Query(name) => Some(queries.get(name)?.join(",")),
        IdentitySource::StageVariable(name) => variables.get(name).cloned(),
        IdentitySource::Context(name) => {
            let mut parts = name.split('.');
            let value = parts.try_fold(&event["requestContext"], |value, part| value.get(part));
            match value? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        }
    });
    values
        .map(|value| value.filter(|value| !value.is_empty()))
        .collect()
}

/// Returns whether a token matches the authorizer's regular expression, if there is one.
pub(super) fn is_valid(authorizer: &LambdaAuthorizer, values: &[String]) -> bool {
    match (&authorizer.event, values) {
        (AuthorizerEvent::Token(Some(pattern)), [token]) => pattern.takes(token),
        _ => true,
    }
}

/// Adds the values of an authorizer's sources to its event, which for a token has little else.
pub(super) fn add_values(
    authorizer: &LambdaAuthorizer,
    event: &mut Value,
    values: &[String],
    api: Api,
) {
    match (&authorizer.event, api) {
        (AuthorizerEvent::Token(_), _) => {
            *event = json!({
                "type": "TOKEN",
                "methodArn": event["methodArn"],
                "authorizationToken": values.join(","),
            });
        }
        (AuthorizerEvent::Request2, _) => event["identitySource"] = json!(values),
        (AuthorizerEvent::Request1, Api::Http) => {
            event["identitySource"] = json!(values.join(","));
            event["authorizationToken"] = json!(values.join(","));
        }
        (AuthorizerEvent::Request1, Api::Rest) => {}
    }
}

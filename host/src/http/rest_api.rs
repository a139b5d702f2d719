//! API Gateway REST APIs: the proxy integration's event, payload 1.0, and its answer.
//!
//! Both are described in
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>.

mod event;

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use self::event::{ClientCert, Event, Identity, Pairs, RequestContext};
use crate::bindings::api;
use crate::failure::Failure;
use crate::http::response;

/// The request in an event.
///
/// # Errors
///
/// If the event is not JSON, or not one of a REST API.
pub fn request(event: &[u8]) -> Result<api::Request, Failure> {
    let event: Event<'_> = serde_json::from_slice(event).map_err(|error| {
        invalid(if error.is_data() {
            format!(
                "this function takes requests of an API Gateway REST API (payload format 1.0), and the event is none: {error}"
            )
        } else {
            format!("the event is not JSON: {error}")
        })
    })?;
    let body = body(event.body.as_deref(), event.is_base64_encoded)?;
    let mut headers = pairs(event.multi_value_headers, event.headers);
    let cookies = cookies(&headers);
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
    let context = event.request_context.unwrap_or_default();
    let source_ip = context
        .identity
        .as_ref()
        .and_then(|identity| text(&identity.source_ip));
    let user_agent = context
        .identity
        .as_ref()
        .and_then(|identity| text(&identity.user_agent))
        .or_else(|| {
            headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("user-agent"))
                .map(|(_, value)| value.clone())
        });
    Ok(api::Request {
        method: event.http_method.into_owned(),
        path: event.path.into_owned(),
        route: event.resource.map(Cow::into_owned),
        path_parameters: event.path_parameters.map(Pairs::sorted).unwrap_or_default(),
        query_parameters: pairs(
            event.multi_value_query_string_parameters,
            event.query_string_parameters,
        ),
        headers,
        cookies,
        stage_variables: event.stage_variables.map(Pairs::sorted).unwrap_or_default(),
        source_ip,
        user_agent,
        account_id: text(&context.account_id),
        api_id: text(&context.api_id),
        domain_name: text(&context.domain_name),
        stage: text(&context.stage),
        request_id: text(&context.request_id),
        authorizer: authorizer(&context)?,
        identity: context.identity.and_then(identity),
        body,
    })
}

/// The answer that a response becomes.
///
/// A header with one value is in `headers`, one with several in `multiValueHeaders`: API Gateway merges them.
///
/// # Errors
///
/// If the response is none that HTTP can carry.
pub fn response(response: api::Response) -> Result<Vec<u8>, Failure> {
    response::check(&response)?;
    let cookies = response
        .cookies
        .into_iter()
        .map(|cookie| ("Set-Cookie".to_owned(), cookie));
    // By their names in lower case: the function may send so many headers that looking through them all would take long.
    let mut grouped: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for (name, value) in response.headers.into_iter().chain(cookies) {
        let (_, values) = grouped
            .entry(name.to_ascii_lowercase())
            .or_insert_with(|| (name, Vec::new()));
        values.push(value);
    }
    let (mut headers, mut multi_value_headers) = (Map::new(), Map::new());
    for (name, mut values) in grouped.into_values() {
        match values.len() {
            1 => headers.insert(name, values.remove(0).into()),
            _ => multi_value_headers.insert(name, values.into()),
        };
    }
    let (body, is_base64_encoded) = response::body(response.body);
    let mut answer = json!({
        "statusCode": response.status_code,
        "headers": headers,
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    });
    if !multi_value_headers.is_empty() {
        answer["multiValueHeaders"] = multi_value_headers.into();
    }
    Ok(answer.to_string().into_bytes())
}

fn invalid(message: String) -> Failure {
    Failure::new("Runtime.InvalidEvent", message)
}

fn text(value: &Option<Cow<'_, str>>) -> Option<String> {
    value
        .as_deref()
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
}

fn body(body: Option<&str>, is_base64: Option<bool>) -> Result<Vec<u8>, Failure> {
    let body = body.unwrap_or_default();
    if is_base64 == Some(true) {
        STANDARD.decode(body).map_err(|error| {
            invalid(format!(
                "the event's body is no base64, which it says it is: {error}"
            ))
        })
    } else {
        Ok(body.as_bytes().to_vec())
    }
}

/// All values, where the event has them; Lambda's test console and other senders have only the last of each.
fn pairs(
    multiple: Option<Pairs<Vec<Cow<'_, str>>>>,
    single: Option<Pairs<Cow<'_, str>>>,
) -> Vec<(String, String)> {
    match multiple.map(Pairs::flatten) {
        Some(pairs) if !pairs.is_empty() => pairs,
        _ => single.map(Pairs::single).unwrap_or_default(),
    }
}

fn cookies(headers: &[(String, String)]) -> Vec<String> {
    headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"))
        .flat_map(|(_, value)| value.split(';'))
        .map(str::trim)
        .filter(|cookie| !cookie.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Who asks, if API Gateway knows more than an address.
fn identity(identity: Identity<'_>) -> Option<api::Identity> {
    let known = api::Identity {
        account_id: text(&identity.account_id),
        access_key: text(&identity.access_key),
        caller: text(&identity.caller),
        user: text(&identity.user),
        user_arn: text(&identity.user_arn),
        principal_org_id: text(&identity.principal_org_id),
        api_key: text(&identity.api_key),
        api_key_id: text(&identity.api_key_id),
        cognito_identity_id: text(&identity.cognito_identity_id),
        cognito_identity_pool_id: text(&identity.cognito_identity_pool_id),
        cognito_authentication_type: text(&identity.cognito_authentication_type),
        cognito_authentication_provider: text(&identity.cognito_authentication_provider),
        source_vpc: text(&identity.vpc_id),
        client_certificate: identity.client_cert.map(certificate),
    };
    let facts = [
        &known.account_id,
        &known.access_key,
        &known.caller,
        &known.user,
        &known.user_arn,
        &known.principal_org_id,
        &known.api_key,
        &known.api_key_id,
        &known.cognito_identity_id,
        &known.cognito_identity_pool_id,
        &known.cognito_authentication_type,
        &known.cognito_authentication_provider,
        &known.source_vpc,
    ];
    let is_known = facts.iter().any(|fact| fact.is_some()) || known.client_certificate.is_some();
    is_known.then_some(known)
}

fn certificate(certificate: ClientCert<'_>) -> api::Certificate {
    let validity = certificate.validity.unwrap_or_default();
    api::Certificate {
        pem: text(&certificate.client_cert_pem),
        subject: text(&certificate.subject_dn),
        issuer: text(&certificate.issuer_dn),
        serial_number: text(&certificate.serial_number),
        not_before: text(&validity.not_before),
        not_after: text(&validity.not_after),
    }
}

/// A Lambda authorizer's `principalId` and context, or a Cognito authorizer's claims.
fn authorizer(context: &RequestContext<'_>) -> Result<Option<api::Authorizer>, Failure> {
    let Some(raw) = context.authorizer else {
        return Ok(None);
    };
    let values: Option<Map<String, Value>> = serde_json::from_str(raw.get())
        .map_err(|_| invalid("the event's requestContext.authorizer is no object".to_owned()))?;
    let Some(mut values) = values else {
        return Ok(None);
    };
    // A Lambda authorizer may use these names for values of its own, which are context.
    let claims = match values.remove("claims") {
        Some(Value::Object(claims)) => value_pairs(claims),
        other => {
            put_back(&mut values, "claims", other);
            Vec::new()
        }
    };
    let scopes = match values.remove("scopes") {
        Some(Value::Array(scopes)) => scopes.into_iter().map(value_text).collect(),
        other => {
            put_back(&mut values, "scopes", other);
            Vec::new()
        }
    };
    let principal_id = values.remove("principalId").filter(|id| !id.is_null());
    Ok(Some(api::Authorizer {
        principal_id: principal_id.map(value_text),
        claims,
        scopes,
        context: value_pairs(values),
    }))
}

fn put_back(values: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        values.insert(name.to_owned(), value);
    }
}

fn value_pairs(values: Map<String, Value>) -> Vec<(String, String)> {
    values
        .into_iter()
        .map(|(name, value)| (name, value_text(value)))
        .collect()
}

fn value_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;

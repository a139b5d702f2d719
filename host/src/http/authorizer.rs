//! What an API's authorizer found.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::EventError;
use super::event::Authorizers;
use crate::bindings::api;

/// From a REST API: a Lambda authorizer's `principalId` and context, or a Cognito authorizer's claims; and a JWT authorizer's,
/// from an HTTP API with payload 1.0.
pub fn of_rest(raw: Option<&RawValue>) -> Result<Option<api::Authorizer>, EventError> {
    let Some(mut values) = object("requestContext.authorizer", raw)? else {
        return Ok(None);
    };
    let (claims, scopes) = (claims(&mut values), scopes(&mut values));
    let principal_id = values.remove("principalId").filter(|id| !id.is_null());
    Ok(Some(api::Authorizer {
        principal_id: principal_id.map(text),
        claims,
        scopes,
        context: pairs(values),
    }))
}

/// From payload 2.0: a JWT authorizer's claims and scopes, or a Lambda authorizer's context.
pub fn of_payload_2(found: &Authorizers<'_>) -> Result<Option<api::Authorizer>, EventError> {
    let jwt = object("requestContext.authorizer.jwt", found.jwt)?;
    let lambda = object("requestContext.authorizer.lambda", found.lambda)?;
    if jwt.is_none() && lambda.is_none() {
        return Ok(None);
    }
    let mut jwt = jwt.unwrap_or_default();
    Ok(Some(api::Authorizer {
        principal_id: None,
        claims: claims(&mut jwt),
        scopes: scopes(&mut jwt),
        context: pairs(lambda.unwrap_or_default()),
    }))
}

fn object(name: &str, raw: Option<&RawValue>) -> Result<Option<Map<String, Value>>, EventError> {
    raw.map_or(Ok(None), |raw| {
        serde_json::from_str(raw.get())
            .map_err(|_| EventError::Malformed(format!("the event's {name} is no object")))
    })
}

fn claims(values: &mut Map<String, Value>) -> Vec<(String, String)> {
    match values.remove("claims") {
        Some(Value::Object(claims)) => pairs(claims),
        other => {
            put_back(values, "claims", other);
            Vec::new()
        }
    }
}

fn scopes(values: &mut Map<String, Value>) -> Vec<String> {
    match values.remove("scopes") {
        Some(Value::Array(scopes)) => scopes.into_iter().map(text).collect(),
        other => {
            put_back(values, "scopes", other);
            Vec::new()
        }
    }
}

/// A Lambda authorizer may use these names for values of its own, which are context.
fn put_back(values: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        values.insert(name.to_owned(), value);
    }
}

fn pairs(values: Map<String, Value>) -> Vec<(String, String)> {
    values
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect()
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

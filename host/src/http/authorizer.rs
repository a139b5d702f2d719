//! The result of an API's authorizer.

use serde_json::value::RawValue;

use super::EventError;
use super::budget;
use super::event::Authorizers;
use super::json::{Items, Members};
use crate::bindings::api;

/// Reads a REST API's: a Lambda authorizer's `principalId` and context, or a Cognito authorizer's claims; and a JWT authorizer's,
/// from an HTTP API with payload 1.0.
pub(super) fn from_rest_api(raw: Option<&RawValue>) -> Result<Option<api::Authorizer>, EventError> {
    let Some(mut values) = object("requestContext.authorizer", raw)? else {
        return Ok(None);
    };
    let (claims, scopes) = (claims(&mut values)?, scopes(&mut values)?);
    let principal_id = take(&mut values, "principalId", |_| true);
    Ok(Some(api::Authorizer {
        principal_id: principal_id.map(text).transpose()?,
        claims,
        scopes,
        context: pairs(values)?,
    }))
}

/// Reads payload 2.0's: a JWT authorizer's claims and scopes, or a Lambda authorizer's context.
pub(super) fn from_payload_2(
    found: &Authorizers<'_>,
) -> Result<Option<api::Authorizer>, EventError> {
    let jwt = object("requestContext.authorizer.jwt", found.jwt)?;
    let lambda = object("requestContext.authorizer.lambda", found.lambda)?;
    if jwt.is_none() && lambda.is_none() {
        return Ok(None);
    }
    let mut jwt = jwt.unwrap_or_default();
    Ok(Some(api::Authorizer {
        principal_id: None,
        claims: claims(&mut jwt)?,
        scopes: scopes(&mut jwt)?,
        context: pairs(lambda.unwrap_or_default())?,
    }))
}

fn object<'a>(name: &str, raw: Option<&'a RawValue>) -> Result<Option<Members<'a>>, EventError> {
    raw.map(|raw| part(name, raw)).transpose()
}

/// Reads a part of the event.
fn part<'a, T: serde::Deserialize<'a>>(name: &str, raw: &'a RawValue) -> Result<T, EventError> {
    serde_json::from_str(raw.get())
        .map_err(|error| EventError::shape(&format!("its {name}"), &error))
}

/// Takes a member that has a shape. A Lambda authorizer may use its name for a value of another, which is context.
fn take<'a>(
    values: &mut Members<'a>,
    wanted: &str,
    has_shape: impl Fn(&str) -> bool,
) -> Option<&'a RawValue> {
    let mut members = values.0.iter();
    let (_, last) = members.rfind(|(name, _)| &**name == wanted)?;
    let (last, is_null) = (*last, last.get() == "null");
    if !is_null && !has_shape(last.get()) {
        return None;
    }
    values.0.retain(|(name, _)| &**name != wanted);
    (!is_null).then_some(last)
}

fn claims(values: &mut Members<'_>) -> Result<Vec<(String, String)>, EventError> {
    let claims = take(values, "claims", |json| json.starts_with('{'));
    let claims = claims.map(|claims| part("authorizer's claims", claims));
    pairs(claims.transpose()?.unwrap_or_default())
}

fn scopes(values: &mut Members<'_>) -> Result<Vec<String>, EventError> {
    let Some(scopes) = take(values, "scopes", |json| json.starts_with('[')) else {
        return Ok(Vec::new());
    };
    let Items(scopes) = part("authorizer's scopes", scopes)?;
    scopes.into_iter().map(text).collect()
}

/// Names and values in the order of the names. Of those with one name, the last counts.
fn pairs(Members(mut members): Members<'_>) -> Result<Vec<(String, String)>, EventError> {
    // By their places in the event too, so that the sort needs no memory.
    members.sort_unstable_by(|(a, at_a), (b, at_b)| {
        let names = str::cmp(a, b);
        names.then(at_b.get().as_ptr().cmp(&at_a.get().as_ptr()))
    });
    members.dedup_by(|(later, _), (first, _)| **later == **first);
    let mut all = Vec::new();
    for (name, value) in members {
        budget::push(&mut all, (budget::own(name.0)?, text(value)?))?;
    }
    Ok(all)
}

/// A string's text, or the JSON of another value, without spaces between its parts.
fn text(raw: &RawValue) -> Result<String, EventError> {
    let json = raw.get();
    budget::check(json.len())?;
    if json.starts_with('"') {
        return part("authorizer", raw);
    }
    let (mut is_string, mut is_escaped) = (false, false);
    let is_part = |c: &char| {
        match c {
            '"' if !is_escaped => is_string = !is_string,
            ' ' | '\t' | '\n' | '\r' => return is_string,
            _ => {}
        }
        is_escaped = *c == '\\' && !is_escaped;
        true
    };
    let mut text = String::with_capacity(json.len());
    text.extend(json.chars().filter(is_part));
    Ok(text)
}

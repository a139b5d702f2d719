//! JWT authorizers of HTTP APIs:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>.

use std::str::FromStr;

use axum::http::StatusCode;
use axum::http::request::Parts;
use serde_json::{Map, Value, json};

use super::arrival::{Arrival, query};
use super::authorizer::Refusal;
use super::gateway::Gateway;
use super::issuer::Keys;
use super::refusal::unauthorized;
use super::routing::Match;
use super::token::{Token, problem, scopes};
use super::{Functions, message, set};
use crate::Api;
use crate::template::{IdentitySource, JwtAuthorizer};

/// The claims of requests without a token that can be checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Map<String, Value>);

/// Parses a JSON object.
impl FromStr for Claims {
    type Err = serde_json::Error;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(json).map(Self)
    }
}

/// The reason why a request has no claims of its own.
enum NoClaims {
    /// It does not have a token.
    Missing,
    /// Its token cannot be checked on this machine.
    Unknown(&'static str),
    /// Its token is not valid.
    Invalid(&'static str),
}

impl<F: Functions> Gateway<F> {
    /// Returns the `authorizer` of the event of a request whose token a JWT authorizer accepts.
    ///
    /// A token whose issuer is not on this machine cannot be checked. The claims that the user gives take its place, and otherwise
    /// its own claims count as signed.
    ///
    /// # Errors
    ///
    /// Returns the response to a client whose token is not accepted.
    pub async fn claims(
        &self,
        authorizer: &JwtAuthorizer,
        needed: &[String],
        arrival: &Arrival,
        found: &Match<'_>,
        parts: &Parts,
    ) -> Result<Value, Refusal> {
        let own = self.own_claims(authorizer, arrival, found, parts).await;
        let claims = match (own, &self.given_claims) {
            (Ok(claims), _) => claims,
            (Err(NoClaims::Missing | NoClaims::Unknown(_)), Some(given)) => given.0.clone(),
            (Err(NoClaims::Missing), None) => {
                let mut response = unauthorized(Api::Http);
                set(&mut response, "www-authenticate", "Bearer");
                return Err(response.into());
            }
            (Err(NoClaims::Unknown(why) | NoClaims::Invalid(why)), _) => {
                return Err(invalid(needed, why));
            }
        };
        // "The token must include at least one of the scopes in the route's authorizationScopes."
        let scopes = scopes(&claims);
        if !needed.is_empty() && !scopes.iter().any(|scope| needed.contains(scope)) {
            return Err(message(StatusCode::FORBIDDEN, "Forbidden").into());
        }
        let authorizer = json!({
            "claims": as_texts(&claims),
            // Measured on AWS: all scopes of the token, and null if the route does not need any
            // (<https://github.com/floci-io/floci/pull/2011>).
            "scopes": (!needed.is_empty()).then_some(scopes),
        });
        Ok(match found.route.has_payload_1 {
            true => authorizer,
            false => json!({ "jwt": authorizer }),
        })
    }

    /// Returns the claims of a request's own token.
    async fn own_claims(
        &self,
        authorizer: &JwtAuthorizer,
        arrival: &Arrival,
        found: &Match<'_>,
        parts: &Parts,
    ) -> Result<Map<String, Value>, NoClaims> {
        let text = token(authorizer, parts).ok_or(NoClaims::Missing)?;
        let malformed = NoClaims::Unknown("the token is not valid");
        let token = Token::parse(&text).ok_or(malformed)?;
        let keys = match &authorizer.issuer {
            Some(issuer) => Keys::of(issuer).await,
            None => None,
        };
        match keys {
            Some(Ok(keys)) if keys.verify(&token) => {}
            Some(Ok(_)) => return Err(NoClaims::Invalid("the token's signature is not valid")),
            Some(Err(why)) => {
                self.note_once(arrival, found, authorizer, &format!("its keys cannot be read: {why}"));
                let why = "OIDC discovery endpoint communication error";
                return Err(NoClaims::Unknown(why));
            }
            None if self.given_claims.is_some() => return Err(NoClaims::Unknown("unchecked")),
            None => self.note_once(
                arrival,
                found,
                authorizer,
                "the signatures of tokens are not checked, since their issuer is not on this machine\nhint: with `--claims FILE`, requests need no token",
            ),
        }
        let now = arrival.time.as_second();
        match problem(authorizer, &token.claims, now) {
            Some(why) => Err(NoClaims::Invalid(why)),
            None => Ok(token.claims),
        }
    }

    fn note_once(&self, arrival: &Arrival, found: &Match<'_>, of: &JwtAuthorizer, note: &str) {
        let name = &found.function.name;
        let note = format!("the authorizer {}: {note}", of.name);
        if self.noted.is_first(name, &note) {
            self.functions.note(name, &arrival.request_id, &note);
        }
    }
}

/// Returns the token of a request. "The identitySource can include only the token, or the token prefixed with Bearer."
fn token(authorizer: &JwtAuthorizer, parts: &Parts) -> Option<String> {
    let value = match &authorizer.source {
        IdentitySource::Header(name) => parts.headers.get(name)?.to_str().ok()?.to_owned(),
        IdentitySource::Query(name) => {
            let queries = query(parts.uri.query().unwrap_or_default());
            queries.get(name)?.first()?.clone()
        }
        IdentitySource::StageVariable(_) | IdentitySource::Context(_) => return None,
    };
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim().to_owned(),
        _ => value,
    };
    (!token.is_empty()).then_some(token)
}

/// Returns claims in the form in which events have them, which was measured on AWS
/// (<https://github.com/floci-io/floci/pull/2011>): texts, lists in brackets, and no null.
fn as_texts(claims: &Map<String, Value>) -> Map<String, Value> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let known = claims.iter().filter(|(_, value)| !value.is_null());
    let texts = known.map(|(name, value)| {
        let value = match value {
            Value::Array(values) => {
                let values: Vec<_> = values.iter().map(text).collect();
                format!("[{}]", values.join(" "))
            }
            value => text(value),
        };
        (name.clone(), json!(value))
    });
    texts.collect()
}

/// Returns the response to a request whose token is not valid:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html>.
fn invalid(needed: &[String], why: &str) -> Refusal {
    let mut response = unauthorized(Api::Http);
    let scope = needed.join(" ");
    let value =
        format!("Bearer scope=\"{scope}\" error=\"invalid_token\" error_description=\"{why}\"");
    set(&mut response, "www-authenticate", &value);
    response.into()
}

//! Decides whether a client may send a request to a route.

use axum::http::StatusCode;
use axum::http::request::Parts;
use serde_json::{Value, json};

use super::arrival::{Arrival, text};
use super::authorizer::Refusal;
use super::gateway::Gateway;
use super::refusal::unsigned;
use super::routing::Match;
use super::signature::{self, Signer};
use super::{Functions, message};
use crate::template::Authorization;

/// The facts about a client that the event of its request has.
#[derive(Default)]
pub(super) struct Access {
    /// The `authorizer` of the event's context.
    authorizer: Option<Value>,
    signer: Option<Signer>,
    api_key: Option<String>,
}

impl Access {
    /// Adds the facts to an event.
    pub fn add_to(self, event: &mut Value) {
        let context = &mut event["requestContext"];
        if let Some(authorizer) = self.authorizer {
            context["authorizer"] = authorizer;
        }
        match (self.signer, context.get_mut("identity")) {
            (Some(signer), Some(identity)) => signer.add_to_identity(identity),
            (Some(signer), None) => context["authorizer"] = signer.authorizer(),
            (None, _) => {}
        }
        if let Some(key) = self.api_key {
            context["identity"]["apiKey"] = json!(key);
            context["identity"]["apiKeyId"] = json!("localkey00");
        }
    }
}

impl<F: Functions> Gateway<F> {
    /// Returns the facts about a client that may send its request.
    ///
    /// # Errors
    ///
    /// Returns the response to a client that may not.
    pub async fn admit(
        &self,
        arrival: &Arrival,
        found: &Match<'_>,
        parts: &Parts,
    ) -> Result<Access, Refusal> {
        let mut access = Access::default();
        let mut key = text(&parts.headers, "x-api-key").map(str::to_owned);
        let auth = &found.route.settings.auth;
        match &found.route.authorization {
            Authorization::None => {}
            Authorization::Signed => {
                let (functions, name) = (&*self.functions, &found.function.name);
                let signer = signature::check(functions, &self.noted, name, arrival, parts);
                let signer = signer.ok_or_else(|| unsigned(found.route.api))?;
                access.signer = Some(signer);
            }
            Authorization::Lambda(authorizer) => {
                let granted = self.authorize(authorizer, arrival, found, parts).await?;
                if let Some((verdict, value)) = granted {
                    access.authorizer = Some(value);
                    if auth.has_key_of_authorizer {
                        key = verdict.api_key.clone();
                    }
                }
            }
            Authorization::Jwt { authorizer, scopes } => {
                let claims = self.claims(authorizer, scopes, arrival, found, parts);
                access.authorizer = Some(claims.await?);
            }
        }
        if found.route.needs_api_key {
            access.api_key = Some(accepted(&auth.api_keys, key)?);
        }
        Ok(access)
    }
}

/// Returns the API key of a request if it is one of those that are known: "Choose an API key source" in
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html>.
fn accepted(known: &[String], key: Option<String>) -> Result<String, Refusal> {
    let key = key.filter(|key| !key.is_empty());
    let key = key.filter(|key| known.is_empty() || known.contains(key));
    key.ok_or_else(|| message(StatusCode::FORBIDDEN, "Forbidden").into())
}

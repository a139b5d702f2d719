//! Decides whether a client may send a request to a route.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::arrival::text;
use super::gateway::Gateway;
use super::routing::Match;
use super::{Functions, message};

/// The facts about a client that the event of its request has.
#[derive(Default)]
pub(super) struct Access {
    api_key: Option<String>,
}

impl Access {
    /// Adds the facts to an event in payload format 1.0.
    pub fn add_to(self, event: &mut Value) {
        let context = &mut event["requestContext"];
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
        found: &Match<'_>,
        parts: &Parts,
    ) -> Result<Access, Box<Response<Body>>> {
        let mut access = Access::default();
        if found.route.needs_api_key {
            access.api_key = Some(api_key(found, parts)?);
        }
        Ok(access)
    }
}

/// Returns the API key of a request: "Choose an API key source" in
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html>.
fn api_key(found: &Match<'_>, parts: &Parts) -> Result<String, Box<Response<Body>>> {
    let known = &found.route.settings.auth.api_keys;
    let key = text(&parts.headers, "x-api-key").filter(|key| !key.is_empty());
    let key = key.filter(|key| known.is_empty() || known.iter().any(|known| known == key));
    let refusal = || Box::new(message(StatusCode::FORBIDDEN, "Forbidden"));
    key.map(str::to_owned).ok_or_else(refusal)
}

//! Lambda authorizers:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html> and
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::arrival::Arrival;
use super::authorizer_event::{add_values, arn, event, identity, is_valid};
use super::gateway::Gateway;
use super::policy::{self, Decision};
use super::refusal::{failed, forbidden, unauthorized};
use super::routing::Match;
use super::{Functions, message, prepare};
use crate::template::{AuthorizerEvent, LambdaAuthorizer};
use crate::{Api, Invocation, Outcome};

/// The verdicts that are kept until a time, by their authorizer and the values of its sources.
pub(super) type Kept = Mutex<HashMap<(usize, Vec<String>), (Instant, Arc<Verdict>)>>;

/// The valid response of an authorizer's function.
#[derive(Debug)]
pub(super) struct Verdict {
    grant: Grant,
    principal: Option<Value>,
    context: Map<String, Value>,
    /// `usageIdentifierKey`
    pub api_key: Option<String>,
}

#[derive(Debug)]
enum Grant {
    Flag(bool),
    Policy(Value),
}

/// The response to a client that may not send its request.
pub(super) type Refusal = Box<Response<Body>>;

impl<F: Functions> Gateway<F> {
    /// Returns the verdict of an authorizer that allows a request, and the `authorizer` of the request's event.
    ///
    /// # Errors
    ///
    /// Returns the response to a client that it does not allow.
    pub async fn authorize(
        &self,
        authorizer: &Arc<LambdaAuthorizer>,
        arrival: &Arrival,
        found: &Match<'_>,
        parts: &Parts,
    ) -> Result<Option<(Arc<Verdict>, Value)>, Refusal> {
        let api = found.route.api;
        let known = self.template.function(&authorizer.function).cloned();
        let known = known.or_else(|| self.functions.find(&authorizer.function));
        let Some(function) = known else {
            let name = &found.function.name;
            if self
                .noted
                .is_first(name, &format!("authorizer {}", authorizer.name))
            {
                let note = format!(
                    "the authorizer {} invokes {}, which is not started here: all requests are allowed",
                    authorizer.name, authorizer.function
                );
                self.functions.note(name, &arrival.request_id, &note);
            }
            return Ok(None);
        };
        let arn = arn(found, parts);
        let mut event = event(authorizer, arrival, found, parts, &arn)
            .ok_or_else(|| message(StatusCode::BAD_REQUEST, "Bad Request"))?;
        let values = identity(authorizer, found, parts, &event);
        // "If you specify identity sources, clients must include them" in HTTP APIs; a REST API asks for them if it keeps
        // responses:
        // <https://docs.aws.amazon.com/apigateway/latest/developerguide/configure-api-gateway-lambda-authorization-with-console.html>.
        let is_needed = api == Api::Http
            || !authorizer.ttl.is_zero()
            || matches!(authorizer.event, AuthorizerEvent::Token(_));
        let is_missing = values.iter().any(Option::is_none);
        let values: Vec<_> = values.into_iter().flatten().collect();
        if is_needed && (is_missing || !is_valid(authorizer, &values)) {
            return Err(unauthorized(api).into());
        }
        add_values(authorizer, &mut event, &values, api);
        let key = (Arc::as_ptr(authorizer) as usize, values);
        let (verdict, latency) = match self.kept(&key) {
            Some(verdict) => (verdict, None),
            None => {
                let start = Instant::now();
                let invocation = Invocation::new(event.to_string());
                let invocation = prepare(&function, invocation, arrival);
                let outcome = self.functions.invoke(&function.name, invocation, None);
                let outcome = outcome.await.collect().await;
                let verdict = self.verdict(authorizer, arrival, api, outcome)?;
                let verdict = Arc::new(verdict);
                self.keep(authorizer, key, &verdict);
                (verdict, Some(start.elapsed().as_millis() as u64))
            }
        };
        let decision = match &verdict.grant {
            Grant::Flag(true) => Ok(Decision::Allowed),
            Grant::Flag(false) => Ok(Decision::NotAllowed),
            Grant::Policy(policy) => policy::evaluate(policy, &arn),
        };
        let decision = decision.map_err(|why| self.malformed(authorizer, arrival, api, &why))?;
        // Only a policy can be meant for another request, and only a policy that was kept.
        let is_kept_policy = latency.is_none() && matches!(verdict.grant, Grant::Policy(_));
        let subject = format!("kept policy of {}", authorizer.name);
        if decision == Decision::NotAllowed
            && is_kept_policy
            && self.noted.is_first(&function.name, &subject)
        {
            let note = format!(
                "the authorizer {} is not asked again for {} s, and its last policy does not allow {arn}",
                authorizer.name,
                authorizer.ttl.as_secs()
            );
            self.functions
                .note(&function.name, &arrival.request_id, &note);
        }
        if decision != Decision::Allowed {
            return Err(forbidden(api, decision == Decision::Denied).into());
        }
        let value = authorizer_value(found, &verdict, latency);
        Ok(Some((verdict, value)))
    }

    /// Returns the verdict in an authorizer's response. An error `Unauthorized` of a REST API's authorizer is a 401: "Create an API
    /// Gateway Lambda authorizer function" on its page.
    fn verdict(
        &self,
        authorizer: &LambdaAuthorizer,
        arrival: &Arrival,
        api: Api,
        outcome: Outcome,
    ) -> Result<Verdict, Refusal> {
        let body = match outcome {
            Outcome::Response(post) => post.json(),
            Outcome::Error(post)
                if api == Api::Rest && post.json()["errorMessage"] == "Unauthorized" =>
            {
                return Err(unauthorized(api).into());
            }
            // The invocation has reported it.
            _ => return Err(failed(api).into()),
        };
        let verdict = read(authorizer, api, body);
        verdict.map_err(|why| self.malformed(authorizer, arrival, api, &why))
    }

    /// Reports why an authorizer's response is malformed, and returns the response to the client.
    fn malformed(
        &self,
        authorizer: &LambdaAuthorizer,
        arrival: &Arrival,
        api: Api,
        why: &str,
    ) -> Refusal {
        let note = format!(
            "API Gateway does not allow the response of the authorizer {}: {why}",
            authorizer.name
        );
        self.functions
            .note(&authorizer.function, &arrival.request_id, &note);
        failed(api).into()
    }

    fn kept(&self, key: &(usize, Vec<String>)) -> Option<Arc<Verdict>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (expiry, verdict) = kept.get(key)?;
        (*expiry > Instant::now()).then(|| verdict.clone())
    }

    /// Keeps a verdict. "To enable caching, your authorizer must have at least one identity source."
    fn keep(
        &self,
        authorizer: &LambdaAuthorizer,
        key: (usize, Vec<String>),
        verdict: &Arc<Verdict>,
    ) {
        if !authorizer.ttl.is_zero() && !authorizer.sources.is_empty() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            kept.retain(|_, (expiry, _)| *expiry > now);
            kept.insert(key, (now + authorizer.ttl, verdict.clone()));
        }
    }
}

/// Reads the response of an authorizer's function, or returns the reason why it is malformed.
fn read(authorizer: &LambdaAuthorizer, api: Api, body: Value) -> Result<Verdict, String> {
    let Value::Object(mut body) = body else {
        return Err("it is not a JSON object".to_owned());
    };
    let context = match body.remove("context") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(context)) => context,
        Some(_) => return Err("its context is not an object".to_owned()),
    };
    let is_nested = |value: &Value| value.is_object() || value.is_array();
    if api == Api::Rest && context.values().any(is_nested) {
        return Err("its context has an object or an array".to_owned());
    }
    let is_simple =
        authorizer.has_simple_responses && matches!(authorizer.event, AuthorizerEvent::Request2);
    let principal = body.remove("principalId");
    let grant = match (is_simple, body.remove("policyDocument")) {
        (true, _) => match body.get("isAuthorized") {
            Some(Value::Bool(flag)) => Grant::Flag(*flag),
            _ => return Err("its isAuthorized is not true or false".to_owned()),
        },
        (false, Some(policy)) if principal.is_some() => {
            // A malformed policy is not kept.
            policy::evaluate(&policy, "")?;
            Grant::Policy(policy)
        }
        (false, Some(_)) => return Err("it does not have a principalId".to_owned()),
        (false, None) => return Err("it does not have a policyDocument".to_owned()),
    };
    let api_key = body.get("usageIdentifierKey").and_then(Value::as_str);
    Ok(Verdict {
        grant,
        principal,
        context,
        api_key: api_key.map(str::to_owned),
    })
}

/// Returns the `authorizer` in the context of an event. A REST API has all values as texts: "The returned values are all
/// stringified". AWS's pages do not have the latency of a kept response, nor the `principalId` of HTTP APIs, which `sam local` has
/// in this place.
fn authorizer_value(found: &Match<'_>, verdict: &Verdict, latency: Option<u64>) -> Value {
    let is_rest = found.route.api == Api::Rest;
    let values = verdict.context.iter().map(|(name, value)| {
        let value = match value {
            Value::Number(_) | Value::Bool(_) if is_rest => json!(value.to_string()),
            value => value.clone(),
        };
        (name.clone(), value)
    });
    let mut values: Map<_, _> = values.collect();
    if let Some(principal) = &verdict.principal {
        values.insert("principalId".to_owned(), principal.clone());
    }
    match found.route.api {
        Api::Rest => {
            let latency = json!(latency.unwrap_or_default());
            values.insert("integrationLatency".to_owned(), latency);
            values.into()
        }
        Api::Http if found.route.has_payload_1 => values.into(),
        Api::Http => json!({ "lambda": values }),
    }
}

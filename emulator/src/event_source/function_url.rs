//! A Lambda function URL: <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::arrival::Arrival;
use super::noted::Noted;
use super::v2_event::{self, Sender};
use super::{Answer, Door, Functions, cors, run, set, signature, status, streamed, v2_answer};
use crate::account::ACCOUNT;
use crate::{Function, Invocation, InvokeMode, Outcome};

pub(super) struct FunctionUrl<F> {
    pub function: Function,
    pub mode: InvokeMode,
    pub functions: Arc<F>,
    pub noted: Noted,
}

impl<F: Functions> Door for FunctionUrl<F> {
    type Functions = F;

    fn functions(&self) -> &F {
        &self.functions
    }

    async fn answer(&self, arrival: &Arrival, parts: &Parts, body: Option<&Bytes>) -> Answer {
        let mut response = match (&self.function.url_cors, body) {
            (Some(cors), _) if cors::is_preflight(parts) => {
                let response = cors::preflight(cors, parts, StatusCode::OK);
                return Answer::without_function(response);
            }
            (_, Some(body)) => self.respond(arrival, parts, body).await,
            (_, None) => too_large(),
        };
        if let Some(cors) = &self.function.url_cors {
            cors::add(cors, &parts.headers, response.headers_mut());
        }
        Answer {
            function: Some(self.function.name.clone()),
            is_invoke: false,
            response,
        }
    }
}

impl<F: Functions> FunctionUrl<F> {
    async fn respond(&self, arrival: &Arrival, parts: &Parts, body: &Bytes) -> Response<Body> {
        let name = &self.function.name;
        let sender = Sender::function_url(parts.uri.path());
        let mut event = v2_event::event(&sender, parts, body, arrival);
        if self.function.has_signed_url {
            let signer = signature::check(&*self.functions, &self.noted, name, arrival, parts);
            let Some(signer) = signer else {
                return forbidden();
            };
            let context = &mut event["requestContext"];
            context["accountId"] = json!(ACCOUNT);
            context["authorizer"] = signer.authorizer();
        }
        let invocation = Invocation::new(event.to_string()).request_id(&arrival.request_id);
        let outcome = run(&*self.functions, &self.function, invocation, arrival).await;
        let Some(outcome) = outcome else {
            return too_large();
        };
        let response = match (self.mode, outcome) {
            (InvokeMode::ResponseStream, Outcome::Streamed(stream)) => {
                streamed::response(stream).await
            }
            (_, outcome) => match outcome.collect().await {
                Outcome::Response(post) => v2_answer::response(&post),
                // The invocation has reported it.
                _ => return failed(),
            },
        };
        response.unwrap_or_else(|why| {
            self.functions.malformed(name, &arrival.request_id, &why);
            failed()
        })
    }
}

/// Returns the response to a request that is not signed.
fn forbidden() -> Response<Body> {
    let mut response = status(StatusCode::FORBIDDEN);
    *response.body_mut() = Body::from(r#"{"Message":"Forbidden"}"#);
    set(&mut response, "content-type", "application/json");
    response
}

/// Returns the response to a request whose event would be too large. AWS's pages have the status and
/// the form of a function URL's errors (`{"Message":"Forbidden"}`), but not the words of this error.
fn too_large() -> Response<Body> {
    let mut response = status(StatusCode::PAYLOAD_TOO_LARGE);
    *response.body_mut() = Body::from(r#"{"Message":null}"#);
    set(&mut response, "content-type", "application/json");
    response
}

/// Returns the response to a client for any failure.
fn failed() -> Response<Body> {
    let mut response = status(StatusCode::BAD_GATEWAY);
    *response.body_mut() = Body::from("Internal Server Error");
    set(&mut response, "content-type", "application/json");
    response
}

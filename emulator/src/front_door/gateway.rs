//! A template's REST API and its HTTP API, and Lambda's Invoke API, behind one address.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};

use super::arrival::Arrival;
use super::invoke_api::{self, Mode};
use super::routing::{self, Match};
use super::v2_event::{self, Sender};
use super::{
    Door, Functions, message, prepare, rest_answer, rest_event, run, status, streamed, v2_answer,
};
use crate::{Api, Invocation, InvokeMode, Outcome, Post, Template};

pub(super) struct Gateway<F> {
    pub template: Template,
    pub functions: Arc<F>,
}

/// What a function did not give.
enum NoResponse {
    InTime,
    AtAll,
}

impl<F: Functions> Door for Gateway<F> {
    type Functions = F;

    fn functions(&self) -> &F {
        &self.functions
    }

    /// API Gateway's limit.
    const MAX_REQUEST: usize = 10 * 1024 * 1024;

    /// Of both APIs, the one with the most literal route takes the request.
    async fn answer(&self, arrival: &Arrival, parts: &Parts, body: &Bytes) -> Response<Body> {
        let (method, path) = (&parts.method, parts.uri.path());
        if let Some(name) = invoke_api::function_name(path)
            && *method == Method::POST
        {
            return self.invoke(arrival, &name, parts, body).await;
        }
        let functions = &self.template.functions;
        if let Some(found) = routing::find_in_any(functions, method.as_str(), path) {
            if found.route.api == Api::Rest {
                let event = rest_event::event(parts, body, &found, arrival);
                return self.rest(arrival, &found, event.to_string()).await;
            }
            let Some(sender) = Sender::http_api(&found, path) else {
                return message(StatusCode::BAD_REQUEST, "Bad Request");
            };
            let event = v2_event::event(&sender, parts, body, arrival);
            return self.http(arrival, &found, event.to_string()).await;
        }
        let routes = || functions.iter().flat_map(|function| &function.routes);
        let has = |api| routes().any(|route| route.api == api);
        match has(Api::Rest) || !has(Api::Http) {
            true => message(StatusCode::FORBIDDEN, "Missing Authentication Token"),
            false => message(StatusCode::NOT_FOUND, "Not Found"),
        }
    }
}

impl<F: Functions> Gateway<F> {
    /// A request of the REST API.
    async fn rest(&self, arrival: &Arrival, found: &Match<'_>, event: String) -> Response<Body> {
        let answer = |post: &Post| {
            streamed::whole(post).unwrap_or_else(|| rest_answer::response(&post.body))
        };
        match self.ask(arrival, found, event, answer).await {
            Ok(response) => response,
            Err(NoResponse::InTime) => {
                message(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out")
            }
            Err(NoResponse::AtAll) => message(StatusCode::BAD_GATEWAY, "Internal server error"),
        }
    }

    /// A request of the HTTP API.
    async fn http(&self, arrival: &Arrival, found: &Match<'_>, event: String) -> Response<Body> {
        match self.ask(arrival, found, event, v2_answer::response).await {
            Ok(response) => response,
            Err(NoResponse::InTime) => {
                message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            Err(NoResponse::AtAll) => {
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }

    /// The response that the function's answer is: as it comes, if the route streams, or else by `answer`, when it is whole.
    async fn ask(
        &self,
        arrival: &Arrival,
        found: &Match<'_>,
        event: String,
        answer: impl Fn(&Post) -> Result<Response<Body>, String>,
    ) -> Result<Response<Body>, NoResponse> {
        let functions = &*self.functions;
        let invocation = Invocation::new(event);
        let outcome = run(functions, found.function, invocation, arrival).await;
        let response = match (found.route.mode, outcome) {
            (InvokeMode::ResponseStream, Outcome::Streamed(stream)) => {
                streamed::response(stream).await
            }
            (_, outcome) => match outcome.collect().await {
                Outcome::Response(post) => answer(&post),
                Outcome::TimedOut => return Err(NoResponse::InTime),
                // Whoever invokes has been told.
                _ => return Err(NoResponse::AtAll),
            },
        };
        response.map_err(|why| {
            functions.malformed(&found.function.name, &why);
            NoResponse::AtAll
        })
    }

    /// A request of the Invoke API.
    async fn invoke(
        &self,
        arrival: &Arrival,
        name: &str,
        parts: &Parts,
        body: &Bytes,
    ) -> Response<Body> {
        let Some(function) = self.template.function(name) else {
            return invoke_api::not_found(name, &self.template.functions);
        };
        let mode = Mode::of(&parts.headers);
        if let Some(refusal) = invoke_api::refusal(&mode, body) {
            return refusal;
        }
        let request_id = &arrival.request_id;
        let invocation = invoke_api::invocation(&parts.headers, body).request_id(request_id);
        match mode {
            Mode::DryRun => status(StatusCode::NO_CONTENT),
            Mode::Event => {
                let functions = self.functions.clone();
                let name = function.name.clone();
                let invocation = prepare(function, invocation, arrival);
                tokio::spawn(async move { functions.invoke(&name, invocation).await });
                status(StatusCode::ACCEPTED)
            }
            Mode::RequestResponse => {
                let outcome = run(&*self.functions, function, invocation, arrival).await;
                let outcome = outcome.collect().await;
                invoke_api::response(&outcome, request_id, function.timeout)
            }
        }
    }
}

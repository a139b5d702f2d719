//! A template's REST API and its HTTP API, and Lambda's Invoke API, behind one address.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use tokio::sync::oneshot;

use super::arrival::Arrival;
use super::invoke_api::{self, InvocationType, Operation};
use super::routing::{self, Match};
use super::v2_event::{self, Sender};
use super::{
    Answer, Door, Functions, MAX_BODY, asynchronous, binary, event_stream, guard, message, prepare,
    rest_answer, rest_event, run, status, streamed, v2_answer,
};
use crate::{Api, Function, Invocation, InvokeMode, Outcome, Post, Template};

pub(super) struct Gateway<F> {
    template: Template,
    functions: Arc<F>,
    /// The functions and routes about which the note on base64 was reported.
    noted: Mutex<BTreeSet<(String, String)>>,
}

impl<F> Gateway<F> {
    /// Creates the APIs of a template, which invoke `functions`.
    pub fn new(template: Template, functions: Arc<F>) -> Self {
        Self {
            template,
            functions,
            noted: Mutex::default(),
        }
    }
}

/// The reason why a function has no response.
enum NoResponse {
    /// The event is too large for Lambda.
    TooLarge,
    InTime,
    AtAll,
}

impl<F: Functions> Door for Gateway<F> {
    type Functions = F;

    fn functions(&self) -> &F {
        &self.functions
    }

    /// The API with the most literal route takes the request.
    async fn answer(&self, arrival: &Arrival, parts: &Parts, body: Option<&Bytes>) -> Answer {
        let (method, path) = (&parts.method, parts.uri.path());
        if let Some((operation, target)) = invoke_api::operation(path)
            && *method == Method::POST
        {
            let refusal = guard::from_another_site(&parts.headers);
            if let Some(refusal) = refusal.or_else(|| target.mismatch(parts.uri.query())) {
                return Answer::without_function(refusal);
            }
            let known = self.template.function(&target.name).cloned();
            let Some(function) = known.or_else(|| self.functions.find(&target.name)) else {
                let refusal = invoke_api::not_found(&target.name, &self.template.functions);
                return Answer::without_function(refusal);
            };
            let response = self
                .invoke(operation, arrival, &function, parts, body)
                .await;
            return Answer {
                function: Some(function.name),
                is_invoke: true,
                response,
            };
        }
        let functions = &self.template.functions;
        let Some(found) = routing::find_in_any(functions, method.as_str(), path) else {
            return Answer::without_function(self.not_found());
        };
        let response = match found.route.api {
            Api::Rest => self.rest(arrival, &found, parts, body).await,
            Api::Http => self.http(arrival, &found, parts, body).await,
        };
        Answer {
            function: Some(found.function.name.clone()),
            is_invoke: false,
            response,
        }
    }
}

impl<F: Functions> Gateway<F> {
    /// Returns the response if no route matches.
    fn not_found(&self) -> Response<Body> {
        let functions = self.template.functions.iter();
        let routes = || functions.clone().flat_map(|function| &function.routes);
        let has = |api| routes().any(|route| route.api == api);
        match has(Api::Rest) || !has(Api::Http) {
            true => message(StatusCode::FORBIDDEN, "Missing Authentication Token"),
            false => message(StatusCode::NOT_FOUND, "Not Found"),
        }
    }

    /// Answers a request of the REST API.
    ///
    /// At API Gateway's own limit, the words are its default for `REQUEST_TOO_LARGE` ("Gateway response
    /// types" in its guide). AWS's pages do not have the words at Lambda's limit: users report them.
    async fn rest(
        &self,
        arrival: &Arrival,
        found: &Match<'_>,
        parts: &Parts,
        body: Option<&Bytes>,
    ) -> Response<Body> {
        let too_large = StatusCode::PAYLOAD_TOO_LARGE;
        let Some(body) = body else {
            let why = format!("HTTP content length exceeded {MAX_BODY} bytes.");
            return message(too_large, &why);
        };
        let types = &self.template.binary_types;
        let event = rest_event::event(parts, body, found, arrival, types);
        let takes_bytes = binary::takes_bytes(types, &parts.headers);
        let answer = |post: &Post| {
            if let Some(response) = streamed::whole(post) {
                return response;
            }
            let made = rest_answer::response(&post.body, takes_bytes)?;
            if made.is_base64_text {
                self.note_base64(arrival, found, parts);
            }
            Ok(made.response)
        };
        match self.ask(arrival, found, event.to_string(), answer).await {
            Ok(response) => response,
            Err(NoResponse::TooLarge) => message(too_large, "Request Too Long"),
            Err(NoResponse::InTime) => {
                message(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out")
            }
            Err(NoResponse::AtAll) => message(StatusCode::BAD_GATEWAY, "Internal server error"),
        }
    }

    /// Reports, once for each route, why the client got base64.
    fn note_base64(&self, arrival: &Arrival, found: &Match<'_>, parts: &Parts) {
        let (function, route) = (&found.function.name, found.route.key());
        let key = (function.clone(), route.clone());
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.insert(key) {
            let note = binary::note(&route, &self.template.binary_types, &parts.headers);
            self.functions.note(function, &arrival.request_id, &note);
        }
    }

    /// Answers a request of the HTTP API. AWS's pages do not have the words for a request that is too
    /// large: users report them.
    async fn http(
        &self,
        arrival: &Arrival,
        found: &Match<'_>,
        parts: &Parts,
        body: Option<&Bytes>,
    ) -> Response<Body> {
        let too_large = || message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        let Some(body) = body else {
            return too_large();
        };
        let Some(path) = v2_event::http_api_path(parts.uri.path()) else {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        };
        let asked = if found.route.has_payload_1 {
            let event = rest_event::http_api_event(parts, body, found, &path, arrival);
            let answer = |post: &Post| match streamed::whole(post) {
                Some(response) => response,
                None => Ok(rest_answer::response(&post.body, true)?.response),
            };
            self.ask(arrival, found, event.to_string(), answer).await
        } else {
            let event = v2_event::event(&Sender::http_api(found, path), parts, body, arrival);
            let event = event.to_string();
            self.ask(arrival, found, event, v2_answer::response).await
        };
        match asked {
            Ok(response) => response,
            Err(NoResponse::TooLarge) => too_large(),
            Err(NoResponse::InTime) => {
                message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            Err(NoResponse::AtAll) => {
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }

    /// Returns the function's response: streamed if the route streams, or else read by `answer` when it is complete.
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
        let outcome = outcome.ok_or(NoResponse::TooLarge)?;
        let response = match (found.route.mode, outcome) {
            (InvokeMode::ResponseStream, Outcome::Streamed(stream)) => {
                streamed::response(stream).await
            }
            (_, outcome) => match outcome.collect().await {
                Outcome::Response(post) => answer(&post),
                Outcome::TimedOut => return Err(NoResponse::InTime),
                // The invocation has reported it.
                _ => return Err(NoResponse::AtAll),
            },
        };
        response.map_err(|why| {
            functions.malformed(&found.function.name, &arrival.request_id, &why);
            NoResponse::AtAll
        })
    }

    /// Answers a request of the Invoke API.
    async fn invoke(
        &self,
        operation: Operation,
        arrival: &Arrival,
        function: &Function,
        parts: &Parts,
        body: Option<&Bytes>,
    ) -> Response<Body> {
        let mode = match (operation, InvocationType::from_headers(&parts.headers)) {
            // This operation cannot be asynchronous.
            (Operation::Stream, Ok(InvocationType::Event)) => InvocationType::RequestResponse,
            (_, Ok(mode)) => mode,
            (_, Err(refusal)) => return *refusal,
        };
        if let Some(refusal) = invoke_api::refusal(&mode, body) {
            return refusal;
        }
        let body = body.cloned().unwrap_or_default();
        let request_id = &arrival.request_id;
        let invocation = invoke_api::invocation(&parts.headers, &body).request_id(request_id);
        match mode {
            InvocationType::DryRun => status(StatusCode::NO_CONTENT),
            InvocationType::Event => {
                let event = asynchronous::Event {
                    function: function.clone(),
                    invocation: prepare(function, invocation, arrival),
                    payload: body,
                    request_id: request_id.clone(),
                };
                tokio::spawn(asynchronous::deliver(self.functions.clone(), event));
                status(StatusCode::ACCEPTED)
            }
            InvocationType::RequestResponse => {
                let invocation = prepare(function, invocation, arrival).answers(request_id);
                let (sender, log) = invoke_api::wants_log(&parts.headers)
                    .then(oneshot::channel)
                    .unzip();
                let outcome = self.functions.invoke(&function.name, invocation, sender);
                let (outcome, timeout) = (outcome.await, function.timeout);
                if operation == Operation::Stream {
                    return event_stream::response(outcome, request_id, timeout, log);
                }
                let outcome = outcome.collect().await;
                let log = match log {
                    Some(log) => log.await.ok(),
                    None => None,
                };
                invoke_api::response(&outcome, request_id, timeout, log.as_deref())
            }
        }
    }
}

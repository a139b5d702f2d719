//! A template's REST API and its HTTP API, and Lambda's Invoke API, behind one address.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::arrival::Arrival;
use super::authorizer::Kept;
use super::invoke_api::{self, InvocationType, Operation};
use super::jwt::Claims;
use super::noted::Noted;
use super::routing::{self, Match};
use super::{
    Answer, Door, Functions, asynchronous, cors, event_stream, guard, message, prepare, run,
    status, streamed,
};
use crate::{Api, Function, Invocation, InvokeMode, Outcome, Post, Route, Template};

pub(super) struct Gateway<F> {
    pub template: Template,
    pub functions: Arc<F>,
    pub noted: Noted,
    /// The responses of authorizers that are kept.
    pub kept: Kept,
    /// The claims of requests without a token that can be checked.
    pub given_claims: Option<Claims>,
}

impl<F> Gateway<F> {
    /// Creates the APIs of a template, which invoke `functions`.
    pub fn new(template: Template, functions: Arc<F>, given_claims: Option<Claims>) -> Self {
        Self {
            template,
            functions,
            noted: Noted::default(),
            kept: Kept::default(),
            given_claims,
        }
    }
}

/// The reason why a function has no response.
pub(super) enum NoResponse {
    /// The event is too large for Lambda.
    TooLarge,
    /// The API does not wait longer.
    InTime,
    /// The function failed, or exceeded its own timeout.
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
        let found = routing::find_in_any(functions, method.as_str(), path);
        if let Some(response) = self.preflight(arrival, found.as_ref(), parts).await {
            return Answer::without_function(response);
        }
        let Some(found) = found else {
            return Answer::without_function(self.not_found());
        };
        let response = match found.route.api {
            Api::Rest => self.rest(arrival, &found, parts, body).await,
            Api::Http => {
                let mut response = self.http(arrival, &found, parts, body).await;
                if let Some(cors) = &found.route.settings.cors {
                    cors::replace(cors, &parts.headers, response.headers_mut());
                }
                response
            }
        };
        Answer {
            function: Some(found.function.name.clone()),
            is_invoke: false,
            response,
        }
    }
}

impl<F: Functions> Gateway<F> {
    /// Returns the response to a request with `OPTIONS` that an API answers itself, since its settings of CORS say so.
    async fn preflight(
        &self,
        arrival: &Arrival,
        found: Option<&Match<'_>>,
        parts: &Parts,
    ) -> Option<Response<Body>> {
        if parts.method != Method::OPTIONS {
            return None;
        }
        let is_rest = |found: &Match<'_>| found.route.api == Api::Rest;
        // The route of the HTTP API for the request that comes later.
        let later = cors::asked_method(parts).filter(|_| cors::is_preflight(parts));
        let later = later.and_then(|method| {
            let path = parts.uri.path();
            routing::find_in_any(&self.template.functions, method, path)
        });
        let later = later.filter(|later| !is_rest(later));
        if let Some(response) = self.mock(arrival, found, later.as_ref(), parts).await {
            return Some(response);
        }
        let is_before =
            |found: &Match<'_>| is_rest(found) && !is_more_literal(later.as_ref(), found);
        if !cors::is_preflight(parts) || found.is_some_and(is_before) {
            return None;
        }
        // "Even if there isn't an OPTIONS route configured for your API".
        let Some(found) = found.filter(|found| !is_rest(found)) else {
            let cors = later?.route.settings.cors.as_ref()?;
            return Some(cors::preflight(cors, parts, StatusCode::NO_CONTENT));
        };
        let cors = found.route.settings.cors.as_ref()?;
        let mut response = cors::preflight(cors, parts, StatusCode::NO_CONTENT);
        // A route that takes all methods also takes these requests: "Configuring CORS for an HTTP API with a $default route and
        // an authorizer" on the page.
        if let Err(refusal) = self.admit(arrival, found, parts).await {
            let (name, key) = (&found.function.name, found.route.key());
            if self.noted.is_first(name, &format!("preflight {key}")) {
                let note = format!(
                    "{key}: the route takes preflight requests too, and its authorizer refuses them\nhint: add a route OPTIONS /{{proxy+}} with `Auth: {{ Authorizer: NONE }}`"
                );
                self.functions.note(name, &arrival.request_id, &note);
            }
            response = *refusal;
            cors::replace(cors, &parts.headers, response.headers_mut());
        }
        Some(response)
    }

    /// Returns the response of the `OPTIONS` method that SAM adds to the resource of a REST API with settings of CORS.
    /// It takes a request unless a route that names the method, or a more literal route, does, or a more literal route of the
    /// HTTP API takes the `later` request.
    async fn mock(
        &self,
        arrival: &Arrival,
        found: Option<&Match<'_>>,
        later: Option<&Match<'_>>,
        parts: &Parts,
    ) -> Option<Response<Body>> {
        let mut resource = routing::resource(&self.template.functions, parts.uri.path());
        if is_more_literal(later, resource.first()?) {
            return None;
        }
        if let Some(found) = found {
            let has_method = found.route.api == Api::Rest && found.route.method != "ANY";
            if has_method || routing::rank(resource.first()?) > routing::rank(found) {
                return None;
            }
        }
        let of_api = |found: &Match<'_>| found.route.settings.cors.is_some();
        let index = resource.iter().position(of_api)?;
        let methods: Vec<_> = resource.iter().map(|found| &*found.route.method).collect();
        let settings = resource[index].route.settings.clone();
        let response = cors::mock(settings.cors.as_ref()?, methods.into_iter());
        let found = resource.swap_remove(index);
        let route = Route {
            method: Method::OPTIONS.to_string(),
            authorization: settings.auth.preflight.clone(),
            needs_api_key: settings.auth.preflight_needs_api_key,
            ..found.route.clone()
        };
        let found = Match {
            route: &route,
            ..found
        };
        match self.admit(arrival, &found, parts).await {
            Ok(_) => Some(response),
            Err(refusal) => Some(*refusal),
        }
    }

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

    /// Returns the function's response: streamed if the route streams, or else read by `answer` when it is complete.
    ///
    /// The invocation continues if it takes longer than the route allows, as on AWS.
    pub async fn ask(
        &self,
        arrival: &Arrival,
        found: &Match<'_>,
        event: String,
        answer: impl Fn(&Post) -> Result<Response<Body>, String>,
    ) -> Result<Response<Body>, NoResponse> {
        let functions = &*self.functions;
        let (name, route) = (&found.function.name, found.route);
        let deadline = Instant::now() + route.time_limit;
        let late = |_| {
            let note = format!(
                "{}: the client gets no response, since the API waits {} ms; the invocation continues",
                route.key(),
                route.time_limit.as_millis()
            );
            functions.note(name, &arrival.request_id, &note);
            NoResponse::InTime
        };
        let outcome = timeout_at(deadline, self.invocation(arrival, found, event));
        let outcome = outcome.await.map_err(late)?;
        let response = match outcome.ok_or(NoResponse::TooLarge)? {
            // The head of a stream counts too.
            Outcome::Streamed(stream) => {
                let response = timeout_at(deadline, streamed::response(stream));
                response.await.map_err(late)?
            }
            Outcome::Response(post) => answer(&post),
            // The invocation has reported it, also if it exceeded the function's own timeout.
            _ => return Err(NoResponse::AtAll),
        };
        response.map_err(|why| {
            functions.malformed(name, &arrival.request_id, &why);
            NoResponse::AtAll
        })
    }

    /// Invokes the function of a route in a task, which outlives the request. Returns an outcome that streams only if the route
    /// streams, and `None` if the event is too large for Lambda.
    async fn invocation(
        &self,
        arrival: &Arrival,
        found: &Match<'_>,
        event: String,
    ) -> Option<Outcome> {
        let (functions, mode) = (self.functions.clone(), found.route.mode);
        let (function, arrival) = (found.function.clone(), arrival.clone());
        let task = tokio::spawn(async move {
            let outcome = run(&*functions, &function, Invocation::new(event), &arrival).await?;
            Some(match mode {
                InvokeMode::ResponseStream => outcome,
                InvokeMode::Buffered => outcome.collect().await,
            })
        });
        // An error means that the task panicked, and has printed that.
        let failed = |_| Some(Outcome::Lost("its task ended".to_owned()));
        task.await.unwrap_or_else(failed)
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

/// Returns whether a route is more literal than another.
fn is_more_literal(route: Option<&Match<'_>>, than: &Match<'_>) -> bool {
    route.is_some_and(|route| routing::rank(route) < routing::rank(than))
}

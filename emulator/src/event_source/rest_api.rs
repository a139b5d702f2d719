//! Answers the requests of a REST API.

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};

use super::arrival::Arrival;
use super::compression::{Unsupported, compress, decompress};
use super::gateway::{Gateway, NoResponse};
use super::routing::Match;
use super::{
    Functions, MAX_BODY, binary, message, remapped, rest_answer, rest_event, signature, streamed,
};
use crate::{InvokeMode, Post};

impl<F: Functions> Gateway<F> {
    /// Answers a request of the REST API.
    ///
    /// At API Gateway's own limit, the words are its default for `REQUEST_TOO_LARGE` ("Gateway response
    /// types" in its guide). AWS's pages do not have the words at Lambda's limit: users report them.
    pub async fn rest(
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
        let access = match self.admit(arrival, found, parts).await {
            Ok(access) => access,
            Err(refusal) => return *refusal,
        };
        let unpacked;
        let minimum = found.route.settings.minimum_compression;
        let (parts, body) = match minimum.and_then(|minimum| decompress(minimum, parts, body)) {
            None => (parts, body),
            Some(Ok(request)) => {
                unpacked = request;
                (&unpacked.0, &unpacked.1)
            }
            Some(Err(Unsupported)) => {
                let unsupported = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                return message(unsupported, "Unsupported Media Type");
            }
        };
        let types = &self.template.binary_types;
        let mut event = rest_event::event(parts, body, found, arrival, types);
        access.add_to(&mut event);
        signature::remove_from(&mut event);
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
            Ok(response) => self.finish(arrival, found, parts, response).await,
            Err(NoResponse::TooLarge) => message(too_large, "Request Too Long"),
            Err(NoResponse::InTime) => {
                message(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out")
            }
            Err(NoResponse::AtAll) => message(StatusCode::BAD_GATEWAY, "Internal server error"),
        }
    }

    /// Returns a function's response as the API sends it. API Gateway does not encode streams:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html>.
    async fn finish(
        &self,
        arrival: &Arrival,
        found: &Match<'_>,
        parts: &Parts,
        mut response: Response<Body>,
    ) -> Response<Body> {
        let name = &found.function.name;
        for (old, new) in remapped::rename(response.headers_mut()) {
            if self.noted.is_first(name, new) {
                let note = format!(
                    "the client gets the header {old} as {new}, as from the REST APIs of API Gateway"
                );
                self.functions.note(name, &arrival.request_id, &note);
            }
        }
        match (found.route.mode, found.route.settings.minimum_compression) {
            (InvokeMode::Buffered, Some(minimum)) => {
                compress(minimum, &parts.headers, response).await
            }
            _ => response,
        }
    }

    /// Reports, once for each route, why the client got base64.
    fn note_base64(&self, arrival: &Arrival, found: &Match<'_>, parts: &Parts) {
        let (function, route) = (&found.function.name, found.route.key());
        if self.noted.is_first(function, &format!("base64 {route}")) {
            let note = binary::note(&route, &self.template.binary_types, &parts.headers);
            self.functions.note(function, &arrival.request_id, &note);
        }
    }
}

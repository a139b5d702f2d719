//! Answers the requests of an HTTP API.

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};

use super::arrival::Arrival;
use super::gateway::{Gateway, NoResponse};
use super::routing::{Match, Prefix};
use super::v2_event::{self, Sender};
use super::{Functions, message, rest_answer, rest_event, streamed, v2_answer};
use crate::Post;

impl<F: Functions> Gateway<F> {
    /// Answers a request of the HTTP API. AWS's pages do not have the words for a request that is too
    /// large: users report them.
    pub async fn http(
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
        let Some(path) = path(found, parts, found.route.has_payload_1) else {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        };
        let access = match self.admit(arrival, found, parts).await {
            Ok(access) => access,
            Err(refusal) => return *refusal,
        };
        let asked = if found.route.has_payload_1 {
            let mut event = rest_event::http_api_event(parts, body, found, &path, arrival);
            access.add_to(&mut event);
            let answer = |post: &Post| match streamed::whole(post) {
                Some(response) => response,
                None => Ok(rest_answer::response(&post.body, true)?.response),
            };
            self.ask(arrival, found, event.to_string(), answer).await
        } else {
            let mut event = v2_event::event(&Sender::http_api(found, path), parts, body, arrival);
            access.add_to(&mut event);
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
}

/// Returns the path in an event of an HTTP API, or `None` if it cannot be decoded. A stage with a name is a part of it, also behind a
/// custom domain (<https://github.com/CodeGenieApp/serverless-express/issues/465>).
///
/// "If you use an API mapping to connect your stage to a custom domain name, rawPath won't provide the API mapping value. Use format
/// 1.0": <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
pub(super) fn path(found: &Match<'_>, parts: &Parts, is_payload_1: bool) -> Option<String> {
    let path = parts.uri.path();
    match (found.prefix, &*found.route.settings.stage) {
        (Prefix::BasePath(_), "$default") if !is_payload_1 => {
            v2_event::http_api_path(found.prefix.strip(path))
        }
        (Prefix::BasePath(_), stage) if !is_payload_1 => {
            let path = v2_event::http_api_path(found.prefix.strip(path))?;
            Some(format!("/{stage}{path}"))
        }
        _ => v2_event::http_api_path(path),
    }
}

//! The requests of the Runtime API, version 2018-06-01, over HTTP. Statuses and bodies are
//! those of "Using the Lambda runtime API" in AWS's guide and of AWS's Runtime Interface Emulator.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::time::sleep;

use super::state::{Kind, MAX_ANSWER, Refusal, Timer};
use super::{End, Post, SharedState, Violation, extensions, relay, telemetry};

/// The most bytes that are read of one POST, to report by how much it exceeds the limit.
const MAX_READ: usize = 10 * MAX_ANSWER;

pub(super) fn router(shared: SharedState) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        // A runtime that is restored from a snapshot has not left its initialization.
        .route("/2018-06-01/runtime/restore/next", get(restored))
        .route("/2018-06-01/runtime/restore/error", post(init_error))
        .merge(extensions::routes::router())
        .merge(telemetry::routes::router())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
}

/// Waits for an event without a limit. If the connection closes, this future is dropped, and the event
/// stays in the queue.
async fn next(Shared(shared): Shared<SharedState>) -> Response {
    let mut waiting = WaitingRuntime::enter(&shared);
    let mut changes = shared.subscribe();
    let handout = loop {
        // `shared` has the sender, so waiting cannot fail.
        drop(changes.wait_for(|state| state.has_event()).await);
        let mut handout = None;
        shared.send_modify(|state| {
            handout = state.hand_out(|id, attempt, left| expire_later(&shared, id, attempt, left));
        });
        if let Some(handout) = handout {
            waiting.ended = true;
            break handout;
        }
    };
    (handout.headers, handout.event).into_response()
}

fn expire_later(shared: &SharedState, request_id: String, attempt: usize, left: Duration) -> Timer {
    let shared = shared.clone();
    let task = tokio::spawn(async move {
        sleep(left).await;
        shared.send_modify(|state| state.expire(&request_id, attempt));
    });
    Timer(task.abort_handle())
}

/// A runtime that waits in `next`. It counts until it gets an event or its connection closes.
struct WaitingRuntime {
    shared: SharedState,
    ended: bool,
}

impl WaitingRuntime {
    fn enter(shared: &SharedState) -> Self {
        shared.send_modify(|state| state.enter_next());
        Self {
            shared: shared.clone(),
            ended: false,
        }
    }
}

impl Drop for WaitingRuntime {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.send_modify(|state| state.waiting -= 1);
        }
    }
}

async fn response(shared: Shared<SharedState>, id: Path<String>, request: Request) -> Response {
    if relay::is_streamed(request.headers()) {
        return stream(shared, id, request).await;
    }
    answer(shared, id, Kind::Response, request).await
}

async fn error(shared: Shared<SharedState>, id: Path<String>, request: Request) -> Response {
    answer(shared, id, Kind::Error, request).await
}

async fn answer(
    Shared(shared): Shared<SharedState>,
    Path(id): Path<String>,
    kind: Kind,
    request: Request,
) -> Response {
    let Some(post) = read(request).await else {
        return truncated();
    };
    let mut result = Ok(());
    shared.send_modify(|state| result = state.answer(&id, kind, post));
    accepted_or(result)
}

async fn stream(
    Shared(shared): Shared<SharedState>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut begun = Err(Refusal::InvalidRequestId);
    shared.send_modify(|state| begun = state.begin_stream(&id, parts.headers));
    let relay = match begun {
        Ok(relay) => relay,
        Err(refusal) => return accepted_or(Err(refusal)),
    };
    // A separate task: this future is dropped with its connection, and the reader has to see that
    // the answer was cut off.
    match tokio::spawn(relay.run(shared, body)).await {
        Ok(Ok(End::Cut)) | Err(_) => truncated(),
        Ok(ended) => accepted_or(ended.map(drop)),
    }
}

async fn init_error(Shared(shared): Shared<SharedState>, request: Request) -> Response {
    let Some(post) = read(request).await else {
        return truncated();
    };
    let mut result = Ok(());
    shared.send_modify(|state| result = state.init_failed(post));
    accepted_or(result)
}

/// Plays SnapStart without a snapshot: the runtime is restored as soon as it is ready for one.
async fn restored(Shared(shared): Shared<SharedState>) -> StatusCode {
    shared.send_modify(|state| state.must_be_restored = false);
    StatusCode::OK
}

/// Returns the whole POST, or `None` if the connection closed before its end.
pub(super) async fn read(request: Request) -> Option<Post> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let body = to_bytes(body, MAX_READ).await.ok()?;
    Some(Post { headers, body })
}

pub(super) fn accepted_or(result: Result<(), Refusal>) -> Response {
    let too_large = format!("Exceeded maximum allowed payload size ({MAX_ANSWER} bytes).");
    match result {
        Ok(()) => json_body(StatusCode::ACCEPTED, json!({ "status": "OK" })),
        Err(Refusal::InvalidRequestId) => {
            let status = StatusCode::BAD_REQUEST;
            refuse(status, "InvalidRequestID", "Invalid request ID")
        }
        Err(Refusal::TooLarge) => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            refuse(status, "RequestEntityTooLarge", &too_large)
        }
        Err(Refusal::Stale) => {
            let why = "The invocation ID is not that of the present attempt";
            refuse(StatusCode::GONE, "InvalidInvocationID", why)
        }
        Err(Refusal::InvalidState) => {
            let why = "The runtime has left its initialization";
            refuse(StatusCode::FORBIDDEN, "InvalidStateTransition", why)
        }
    }
}

pub(super) fn truncated() -> Response {
    let why = "HTTP request detected as truncated";
    refuse(StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", why)
}

async fn unknown(Shared(shared): Shared<SharedState>, request: Request) -> Response {
    no_such_route(&shared, &request, StatusCode::NOT_FOUND)
}

async fn wrong_method(Shared(shared): Shared<SharedState>, request: Request) -> Response {
    no_such_route(&shared, &request, StatusCode::METHOD_NOT_ALLOWED)
}

fn no_such_route(shared: &SharedState, request: &Request, status: StatusCode) -> Response {
    let route = format!("{} {}", request.method(), request.uri());
    shared.send_modify(|state| state.violations.push(Violation::UnknownRoute(route)));
    (status, Body::empty()).into_response()
}

pub(super) fn refuse(status: StatusCode, error_type: &str, message: &str) -> Response {
    let body = json!({ "errorMessage": message, "errorType": error_type });
    json_body(status, body)
}

pub(super) fn json_body(status: StatusCode, body: serde_json::Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body.to_string()).into_response()
}

//! The four requests of the Extensions API, version 2020-01-01, over HTTP. Statuses and bodies are those
//! of the "Extensions API reference" in
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html> and of AWS's Runtime
//! Interface Emulator.

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Refused;
use super::registry::{Registrations, Report};
use crate::account::ACCOUNT;
use crate::runtime_api::routes::{accepted_or, json_body, read, refuse, truncated};
use crate::runtime_api::state::{Failed, State};
use crate::runtime_api::{ExtensionFailure, Post, SharedState, Violation};

const NAME: &str = "lambda-extension-name";
const IDENTIFIER: &str = "lambda-extension-identifier";
const EVENT_IDENTIFIER: &str = "lambda-extension-event-identifier";
const FEATURES: &str = "lambda-extension-accept-feature";
const ERROR_TYPE: &str = "lambda-extension-function-error-type";

pub(in crate::runtime_api) fn router() -> Router<SharedState> {
    Router::new()
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(next))
        .route("/2020-01-01/extension/init/error", post(init_error))
        .route("/2020-01-01/extension/exit/error", post(exit_error))
}

async fn register(Shared(shared): Shared<SharedState>, request: Request) -> Response {
    let Some(post) = read(request).await else {
        return truncated();
    };
    let name = text(&post.headers, NAME);
    let mut registered = None;
    shared.send_modify(|state| {
        let phase = Registrations {
            are_open: state.next_calls == 0,
            are_managed: state.function.is_managed,
        };
        let result = state.extensions.register(name, &post.body, phase);
        let mut body = json!({
            "functionName": state.function.name,
            "functionVersion": "$LATEST",
            "handler": state.function.handler,
        });
        if text(&post.headers, FEATURES)
            .split(',')
            .any(|feature| feature.trim() == "accountId")
        {
            body["accountId"] = ACCOUNT.into();
        }
        registered = Some(result.map(|id| (id, body)));
        if let Some(Err(refused)) = &registered {
            state.note_refused(name, "register", refused);
        }
    });
    match registered {
        Some(Ok((id, body))) => {
            let id = [(IDENTIFIER, id.to_string())];
            (id, json_body(StatusCode::OK, body)).into_response()
        }
        Some(Err(refused)) => forbidden(&refused),
        None => internal_error(),
    }
}

/// Waits for an event without a limit. If the connection closes, this future is dropped, and the event
/// stays for the next call.
async fn next(Shared(shared): Shared<SharedState>, headers: HeaderMap) -> Response {
    let mut entered = Err(Refused::default());
    shared.send_modify(|state| {
        entered = identify(&headers).and_then(|id| state.extensions.enter_next(id).map(|()| id));
        state.publish_reports_if_ready();
        if let Err(refused) = &entered {
            state.note_refused_id(&headers, "event/next", refused);
        }
    });
    let id = match entered {
        Ok(id) => id,
        Err(refused) => return forbidden(&refused),
    };
    let waiting = WaitingExtension { shared, id };
    let mut changes = waiting.shared.subscribe();
    let event = loop {
        // `shared` has the sender, so waiting cannot fail.
        let has_event = |state: &State| state.extensions.has_event(id);
        drop(changes.wait_for(has_event).await);
        let mut event = None;
        waiting
            .shared
            .send_modify(|state| event = state.extensions.take_event(id));
        if let Some(event) = event {
            break event;
        }
    };
    let headers = [
        ("content-type", "application/json".to_owned()),
        (IDENTIFIER, id.to_string()),
        (EVENT_IDENTIFIER, Uuid::new_v4().to_string()),
    ];
    (headers, event.to_string()).into_response()
}

/// An extension that waits in `next`, until it gets an event or its connection closes.
struct WaitingExtension {
    shared: SharedState,
    id: Uuid,
}

impl Drop for WaitingExtension {
    fn drop(&mut self) {
        // It is running already if it has got an event.
        self.shared
            .send_modify(|state| state.extensions.leave_next(self.id));
    }
}

async fn init_error(shared: Shared<SharedState>, request: Request) -> Response {
    report(shared, request, Report::Init).await
}

async fn exit_error(shared: Shared<SharedState>, request: Request) -> Response {
    report(shared, request, Report::Exit).await
}

async fn report(Shared(shared): Shared<SharedState>, request: Request, report: Report) -> Response {
    let Some(post) = read(request).await else {
        return truncated();
    };
    let mut result = Ok(());
    shared.send_modify(|state| result = state.extension_reports(&post, report));
    match result {
        Ok(()) => accepted_or(Ok(())),
        Err(refused) => forbidden(&refused),
    }
}

impl State {
    /// Accepts the error of an extension, which ends the environment, or returns why it is refused.
    fn extension_reports(&mut self, post: &Post, report: Report) -> Result<(), Refused> {
        let error_type = text(&post.headers, ERROR_TYPE);
        let named = identify(&post.headers).and_then(|id| {
            if error_type.is_empty() {
                let why = "Lambda-Extension-Function-Error-Type not found";
                return Err(Refused::new("Extension.MissingHeader", why));
            }
            self.extensions.report(id, report)
        });
        let (kind, path) = match report {
            Report::Init => ("Extension.InitError", "init/error"),
            Report::Exit => ("Extension.ExitError", "exit/error"),
        };
        match named {
            Ok(extension) => {
                let message = match &post.json()["errorMessage"] {
                    Value::String(message) => format!("{error_type}: {message}"),
                    _ => error_type.to_owned(),
                };
                self.fail(Failed::Extension(ExtensionFailure {
                    kind: kind.to_owned(),
                    extension,
                    message,
                }));
                Ok(())
            }
            Err(refused) => {
                self.note_refused_id(&post.headers, path, &refused);
                Err(refused)
            }
        }
    }

    pub(in crate::runtime_api) fn note_refused_id(
        &mut self,
        headers: &HeaderMap,
        path: &str,
        refused: &Refused,
    ) {
        let extension = self.extensions.name(text(headers, IDENTIFIER));
        self.note_refused(&extension, path, refused);
    }

    pub(in crate::runtime_api) fn note_refused(
        &mut self,
        extension: &str,
        path: &str,
        refused: &Refused,
    ) {
        self.violations.push(Violation::ExtensionRefused {
            extension: extension.to_owned(),
            path: path.to_owned(),
            error_type: refused.error_type.to_owned(),
        });
    }
}

pub(in crate::runtime_api) fn identify(headers: &HeaderMap) -> Result<Uuid, Refused> {
    let id = text(headers, IDENTIFIER);
    if id.is_empty() {
        let error_type = "Extension.MissingExtensionIdentifier";
        let why = "Missing Lambda-Extension-Identifier header";
        return Err(Refused::new(error_type, why));
    }
    Uuid::parse_str(id).map_err(|_| {
        let error_type = "Extension.InvalidExtensionIdentifier";
        Refused::new(error_type, "Invalid Lambda-Extension-Identifier")
    })
}

/// Returns the value of a header, or an empty text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

pub(in crate::runtime_api) fn forbidden(refused: &Refused) -> Response {
    refuse(StatusCode::FORBIDDEN, refused.error_type, &refused.message)
}

fn internal_error() -> Response {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    refuse(status, "InternalServerError", "Internal Server Error")
}

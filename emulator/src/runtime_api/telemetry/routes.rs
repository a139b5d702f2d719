//! The request of the Telemetry API, version 2022-07-01, over HTTP.

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::put;
use tokio::sync::mpsc;

use super::delivery::deliver;
use super::subscription::Subscription;
use crate::runtime_api::extensions::Refused;
use crate::runtime_api::extensions::routes::{forbidden, identify};
use crate::runtime_api::routes::{json_body, read, refuse, truncated};
use crate::runtime_api::{SharedState, Violation};

pub(in crate::runtime_api) fn router() -> Router<SharedState> {
    Router::new()
        .route("/2022-07-01/telemetry", put(subscribe))
        // The path in AWS's reference.
        .route("/2022-07-01/telemetry/", put(subscribe))
}

async fn subscribe(Shared(shared): Shared<SharedState>, request: Request) -> Response {
    let Some(post) = read(request).await else {
        return truncated();
    };
    let mut result = Ok(());
    let mut invalid = None;
    shared.send_modify(|state| {
        let identified = identify(&post.headers).and_then(|id| {
            let id = id.to_string();
            let name = state.extensions.name(&id);
            if name == id {
                let error_type = "Extension.UnknownExtensionIdentifier";
                return Err(Refused::new(error_type, format!("Unknown extension {id}")));
            }
            if state.telemetry.is_closed {
                let why = "Telemetry API subscription is closed";
                return Err(Refused::new("Telemetry.SubscriptionClosed", why));
            }
            Ok(name)
        });
        let name = match identified {
            Ok(name) => name,
            Err(refused) => {
                state.note_refused_id(&post.headers, "telemetry", &refused);
                result = Err(refused);
                return;
            }
        };
        match Subscription::parse(&post.body, state.function.is_managed) {
            Ok(Subscription {
                streams,
                destination,
                buffering,
            }) => {
                let (sender, messages) = mpsc::channel(buffering.items);
                let (shared, extension) = (shared.clone(), name.clone());
                let failed = move |error: std::io::Error| {
                    let (extension, error) = (extension.clone(), error.to_string());
                    let violation = Violation::TelemetryRefused { extension, error };
                    shared.send_modify(|state| state.violations.push(violation));
                };
                tokio::spawn(deliver(messages, destination, buffering, failed));
                state.telemetry.subscribe(name, streams, sender);
            }
            Err(problems) => {
                let refused = Refused::new("ValidationError", problems.as_str());
                state.note_refused(&name, "telemetry", &refused);
                invalid = Some(problems);
            }
        }
    });
    match (result, invalid) {
        (Err(refused), _) => forbidden(&refused),
        (_, Some(why)) => refuse(StatusCode::BAD_REQUEST, "ValidationError", &why),
        (_, None) => json_body(StatusCode::OK, "OK".into()),
    }
}

//! The event sources of a function in a template: its events, and its function URL.

use super::apis::Apis;
use super::notes::Notes;
use super::value::Node;
use super::{Api, Cors, EventSource, Function, InvokeMode, Route, SourceKind, sources};

/// Returns the event sources of a function that are not routes. A note names each of an unknown type.
pub(super) fn sources(
    resource: &str,
    own: Node<'_>,
    region: &str,
    notes: &mut Notes<'_>,
) -> Vec<EventSource> {
    let mut sources = Vec::new();
    for (name, event) in own.get("Events").entries() {
        let kind = event.get("Type").text().unwrap_or_default();
        if matches!(kind.as_str(), "Api" | "HttpApi") {
            continue;
        }
        let (source, unknown) = sources::of_event(resource, name, event, region);
        if matches!(source.kind, SourceKind::Other(_)) {
            let note = format!(
                "{resource}: the event {name} is of type {kind}, which has no route here; invoke the function by its name"
            );
            notes.of(resource, &["Events", name, "Type"], &note);
        }
        if let Some(property) = unknown {
            let note = format!(
                "{resource}: the {property} of the event {name} is a value that only a deployment can tell; its events have the one of the sample"
            );
            notes.of(resource, &["Events", name, "Properties", property], &note);
        }
        sources.push(source);
    }
    sources
}

/// Returns the routes of a function's events.
pub(super) fn routes(
    resource: &str,
    own: Node<'_>,
    apis: &Apis,
    notes: &mut Notes<'_>,
) -> Vec<Route> {
    let mut routes = Vec::new();
    for (name, event) in own.get("Events").entries() {
        let kind = event.get("Type").text().unwrap_or_default();
        let api = match kind.as_str() {
            "Api" => Api::Rest,
            "HttpApi" => Api::Http,
            _ => continue,
        };
        let properties = event.get("Properties");
        let payload = properties.get("PayloadFormatVersion").text();
        let has_payload_1 = api == Api::Http && payload.as_deref() == Some("1.0");
        let settings = apis.of_event(api, properties);
        let (method, path) = (properties.get("Method"), properties.get("Path"));
        // HTTP APIs do not have the property.
        let transfer = properties.get("ResponseTransferMode").text();
        let mode = match transfer.as_deref().filter(|_| api == Api::Rest) {
            Some("RESPONSE_STREAM") => InvokeMode::ResponseStream,
            Some("BUFFERED") | None => InvokeMode::Buffered,
            // https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-api.html
            Some(other) => {
                let note = format!(
                    "{resource}: the ResponseTransferMode {other} of the event {name} is neither BUFFERED nor RESPONSE_STREAM; SAM ignores it"
                );
                notes.of(
                    resource,
                    &["Events", name, "Properties", "ResponseTransferMode"],
                    &note,
                );
                InvokeMode::Buffered
            }
        };
        let (method, path) = match (method.text(), path.text()) {
            (Some(method), Some(path)) => match path.as_str() {
                "/$default" if api == Api::Http => {
                    (method.to_uppercase(), Route::DEFAULT.to_owned())
                }
                _ => (method.to_uppercase(), path),
            },
            (None, None) if api == Api::Http && method.is_absent() && path.is_absent() => {
                ("ANY".to_owned(), Route::DEFAULT.to_owned())
            }
            _ => {
                let note = format!(
                    "{resource}: the event {name} has no plain Method and Path; it gets no route"
                );
                notes.of(resource, &["Events", name], &note);
                continue;
            }
        };
        let auth = properties.get("Auth");
        let of = format!("{resource}: the event {name}");
        let mut route = Route::new(api, &method, &path);
        route.set_mode(mode, properties.get("TimeoutInMillis"));
        route.has_payload_1 = has_payload_1;
        route.needs_api_key = api == Api::Rest && settings.auth.needs_api_key(auth);
        route.authorization = settings.auth.of_event(&of, auth, notes);
        route.settings = settings;
        routes.push(route);
    }
    routes
}

/// Gives a function its URL, if it has a `FunctionUrlConfig`.
pub(super) fn set_url(
    function: &mut Function,
    resource: &str,
    config: Node<'_>,
    notes: &mut Notes<'_>,
) {
    if config.is_absent() {
        return;
    }
    function.url_cors = Cors::read(resource, config.get("Cors"), notes);
    function.has_signed_url = config.get("AuthType").text().as_deref() == Some("AWS_IAM");
    let mode = config.get("InvokeMode");
    function.url = Some(match mode.text().as_deref() {
        Some("RESPONSE_STREAM") => InvokeMode::ResponseStream,
        Some("BUFFERED") => InvokeMode::Buffered,
        None if mode.is_absent() => InvokeMode::Buffered,
        _ => {
            let note = format!(
                "{resource}: the InvokeMode is neither BUFFERED nor RESPONSE_STREAM; it is BUFFERED here"
            );
            notes.of(resource, &["FunctionUrlConfig", "InvokeMode"], &note);
            InvokeMode::Buffered
        }
    });
}

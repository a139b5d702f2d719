//! The page of `dev`: the functions, and the invocations as they happen.
//!
//! The page has no build step and asks no other server. The event source in front of it refuses requests of other sites, and
//! requests for foreign hosts.

mod copies;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::{self, Stream};
use lambda_wasm_emulator::{Functions, Invocation, Other};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::banner;
use super::functions::LocalFunctions;
use super::history::History;
use crate::invoke::sample;

/// The path of the page. The routes of a template cannot have it.
pub(super) const PATH: &str = "/_lambda";

/// The most bytes of a request: an event of 6 MiB, quoted in JSON.
const MOST_SENT: usize = 16 * 1024 * 1024;

/// The wait for more changes before a message to the page.
const PAUSE: Duration = Duration::from_millis(50);

/// The page and its parts come from here, and nothing else may run, be shown or be asked.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The state that the handlers share.
#[derive(Clone)]
struct Page {
    address: SocketAddr,
    functions: Arc<LocalFunctions>,
    history: Arc<History>,
    /// The notes about the template.
    notes: Arc<[String]>,
    /// The functions that are not run here.
    others: Arc<[Other]>,
}

/// Returns the routes of the page, which listens on `address` with the gateway.
pub(super) fn routes(
    address: SocketAddr,
    functions: Arc<LocalFunctions>,
    history: Arc<History>,
    notes: &[String],
    others: Vec<Other>,
) -> Router {
    let page = Page {
        address,
        functions,
        history,
        notes: notes.into(),
        others: others.into(),
    };
    let file =
        |kind: &'static str, text: &'static str| get(async move || ([(CONTENT_TYPE, kind)], text));
    let html = file("text/html; charset=utf-8", include_str!("page/page.html"));
    let script = file(
        "text/javascript; charset=utf-8",
        include_str!("page/page.js"),
    );
    let icon = file("image/svg+xml", include_str!("page/icon.svg"));
    let style = file("text/css; charset=utf-8", include_str!("page/page.css"));
    Router::new()
        .route(PATH, html)
        .route("/_lambda/page.js", script)
        .route("/_lambda/page.css", style)
        .route("/_lambda/icon.svg", icon)
        .route("/_lambda/functions", get(functions_of))
        .route("/_lambda/samples", get(samples))
        .route("/_lambda/changes", get(changes))
        .route("/_lambda/invocations", axum::routing::post(invoke))
        .route("/_lambda/invocations/{number}", get(invocation))
        .layer(DefaultBodyLimit::max(MOST_SENT))
        .layer(map_response(with_policy))
        .with_state(page)
}

async fn with_policy(mut response: Response) -> Response {
    let headers: [(HeaderName, &'static str); 6] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The functions with their routes and URLs, and the notes.
async fn functions_of(State(page): State<Page>) -> Json<Value> {
    let functions = page.functions.all();
    let functions = functions.iter().map(|pool| {
        let mut function = banner::function_json(&pool.function, pool.url);
        function["timeout"] = pool.function.timeout.as_secs().into();
        function["memory"] = pool.function.memory_mb.into();
        let sources = pool.function.sources.iter();
        function["sources"] = sources
            .map(|source| {
                let kind = source.kind.name();
                json!({ "name": source.name, "kind": kind, "event": sample::of_source(source) })
            })
            .collect();
        function
    });
    let others = page.others.iter();
    let others = others.map(|other| json!({ "name": other.name, "why": other.to_string() }));
    Json(json!({
        "address": format!("http://{}", page.address),
        "functions": functions.collect::<Vec<_>>(),
        "others": others.collect::<Vec<_>>(),
        "notes": *page.notes,
    }))
}

/// The sample events by their names.
async fn samples() -> Json<Value> {
    let samples = sample::names().into_iter();
    let samples = samples.filter_map(|name| Some((name.to_owned(), sample::find(name).ok()?)));
    Json(Value::Object(samples.collect()))
}

/// Streams the summaries of all invocations, and of each that changes.
///
/// The id of a message is the run of `dev` and the version up to which the page knows all changes. A browser that connects
/// again sends it, and gets the changes since. It drops what it has when the run is another one.
async fn changes(
    State(page): State<Page>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let history = page.history;
    let known = headers.get("last-event-id").and_then(|id| {
        let (run, version) = id.to_str().ok()?.split_once(' ')?;
        (run == history.run).then(|| version.parse().ok())?
    });
    let mut versions = history.watch();
    // A page that connects again has missed changes.
    versions.mark_changed();
    let messages = stream::unfold(
        (history, versions, known),
        |(history, mut versions, known)| async move {
            if known.is_some() {
                versions.changed().await.ok()?;
                sleep(PAUSE).await;
            }
            versions.borrow_and_update();
            let (changed, version) = history.changed_since(known.unwrap_or_default());
            let kind = match known {
                Some(_) => "changed",
                None => "all",
            };
            let message = Event::default()
                .event(kind)
                .id(format!("{} {version}", history.run))
                .data(Value::Array(changed).to_string());
            Some((Ok(message), (history, versions, Some(version))))
        },
    );
    Sse::new(messages).keep_alive(KeepAlive::default())
}

/// An invocation with its details, and the texts to copy.
async fn invocation(State(page): State<Page>, Path(number): Path<u64>) -> Response {
    let read = page.history.read(number, |entry| {
        let mut json = entry.to_json();
        if let (Some(function), Some(details)) = (&entry.function, &entry.details) {
            let pools = page.functions.all();
            let pool = pools.iter().find(|pool| pool.function.name == *function);
            let url = pool.and_then(|pool| pool.url);
            json["copies"] = json!({
                "curl": copies::curl(function, details, page.address, url),
                "invoke": copies::invoke(function, details),
                "test": copies::test(function, details, entry.failure.as_ref()),
            });
        }
        json
    });
    match read {
        Some(json) => Json(json).into_response(),
        None => problem(StatusCode::NOT_FOUND, "the invocation is no longer kept"),
    }
}

/// An event to send.
#[derive(Deserialize)]
struct Send {
    function: String,
    /// The text of the event, which need not be JSON.
    event: String,
}

/// Invokes a function, and does not wait for its response. Returns the request id.
async fn invoke(State(page): State<Page>, sent: Result<Json<Send>, JsonRejection>) -> Response {
    let Json(Send { function, event }) = match sent {
        Ok(sent) => sent,
        Err(error) => return problem(error.status(), &error.body_text()),
    };
    let Some(known) = page.functions.find(&function) else {
        return problem(
            StatusCode::NOT_FOUND,
            &format!("there is no function {function}"),
        );
    };
    let id = Uuid::new_v4().to_string();
    let invocation = Invocation::new(event)
        .request_id(&id)
        .timeout(known.timeout)
        .function_arn(&known.arn());
    let functions = page.functions;
    tokio::spawn(async move {
        let outcome = functions.invoke(&function, invocation, None).await;
        // A stream ends only when it is read.
        outcome.collect().await
    });
    (StatusCode::ACCEPTED, Json(json!({ "id": id }))).into_response()
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

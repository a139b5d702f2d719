//! The event sources: the APIs that API Gateway would create from the template and Lambda's own Invoke
//! API, on one port, and a port for each function URL and each load balancer.

mod access;
mod alb;
mod answer;
mod arrival;
mod asynchronous;
mod authorizer;
mod authorizer_event;
mod binary;
mod compression;
mod cors;
mod event_stream;
mod function_url;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gateway;
mod guard;
mod http_api;
mod invoke_api;
mod issuer;
mod jwt;
mod noted;
mod policy;
mod refusal;
mod remapped;
mod rest_answer;
mod rest_api;
mod rest_event;
mod routing;
mod signature;
mod streamed;
mod token;
mod v2_answer;
mod v2_event;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::serve::ListenerExt;
use futures_util::stream;
use http_body_util::LengthLimitError;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{Function, Invocation, InvokeMode, Outcome, RuntimeApi, Template};
use arrival::Arrival;

pub use guard::AllowedHosts;
pub use jwt::Claims;

/// The receiver of the end of an invocation's log, once the invocation has ended.
pub type LogTail = oneshot::Sender<Vec<u8>>;

/// The functions that events can be sent to.
pub trait Functions: Send + Sync + 'static {
    /// Invokes a function by its name. Sends up to 4 KB of its log to `log`.
    fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
        log: Option<LogTail>,
    ) -> impl Future<Output = Outcome> + Send;

    /// Returns a function that the template does not have, for the Invoke API.
    fn find(&self, _name: &str) -> Option<Function> {
        None
    }

    /// Reports a response that is not an HTTP response. The client of the request gets a bare 500 or 502.
    fn malformed(&self, _function: &str, _request: &str, _why: &str) {}

    /// Reports to the developer how AWS treats a request or its response, if the function may not expect it.
    fn note(&self, _function: &str, _request: &str, _note: &str) {}

    /// Reports a request that is refused, since it is for another host. No function sees it.
    fn refused(&self, _host: &str) {}

    /// Reports a request that was answered.
    fn answered(&self, _answered: &Answered<'_>) {}
}

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The id of the request, which its [`Invocation`] has too, if there is an invocation.
    pub id: &'a str,
    /// The function of the request, unless no route matched.
    pub function: Option<&'a str>,
    /// The method and path, or `invoke` if the request names the function.
    pub request: &'a str,
    /// The status of the response.
    pub status: u16,
    /// The time until the end of the response, or of its head if it streams.
    pub took: Duration,
}

/// One runtime that serves every function. Its log is not known.
impl Functions for RuntimeApi {
    async fn invoke(
        &self,
        _function: &str,
        invocation: Invocation,
        _log: Option<LogTail>,
    ) -> Outcome {
        self.submit(invocation).outcome().await
    }
}

/// Serves a template's routes and the Invoke API on a socket, until the future is dropped.
///
/// The paths of `pages` are served before the routes of the template. A page of another site reaches none of them. Requests without
/// a token that a JWT authorizer can check have `claims`.
pub async fn serve<F: Functions>(
    listener: TcpListener,
    template: Template,
    functions: Arc<F>,
    hosts: AllowedHosts,
    pages: Router,
    claims: Option<Claims>,
) -> io::Result<()> {
    let pages = guard::protect(pages, hosts.clone(), functions.clone());
    let gateway = gateway::Gateway::new(template, functions, claims);
    listen(listener, gateway, hosts, pages).await
}

/// Serves a function's URL on a socket, until the future is dropped.
///
/// With [`InvokeMode::ResponseStream`], a streamed response is passed on as it arrives. If it fails,
/// the connection is closed without the last chunk. A buffered response is read as with
/// [`InvokeMode::Buffered`].
pub async fn serve_url<F: Functions>(
    listener: TcpListener,
    function: Function,
    mode: InvokeMode,
    functions: Arc<F>,
    hosts: AllowedHosts,
) -> io::Result<()> {
    let url = function_url::FunctionUrl {
        function,
        mode,
        functions,
        noted: noted::Noted::default(),
    };
    listen(listener, url, hosts, Router::new()).await
}

/// Serves a function behind a load balancer on a socket, until the future is dropped.
pub async fn serve_alb<F: Functions>(
    listener: TcpListener,
    function: Function,
    functions: Arc<F>,
    hosts: AllowedHosts,
) -> io::Result<()> {
    let balancer = alb::LoadBalancer {
        function,
        functions,
    };
    listen(listener, balancer, hosts, Router::new()).await
}

/// An event source that answers the requests of a port.
trait Door: Send + Sync + 'static {
    /// The functions that it invokes.
    type Functions: Functions;

    /// Returns the functions that it invokes.
    fn functions(&self) -> &Self::Functions;

    /// Answers a request, whose body is `None` if it has more than [`MAX_BODY`] bytes.
    fn answer(
        &self,
        arrival: &Arrival,
        parts: &Parts,
        body: Option<&Bytes>,
    ) -> impl Future<Output = Answer> + Send;
}

/// The response of an event source.
struct Answer {
    /// The function of the request, unless no route matched.
    function: Option<String>,
    /// Whether the request names the function.
    is_invoke: bool,
    response: Response<Body>,
}

impl Answer {
    /// Creates a response without a function.
    fn without_function(response: Response<Body>) -> Self {
        Self {
            function: None,
            is_invoke: false,
            response,
        }
    }
}

/// The largest body of a request, in bytes: API Gateway's limit,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>. Lambda has a lower limit
/// of the event, [`MAX_EVENT`].
const MAX_BODY: usize = 10 * 1024 * 1024;

/// The largest event of a synchronous invocation, in bytes, with a body's base64: "Lambda quotas" in
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const MAX_EVENT: usize = 6 * 1024 * 1024;

async fn listen(
    listener: TcpListener,
    door: impl Door,
    hosts: AllowedHosts,
    pages: Router,
) -> io::Result<()> {
    let (door, hosts) = (Arc::new(door), Arc::new(hosts));
    let handler = move |ConnectInfo(client): ConnectInfo<SocketAddr>, request: Request| {
        let (door, hosts) = (door.clone(), hosts.clone());
        // As on AWS, an invocation continues without its client: it is a separate task.
        let task = tokio::spawn(async move { handle(&*door, &hosts, client, request).await });
        async move {
            // An error means that the task panicked, and has printed that.
            let failed = |_| status(StatusCode::INTERNAL_SERVER_ERROR);
            task.await.unwrap_or_else(failed)
        }
    };
    let listener = listener.tap_io(|stream| {
        // Without this option, chunks may wait for an acknowledgement. An error means no more than that.
        drop(stream.set_nodelay(true));
    });
    let router = pages.fallback(handler);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await
}

async fn handle<D: Door>(
    door: &D,
    hosts: &AllowedHosts,
    client: SocketAddr,
    request: Request,
) -> Response<Body> {
    let start = Instant::now();
    let (parts, body) = request.into_parts();
    if let Some((refusal, host)) = hosts.refusal(&parts) {
        door.functions().refused(&host);
        return refusal;
    }
    let arrival = Arrival::now(client, &parts.headers);
    let body = match to_bytes(body, MAX_BODY).await {
        Ok(body) => Some(body),
        Err(error) if is_over_the_limit(&error) => None,
        // The client has disconnected, or the rest of its request is malformed.
        Err(_) => return status(StatusCode::BAD_REQUEST),
    };
    let answer = door.answer(&arrival, &parts, body.as_ref()).await;
    let mut response = answer.response;
    complete(&mut response, &parts, &arrival);
    let request = match answer.is_invoke {
        true => "invoke",
        false => &format!("{} {}", parts.method, parts.uri.path()),
    };
    door.functions().answered(&Answered {
        id: &arrival.request_id,
        function: answer.function.as_deref(),
        request,
        status: response.status().as_u16(),
        took: start.elapsed(),
    });
    response
}

/// Returns whether a body is larger than the limit.
fn is_over_the_limit(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.is::<LengthLimitError>())
}

/// Adds the headers of all responses.
fn complete(response: &mut Response<Body>, parts: &Parts, arrival: &Arrival) {
    let is_head_of_something =
        parts.method == Method::HEAD && response.body().size_hint().exact() == Some(0);
    if response.status() == StatusCode::NO_CONTENT || is_head_of_something {
        // The length is not known, and must not be sent as 0: RFC 9110, 8.6.
        *response.body_mut() = Body::from_stream(stream::empty::<Result<Bytes, Infallible>>());
    }
    set(response, "x-amzn-requestid", &arrival.request_id);
    set(response, "x-amzn-trace-id", &arrival.trace_id);
}

/// Adds the function and the trace of the request, which is not sampled here.
fn prepare(function: &Function, invocation: Invocation, arrival: &Arrival) -> Invocation {
    let trace = &arrival.trace_id;
    let parent = &Uuid::new_v4().simple().to_string()[..16];
    invocation
        .timeout(function.timeout)
        .function_arn(&function.arn())
        .trace_id(&format!("{trace};Parent={parent};Sampled=0"))
}

/// Invokes a function with the event of an HTTP request. Returns `None`, and reports it, if the event is
/// too large for Lambda.
async fn run<F: Functions>(
    functions: &F,
    function: &Function,
    invocation: Invocation,
    arrival: &Arrival,
) -> Option<Outcome> {
    let size = invocation.event_size();
    if size > MAX_EVENT {
        let note = format!(
            "the event is too large for Lambda: it has {size} bytes with the base64 of its body, and at most {MAX_EVENT} are allowed"
        );
        functions.note(&function.name, &arrival.request_id, &note);
        return None;
    }
    let invocation = prepare(function, invocation, arrival).answers(&arrival.request_id);
    Some(functions.invoke(&function.name, invocation, None).await)
}

fn message(code: StatusCode, message: &str) -> Response<Body> {
    let mut response = status(code);
    *response.body_mut() = Body::from(json!({ "message": message }).to_string());
    set(&mut response, "content-type", "application/json");
    response
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::default();
    *response.status_mut() = code;
    response
}

/// Sets a header, unless HTTP cannot write its value, which may come from a client.
fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

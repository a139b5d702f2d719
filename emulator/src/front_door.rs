//! What stands before the functions: the APIs that API Gateway would make of the template with
//! Lambda's own Invoke API, on one port, and a port for each function URL.

mod answer;
mod arrival;
mod binary;
mod event_stream;
mod function_url;
mod gateway;
mod invoke_api;
mod rest_answer;
mod rest_event;
mod routing;
mod streamed;
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

/// The account that everything here seems to be in.
pub const ACCOUNT: &str = "123456789012";
/// The region that everything here seems to be in, unless another is asked for.
pub const REGION: &str = "us-east-1";

/// Where the end of an invocation's log goes, once the invocation has ended.
pub type LogTail = oneshot::Sender<Vec<u8>>;

/// Those who can carry out an invocation.
pub trait Functions: Send + Sync + 'static {
    /// Invokes a function by its name. Up to 4 KB of the log go to whoever wants them.
    fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
        log: Option<LogTail>,
    ) -> impl Future<Output = Outcome> + Send;

    /// Is told of an answer that is no HTTP response, which the client sees as a bare 500 or 502.
    fn malformed(&self, _function: &str, _why: &str) {}

    /// Tells the developer how AWS treats a request or a response, if it is not as a function means it.
    fn note(&self, _function: &str, _note: &str) {}

    /// Is told of each request that was answered.
    fn answered(&self, _answered: &Answered<'_>) {}
}

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The function that it was for, unless no route led to one.
    pub function: Option<&'a str>,
    /// Its method and path, or `invoke` if it names the function.
    pub request: &'a str,
    /// The status of the response.
    pub status: u16,
    /// The time until the end of the response, or of its head if it streams.
    pub took: Duration,
}

/// One runtime that serves every function, and whose log is not known.
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
pub async fn serve<F: Functions>(
    listener: TcpListener,
    template: Template,
    functions: Arc<F>,
) -> io::Result<()> {
    listen(listener, gateway::Gateway::new(template, functions)).await
}

/// Serves a function's URL on a socket, until the future is dropped.
///
/// With [`InvokeMode::ResponseStream`], an answer goes to the client as it comes. If it does not
/// end well, the connection is closed without the last chunk. An answer that comes as a whole is
/// understood as with [`InvokeMode::Buffered`].
pub async fn serve_url<F: Functions>(
    listener: TcpListener,
    function: Function,
    mode: InvokeMode,
    functions: Arc<F>,
) -> io::Result<()> {
    let url = function_url::FunctionUrl {
        function,
        mode,
        functions,
    };
    listen(listener, url).await
}

/// What answers the requests of a port.
trait Door: Send + Sync + 'static {
    /// Those who carry out its invocations.
    type Functions: Functions;

    /// See there.
    fn functions(&self) -> &Self::Functions;

    /// Answers a request, whose body is `None` if it has more than [`MAX_BODY`] bytes.
    fn answer(
        &self,
        arrival: &Arrival,
        parts: &Parts,
        body: Option<&Bytes>,
    ) -> impl Future<Output = Answer<'_>> + Send;
}

/// The answer of a door.
struct Answer<'a> {
    /// The function that the request was for, unless no route led to one.
    function: Option<&'a str>,
    /// Whether the request names the function.
    is_invoke: bool,
    response: Response<Body>,
}

impl Answer<'_> {
    /// An answer that no function has a part in.
    fn without_function(response: Response<Body>) -> Self {
        Self {
            function: None,
            is_invoke: false,
            response,
        }
    }
}

/// The most bytes that the body of a request may have. API Gateway's limit:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>. Lambda's is lower, and
/// is one of the event: [`MAX_EVENT`].
const MAX_BODY: usize = 10 * 1024 * 1024;

/// The most bytes that the event of a synchronous invocation may have, with a body's base64: "Lambda
/// quotas" in <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const MAX_EVENT: usize = 6 * 1024 * 1024;

async fn listen(listener: TcpListener, door: impl Door) -> io::Result<()> {
    let door = Arc::new(door);
    let handler = move |ConnectInfo(client): ConnectInfo<SocketAddr>, request: Request| {
        let door = door.clone();
        // As on AWS, an invocation goes on if its client has gone: it is a task for itself.
        let task = tokio::spawn(async move { handle(&*door, client, request).await });
        async move {
            // It panicked if this is an error, and has said so.
            let failed = |_| status(StatusCode::INTERNAL_SERVER_ERROR);
            task.await.unwrap_or_else(failed)
        }
    };
    let listener = listener.tap_io(|stream| {
        // Without it chunks may wait for an acknowledgement; with an error they only do that.
        drop(stream.set_nodelay(true));
    });
    let router = Router::new().fallback(handler);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await
}

async fn handle<D: Door>(door: &D, client: SocketAddr, request: Request) -> Response<Body> {
    let start = Instant::now();
    let (parts, body) = request.into_parts();
    let arrival = Arrival::now(client, &parts.headers);
    let body = match to_bytes(body, MAX_BODY).await {
        Ok(body) => Some(body),
        Err(error) if is_over_the_limit(&error) => None,
        // The client has gone, or its request is malformed from here on.
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
        function: answer.function,
        request,
        status: response.status().as_u16(),
        took: start.elapsed(),
    });
    response
}

/// Whether a body is larger than what is read of it.
fn is_over_the_limit(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.is::<LengthLimitError>())
}

/// Adds what all responses have.
fn complete(response: &mut Response<Body>, parts: &Parts, arrival: &Arrival) {
    let is_head_of_something =
        parts.method == Method::HEAD && response.body().size_hint().exact() == Some(0);
    if response.status() == StatusCode::NO_CONTENT || is_head_of_something {
        // Of a length that nobody knows, for it may not be said to be 0: RFC 9110, 8.6.
        *response.body_mut() = Body::from_stream(stream::empty::<Result<Bytes, Infallible>>());
    }
    set(response, "x-amzn-requestid", &arrival.request_id);
    set(response, "x-amzn-trace-id", &arrival.trace_id);
}

/// Adds what Lambda knows of the function and of the request's trace, which is not sampled here.
fn prepare(function: &Function, invocation: Invocation, arrival: &Arrival) -> Invocation {
    let trace = &arrival.trace_id;
    let parent = &Uuid::new_v4().simple().to_string()[..16];
    invocation
        .timeout(function.timeout)
        .function_arn(&function.arn())
        .trace_id(&format!("{trace};Parent={parent};Sampled=0"))
}

/// Invokes a function with the event of an HTTP request. Returns `None`, and says so, if Lambda does
/// not take the event, since it is too large.
async fn run<F: Functions>(
    functions: &F,
    function: &Function,
    invocation: Invocation,
    arrival: &Arrival,
) -> Option<Outcome> {
    let size = invocation.event_size();
    if size > MAX_EVENT {
        let note = format!(
            "Lambda does not take the event: it has {size} bytes, and at most {MAX_EVENT} are allowed, with the base64 of a body"
        );
        functions.note(&function.name, &note);
        return None;
    }
    let invocation = prepare(function, invocation, arrival);
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

/// Sets a header of ours, unless its value comes from a client and HTTP cannot write it.
fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

//! What stands before the functions: the APIs that API Gateway would make of the template with
//! Lambda's own Invoke API, on one port, and a port for each function URL.

mod answer;
mod arrival;
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
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{Function, Invocation, InvokeMode, Outcome, RuntimeApi, Template};
use arrival::Arrival;

/// The account that everything here seems to be in.
pub const ACCOUNT: &str = "123456789012";
/// The region that everything here seems to be in, unless another is asked for.
pub const REGION: &str = "us-east-1";

/// Those who can carry out an invocation.
pub trait Functions: Send + Sync + 'static {
    /// Invokes a function by its name.
    fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
    ) -> impl Future<Output = Outcome> + Send;

    /// Is told of an answer that is no HTTP response, which the client sees as a bare 500 or 502.
    fn malformed(&self, _function: &str, _why: &str) {}

    /// Is told of a request that was answered, and how long that took: until the end of the answer,
    /// or of its head if it streams.
    fn answered(&self, _method: &str, _path: &str, _status: u16, _took: Duration) {}
}

/// One runtime that serves every function.
impl Functions for RuntimeApi {
    async fn invoke(&self, _function: &str, invocation: Invocation) -> Outcome {
        self.submit(invocation).outcome().await
    }
}

/// Serves a template's routes and the Invoke API on a socket, until the future is dropped.
pub async fn serve<F: Functions>(
    listener: TcpListener,
    template: Template,
    functions: Arc<F>,
) -> io::Result<()> {
    let gateway = gateway::Gateway {
        template,
        functions,
    };
    listen(listener, gateway).await
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

    /// The most bytes that a request's body may have.
    const MAX_REQUEST: usize;

    /// Answers a request.
    fn answer(
        &self,
        arrival: &Arrival,
        parts: &Parts,
        body: &Bytes,
    ) -> impl Future<Output = Response<Body>> + Send;
}

async fn listen(listener: TcpListener, door: impl Door) -> io::Result<()> {
    let door = Arc::new(door);
    let handler = move |ConnectInfo(client): ConnectInfo<SocketAddr>, request: Request| {
        let door = door.clone();
        async move { handle(&*door, client, request).await }
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
    let response = respond(door, client, &parts, body).await;
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let status = response.status().as_u16();
    door.functions()
        .answered(method, path, status, start.elapsed());
    response
}

async fn respond<D: Door>(
    door: &D,
    client: SocketAddr,
    parts: &Parts,
    body: Body,
) -> Response<Body> {
    let Ok(body) = to_bytes(body, D::MAX_REQUEST).await else {
        let why = format!("HTTP content length exceeded {} bytes.", D::MAX_REQUEST);
        return message(StatusCode::PAYLOAD_TOO_LARGE, &why);
    };
    let arrival = Arrival::now(client, &parts.headers);
    let mut response = door.answer(&arrival, parts, &body).await;
    let is_head_of_something =
        parts.method == Method::HEAD && response.body().size_hint().exact() == Some(0);
    if response.status() == StatusCode::NO_CONTENT || is_head_of_something {
        // Of a length that nobody knows, for it may not be said to be 0: RFC 9110, 8.6.
        *response.body_mut() = Body::from_stream(stream::empty::<Result<Bytes, Infallible>>());
    }
    set(&mut response, "x-amzn-requestid", &arrival.request_id);
    set(&mut response, "x-amzn-trace-id", &arrival.trace_id);
    response
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

async fn run<F: Functions>(
    functions: &F,
    function: &Function,
    invocation: Invocation,
    arrival: &Arrival,
) -> Outcome {
    let invocation = prepare(function, invocation, arrival);
    functions.invoke(&function.name, invocation).await
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

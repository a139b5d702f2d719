//! What stands before the functions: a REST API as API Gateway would make it of the template, and
//! Lambda's own Invoke API, on one port.

mod invoke_api;
mod rest_answer;
mod rest_event;
mod routing;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use serde_json::json;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{Function, Invocation, Outcome, RuntimeApi, Template};
use invoke_api::Mode;
use rest_event::Arrival;

/// The account that everything here seems to be in.
pub const ACCOUNT: &str = "123456789012";
/// The region that everything here seems to be in.
pub const REGION: &str = "us-east-1";

/// The most that a request's body may have: API Gateway's limit of 10 MiB.
const MAX_REQUEST: usize = 10 * 1024 * 1024;

/// Those who can carry out an invocation.
pub trait Functions: Send + Sync + 'static {
    /// Invokes a function of the template by its name.
    fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
    ) -> impl Future<Output = Outcome> + Send;

    /// Is told of an answer that is no response of a REST API, which the client sees as a bare 502.
    fn malformed(&self, _function: &str, _why: &str) {}
}

/// One runtime that serves every function.
impl Functions for RuntimeApi {
    async fn invoke(&self, _function: &str, invocation: Invocation) -> Outcome {
        self.submit(invocation).outcome().await
    }
}

struct Door<F> {
    template: Template,
    functions: Arc<F>,
}

/// Serves a template's routes and the Invoke API on a socket, until the future is dropped.
pub async fn serve<F: Functions>(
    listener: TcpListener,
    template: Template,
    functions: Arc<F>,
) -> io::Result<()> {
    let door = Arc::new(Door {
        template,
        functions,
    });
    let router = Router::new().fallback(handle::<F>).with_state(door);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await
}

/// The ARN that a function of this name has here.
pub fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

async fn handle<F: Functions>(
    State(door): State<Arc<Door<F>>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST).await else {
        let why = format!("HTTP content length exceeded {MAX_REQUEST} bytes.");
        return message(StatusCode::PAYLOAD_TOO_LARGE, &why);
    };
    match invoke_api::function_name(parts.uri.path()) {
        Some(name) if parts.method == Method::POST => door.invoke(name, &parts, &body).await,
        _ => door.rest(client, &parts, &body).await,
    }
}

impl<F: Functions> Door<F> {
    /// A request for the REST API.
    async fn rest(&self, client: SocketAddr, parts: &Parts, body: &Bytes) -> Response<Body> {
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let Some(found) = routing::find(&self.template.functions, method, path) else {
            return message(StatusCode::FORBIDDEN, "Missing Authentication Token");
        };
        let request_id = Uuid::new_v4().to_string();
        let trace_id = trace_id(parts);
        let arrival = Arrival {
            source_ip: client.ip(),
            time: OffsetDateTime::now_utc(),
            request_id: &request_id,
            trace_id: &trace_id,
        };
        let event = rest_event::event(parts, body, &found, &arrival);
        let invocation = Invocation::new(event.to_string());
        let outcome = self.run(found.function, invocation, &trace_id).await;
        let mut response = match &outcome {
            Outcome::Response(post) => rest_answer::response(&post.body).unwrap_or_else(|why| {
                self.functions.malformed(&found.function.name, &why);
                message(StatusCode::BAD_GATEWAY, "Internal server error")
            }),
            Outcome::TimedOut => message(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out"),
            _ => message(StatusCode::BAD_GATEWAY, "Internal server error"),
        };
        set(&mut response, "x-amzn-requestid", &request_id);
        set(&mut response, "x-amzn-trace-id", &trace_id);
        response
    }

    /// A request for the Invoke API.
    async fn invoke(&self, name: &str, parts: &Parts, body: &Bytes) -> Response<Body> {
        let Some(function) = self.template.function(name) else {
            return invoke_api::not_found(name, &self.template.functions);
        };
        let request_id = Uuid::new_v4().to_string();
        let invocation = invoke_api::invocation(&parts.headers, body).request_id(&request_id);
        let trace_id = trace_id(parts);
        let mut response = match Mode::of(&parts.headers) {
            Mode::DryRun => status(StatusCode::NO_CONTENT),
            Mode::Event => {
                let functions = self.functions.clone();
                let function = function.clone();
                tokio::spawn(async move {
                    let invocation = prepare(&function, invocation, &trace_id);
                    functions.invoke(&function.name, invocation).await
                });
                status(StatusCode::ACCEPTED)
            }
            Mode::RequestResponse => {
                let outcome = self.run(function, invocation, &trace_id).await;
                invoke_api::response(&outcome, &request_id, function.timeout)
            }
        };
        set(&mut response, "x-amzn-requestid", &request_id);
        response
    }

    async fn run(&self, function: &Function, invocation: Invocation, trace: &str) -> Outcome {
        let invocation = prepare(function, invocation, trace);
        self.functions.invoke(&function.name, invocation).await
    }
}

/// Adds what Lambda knows of the function and of the request's trace, which is not sampled here.
fn prepare(function: &Function, invocation: Invocation, trace: &str) -> Invocation {
    let parent = &Uuid::new_v4().simple().to_string()[..16];
    invocation
        .timeout(function.timeout)
        .function_arn(&function_arn(&function.name))
        .trace_id(&format!("{trace};Parent={parent};Sampled=0"))
}

/// The root of the client's trace, or of a new one.
fn trace_id(parts: &Parts) -> String {
    let sent = parts.headers.get("x-amzn-trace-id");
    let sent = sent.and_then(|value| value.to_str().ok());
    let root = sent.and_then(|value| value.split(';').find(|part| part.starts_with("Root=")));
    root.map(str::to_owned).unwrap_or_else(|| {
        let seconds = OffsetDateTime::now_utc().unix_timestamp();
        let random = &Uuid::new_v4().simple().to_string()[..24];
        format!("Root=1-{seconds:08x}-{random}")
    })
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

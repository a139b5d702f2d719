//! Requests and responses as `wasi:http` components have them.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Builder;
use http::response::Parts;
use http::{HeaderName, HeaderValue, Method, Request as HttpRequest, Uri};
use http_body_util::{BodyExt, Full};
use serde::Serialize;
use wasmtime_wasi_http::WasiBody;

use super::text::quoted;
use super::{EventError, Request, budget, header_text};
use crate::bindings::{Context, api};
use crate::failure::{ErrorType, Failure, to_ascii};

/// The headers in which the AWS Lambda Web Adapter passes on the metadata of a request.
///
/// See <https://github.com/awslabs/aws-lambda-web-adapter#request-context>.
const REQUEST_CONTEXT: HeaderName = HeaderName::from_static("x-amzn-request-context");
const LAMBDA_CONTEXT: HeaderName = HeaderName::from_static("x-amzn-lambda-context");

/// All headers that the host itself adds to a request. They have account ids, claims and addresses in them.
pub const CONTEXT_HEADERS: [HeaderName; 2] = [REQUEST_CONTEXT, LAMBDA_CONTEXT];

/// The authority of a request that names none.
const DEFAULT_AUTHORITY: &str = "localhost";

/// The memory of a header in a map, in bytes, in addition to its value: an entry, and the block that has the value.
const MAX_HEADER_OVERHEAD: usize = 160;

/// The request that an HTTP event is.
///
/// # Errors
///
/// If the event has a method, a path or a header that HTTP does not allow.
pub fn request(request: Request<'_>, context: &Context) -> Result<HttpRequest<WasiBody>, Failure> {
    let (scheme, target) = (request.scheme(), request.path_and_query());
    let authority = request.authority().unwrap_or(DEFAULT_AUTHORITY);
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query(target.as_str())
        .build()
        .map_err(|error| {
            invalid(&format!(
                "the address {} is invalid ({error})",
                quoted(&format!("{scheme}://{authority}{target}"))
            ))
        })?;
    let method = Method::from_bytes(request.record.method.as_bytes())
        .map_err(|_| invalid(&format!("the method is {}", quoted(&request.record.method))))?;
    let mut built = HttpRequest::builder().method(method).uri(uri);
    let too_large = |exceeded| Failure::from(EventError::from(exceeded));
    budget::check(request.record.headers.len() * MAX_HEADER_OVERHEAD).map_err(too_large)?;
    for (name, value) in request.headers().map_err(too_large)? {
        budget::check(name.len() + value.len()).map_err(too_large)?;
        let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value.as_bytes()),
        ) else {
            return Err(invalid(&format!(
                "it has the header {} with the value {}",
                quoted(name),
                quoted(&value)
            )));
        };
        // Only this host says what these say.
        if !CONTEXT_HEADERS.contains(&name) {
            built = built.header(name, value);
        }
    }
    if let Some(context) = request.request_context() {
        built = built.header(REQUEST_CONTEXT, context);
    }
    finish(built, context, request.record.body)
}

/// Returns the request that an event becomes which is not an HTTP request: a POST of its JSON to `path`.
///
/// # Errors
///
/// Returns an error if the path is not one that a URI can have, which the policy checks.
pub fn event(
    event: Vec<u8>,
    path: &str,
    context: &Context,
) -> Result<HttpRequest<WasiBody>, Failure> {
    let built = HttpRequest::post(format!("http://{DEFAULT_AUTHORITY}{path}"))
        .header(http::header::CONTENT_TYPE, "application/json");
    finish(built, context, event)
}

fn finish(
    built: Builder,
    context: &Context,
    body: Vec<u8>,
) -> Result<HttpRequest<WasiBody>, Failure> {
    let mut built = built.header(LAMBDA_CONTEXT, lambda_context(context));
    // Some event sources leave the length out, and a request without a length has no body: RFC 9112, 6.3.
    let headers = built.headers_ref();
    if !body.is_empty() && !headers.is_some_and(|headers| headers.contains_key(CONTENT_LENGTH)) {
        built = built.header(CONTENT_LENGTH, body.len());
    }
    built
        .body(
            Full::new(Bytes::from(body))
                .map_err(|never| match never {})
                .boxed_unsync(),
        )
        .map_err(|error| invalid(&format!("it has too many headers ({error})")))
}

fn invalid(why: &str) -> Failure {
    Failure::new(
        ErrorType::InvalidEvent,
        format!("HTTP does not allow the event's request: {why}"),
    )
}

/// The part of the context that belongs to the function, not to the invocation.
#[derive(Serialize)]
struct FunctionContext<'a> {
    function_name: &'a str,
    memory: u32,
    version: &'a str,
    log_stream: Option<&'a str>,
    log_group: Option<&'a str>,
}

/// The context under the names of the Web Adapter, which are those of the official Rust runtime.
#[derive(Serialize)]
struct LambdaContext<'a> {
    request_id: &'a str,
    deadline: u64,
    invoked_function_arn: &'a str,
    xray_trace_id: Option<&'a str>,
    client_context: serde_json::Value,
    identity: serde_json::Value,
    tenant_id: Option<&'a str>,
    env_config: FunctionContext<'a>,
}

/// The value of its header.
fn lambda_context(context: &Context) -> String {
    let parsed = |json: &Option<String>| -> serde_json::Value {
        json.as_deref()
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default()
    };
    let json = LambdaContext {
        request_id: &context.request_id,
        deadline: context.deadline_ms,
        invoked_function_arn: &context.invoked_function_arn,
        xray_trace_id: context.trace_id.as_deref(),
        client_context: parsed(&context.client_context),
        identity: parsed(&context.cognito_identity),
        tenant_id: context.tenant_id.as_deref(),
        env_config: FunctionContext {
            function_name: &context.function_name,
            memory: context.memory_limit_mib,
            version: &context.function_version,
            log_stream: context.log_stream.as_deref(),
            log_group: context.log_group.as_deref(),
        },
    };
    // Names and strings always are JSON.
    to_ascii(&serde_json::to_string(&json).unwrap_or_default())
}

/// The status, headers and cookies of a response, without its body.
#[must_use]
pub fn response(parts: &Parts) -> api::Response {
    let mut response = api::Response {
        status_code: parts.status.as_u16(),
        headers: Vec::new(),
        cookies: Vec::new(),
        body: Vec::new(),
    };
    for (name, value) in &parts.headers {
        let value = header_text(value.as_bytes()).into_owned();
        if name == http::header::SET_COOKIE {
            response.cookies.push(value);
        } else {
            response.headers.push((name.as_str().to_owned(), value));
        }
    }
    response
}

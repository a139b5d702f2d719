//! Lambda's own Invoke API, for `aws lambda invoke --endpoint-url`: "Invoke" in Lambda's API reference.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::routing::decode;
use super::{MAX_BODY, MAX_EVENT};
use crate::runtime_api::MAX_ANSWER;
use crate::{Function, Invocation, Outcome, function_name};

/// The two operations that invoke a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// `Invoke`.
    Whole,
    /// `InvokeWithResponseStream`.
    Stream,
}

impl Operation {
    fn from_path(path: &str) -> Option<(Self, &str)> {
        let strip = |before, after| path.strip_prefix(before)?.strip_suffix(after);
        let whole = strip("/2015-03-31/functions/", "/invocations");
        let stream = || strip("/2021-11-15/functions/", "/response-streaming-invocations");
        let whole = whole.map(|name| (Self::Whole, name));
        whole.or_else(|| Some((Self::Stream, stream()?)))
    }
}

/// The function that a request names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub name: String,
    /// The version or alias in its name. All are the same code here.
    qualifier: Option<String>,
}

/// Returns the operation of a path of the Invoke API, and the function that the path names: by its name,
/// its ARN or the end of its ARN, with or without a version or alias. SDKs encode the colons of an ARN.
pub(super) fn operation(path: &str) -> Option<(Operation, Target)> {
    let (operation, name) = Operation::from_path(path)?;
    let name = decode(name);
    let (name, qualifier) = function_name::split(&name);
    let target = Target {
        name: name.to_owned(),
        qualifier: qualifier.map(str::to_owned),
    };
    Some((operation, target))
}

impl Target {
    /// Returns the response to a request whose parameter `Qualifier` differs from the version or alias in the name: "Invoke" in
    /// Lambda's API reference, with the words that users report.
    pub fn mismatch(&self, query: Option<&str>) -> Option<Response<Body>> {
        let mut pairs = query.unwrap_or_default().split('&');
        let given = decode(pairs.find_map(|pair| pair.strip_prefix("Qualifier="))?);
        let own = self.qualifier.as_ref()?;
        (*own != given).then(|| {
            let message = "The derived qualifier from the function name does not match the specified qualifier.";
            error(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message)
        })
    }
}

/// The most bytes of the event of an asynchronous invocation: "Lambda quotas" in
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const MAX_ASYNCHRONOUS: usize = 1024 * 1024;

/// Returns the response to a payload that Lambda refuses: 413 if it is too large, and 400 if it is not
/// JSON ("Errors" of Invoke in Lambda's API reference). The body is `None` if it is over the limit of
/// all bodies.
pub(super) fn refusal(mode: &InvocationType, body: Option<&Bytes>) -> Option<Response<Body>> {
    let (kind, limit) = match mode {
        InvocationType::Event => ("Event", MAX_ASYNCHRONOUS),
        InvocationType::RequestResponse => ("RequestResponse", MAX_EVENT),
        InvocationType::DryRun => return None,
    };
    let size = body.map(|body| body.len());
    let Some(body) = body.filter(|body| body.len() <= limit) else {
        let size = size.map_or(format!("more than {MAX_BODY}"), |size| size.to_string());
        let message = format!(
            "{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
        );
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Some(error(status, "RequestTooLargeException", &message));
    };
    malformed(body)
}

/// Returns the response to a payload that is not JSON.
fn malformed(payload: &[u8]) -> Option<Response<Body>> {
    if payload.is_empty() {
        return None;
    }
    // serde does not check that skipped strings are UTF-8.
    let why = match std::str::from_utf8(payload) {
        Ok(text) => serde_json::from_str::<IgnoredAny>(text).err()?.to_string(),
        Err(error) => error.to_string(),
    };
    let message = format!("Could not parse request body into json: {why}");
    let status = StatusCode::BAD_REQUEST;
    Some(error(status, "InvalidRequestContentException", &message))
}

/// The type of an invocation.
#[derive(PartialEq, Eq)]
pub(super) enum InvocationType {
    /// The caller waits for the response.
    RequestResponse,
    /// The caller does not wait.
    Event,
    /// The function is not invoked.
    DryRun,
}

impl InvocationType {
    /// # Errors
    ///
    /// Returns the response to an unknown type. Its words are those of the service:
    /// <https://github.com/ex-aws/ex_aws/pull/442>.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Box<Response<Body>>> {
        let mode = headers.get("x-amz-invocation-type");
        match mode.map(|mode| mode.as_bytes()) {
            None | Some(b"RequestResponse") => Ok(Self::RequestResponse),
            Some(b"Event") => Ok(Self::Event),
            Some(b"DryRun") => Ok(Self::DryRun),
            Some(other) => {
                let other = String::from_utf8_lossy(other);
                let message = format!(
                    "1 validation error detected: Value '{other}' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [DryRun, RequestResponse, Event]"
                );
                let kind = "ValidationException";
                Err(Box::new(error(StatusCode::BAD_REQUEST, kind, &message)))
            }
        }
    }
}

/// Returns whether the caller asks for the end of the log.
pub(super) fn wants_log(headers: &HeaderMap) -> bool {
    headers
        .get("x-amz-log-type")
        .is_some_and(|kind| kind.as_bytes() == b"Tail")
}

/// Returns the invocation of a request. Without a payload, the event is an empty object.
pub(super) fn invocation(headers: &HeaderMap, payload: &Bytes) -> Invocation {
    let event = match payload.is_empty() {
        true => b"{}".to_vec(),
        false => payload.to_vec(),
    };
    let invocation = Invocation::new(event);
    let context = headers.get("x-amz-client-context");
    let context = context.and_then(|text| STANDARD.decode(text.as_bytes()).ok());
    let context = context.and_then(|bytes| String::from_utf8(bytes).ok());
    match context {
        Some(json) if !json.contains(char::is_control) => invocation.client_context(&json),
        _ => invocation,
    }
}

/// Returns the response for an outcome. It is 200 even if the function failed, with a header about it.
/// The end of the log is another header, if the caller asks for it.
pub(super) fn response(
    outcome: &Outcome,
    request_id: &str,
    timeout: Duration,
    log: Option<&[u8]>,
) -> Response<Body> {
    let answer = payload(outcome, request_id, timeout);
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("x-amz-executed-version", "$LATEST");
    let response = match log {
        Some(log) => response.header("x-amz-log-result", STANDARD.encode(log)),
        None => response,
    };
    let response = match answer {
        Ok(payload) => response.body(Body::from(payload)),
        Err(error) => response
            .header("x-amz-function-error", "Unhandled")
            .body(Body::from(error)),
    };
    response.unwrap_or_default()
}

/// Returns the payload for an outcome that does not stream: the function's own response, or the error's
/// JSON.
pub(super) fn payload(
    outcome: &Outcome,
    request_id: &str,
    timeout: Duration,
) -> Result<Bytes, Bytes> {
    let error = |kind: &str, message: String| {
        let body = json!({ "errorType": kind, "errorMessage": message });
        Err(Bytes::from(body.to_string()))
    };
    let failed = |what: String| format!("RequestId: {request_id} Error: {what}");
    match outcome {
        Outcome::Response(post) => Ok(post.body.clone()),
        Outcome::Error(post) | Outcome::InitError(post) => Err(post.body.clone()),
        Outcome::TooLarge { .. } => error(
            "Function.ResponseSizeTooLarge",
            format!(
                "Response payload size exceeded maximum allowed payload size ({MAX_ANSWER} bytes)."
            ),
        ),
        Outcome::TimedOut => {
            let seconds = timeout.as_secs_f64();
            let what = format!("Task timed out after {seconds:.2} seconds");
            error("Sandbox.Timedout", failed(what))
        }
        Outcome::ExtensionFailed(failure) => error(&failure.kind, failed(failure.to_string())),
        Outcome::Lost(why) => error("Runtime.ExitError", failed(why.clone())),
        Outcome::NotTaken | Outcome::Streamed(_) => {
            let what = "Runtime did not ask for the event in time".to_owned();
            error("Runtime.NotReady", failed(what))
        }
    }
}

/// Returns the 404 for a function that the template does not have, with the functions that it has.
pub(super) fn not_found(name: &str, functions: &[Function]) -> Response<Body> {
    let known: Vec<_> = functions.iter().map(|f| f.name.as_str()).collect();
    let message = format!(
        "Function not found: {name} (there is: {})",
        known.join(", ")
    );
    error(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message)
}

/// Returns an error of the service, not of a function.
pub(super) fn error(status: StatusCode, kind: &str, message: &str) -> Response<Body> {
    let body: Value = json!({ "Type": "User", "Message": message });
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-amzn-errortype", kind);
    response
        .body(Body::from(body.to_string()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_as_lambda_lets_it_be() {
        let name = |name: &str| {
            let path = format!("/2015-03-31/functions/{name}/invocations");
            operation(&path).map(|(_, target)| target.name)
        };
        for written in [
            "Echo",
            "Echo:live",
            "Echo%3A%24LATEST",
            "arn:aws:lambda:us-east-1:123456789012:function:Echo",
            "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3AEcho",
            "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3AEcho%3A7",
            "123456789012:function:Echo",
            "123456789012%3Afunction%3AEcho%3Alive",
            "function:Echo",
        ] {
            assert_eq!(name(written).as_deref(), Some("Echo"), "{written}");
        }
        assert_eq!(name("my-function").as_deref(), Some("my-function"));
        assert_eq!(operation("/2015-03-31/functions/Echo"), None);
        let path = "/2021-11-15/functions/Echo/response-streaming-invocations";
        let (operation, target) = operation(path).unwrap();
        assert_eq!((operation, &*target.name), (Operation::Stream, "Echo"));
    }

    #[test]
    fn a_qualifier_may_be_in_the_name_and_in_the_query() {
        let mismatch = |name: &str, query: Option<&str>| {
            let path = format!("/2015-03-31/functions/{name}/invocations");
            operation(&path).unwrap().1.mismatch(query).is_some()
        };
        assert!(!mismatch("Echo", Some("Qualifier=live")));
        assert!(!mismatch("Echo:live", None));
        assert!(!mismatch(
            "Echo%3A%24LATEST",
            Some("x=1&Qualifier=%24LATEST")
        ));
        assert!(mismatch("Echo:live", Some("Qualifier=7")));
    }
}

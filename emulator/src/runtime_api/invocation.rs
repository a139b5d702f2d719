//! An invocation by a test or an event source: an event and its headers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
pub(super) const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";
const FUNCTION_ARN: &str = "lambda-runtime-invoked-function-arn";
pub(super) const TRACE_ID: &str = "lambda-runtime-trace-id";

/// One event on its way to a runtime, with the headers of `/invocation/next`.
///
/// It has the headers that Lambda always sends: a new request id, a deadline 3 seconds after the event
/// is handed out (Lambda's default timeout), a function ARN and a JSON content type. The methods add
/// the others.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub(super) event: Bytes,
    pub(super) request_id: String,
    pub(super) patience: Duration,
    request: Option<String>,
    deadline: Deadline,
    headers: HeaderMap,
    sends_deadline: bool,
}

#[derive(Clone, Copy, Debug)]
enum Deadline {
    /// This long after a runtime took the event.
    After(Duration),
    /// At this time, in milliseconds since 1970.
    At(u64),
}

impl Invocation {
    /// Creates an invocation with this event, which is sent unchanged, JSON or not.
    pub fn new(event: impl Into<Vec<u8>>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        Self {
            event: Bytes::from(event.into()),
            request_id: String::new(),
            request: None,
            patience: Duration::from_secs(30),
            deadline: Deadline::After(Duration::from_secs(3)),
            headers,
            sends_deadline: true,
        }
        .request_id(&Uuid::new_v4().to_string())
        .function_arn("arn:aws:lambda:us-east-1:123456789012:function:function")
    }

    /// Returns the event.
    pub fn event(&self) -> &Bytes {
        &self.event
    }

    /// Returns the request id: the one that the function sees.
    pub fn id(&self) -> &str {
        &self.request_id
    }

    /// Returns the size of the event in bytes.
    pub fn event_size(&self) -> usize {
        self.event.len()
    }

    /// Sets the id of the request that the invocation answers: [`Answered::id`](crate::Answered::id).
    pub(crate) fn answers(mut self, request: &str) -> Self {
        self.request = Some(request.to_owned());
        self
    }

    /// Returns the id of the request of an event source that waits for the invocation, if there is a
    /// request: [`Answered::id`](crate::Answered::id).
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    /// Sets the request id, which is random by default.
    pub fn request_id(mut self, id: &str) -> Self {
        self.request_id = id.to_owned();
        self.header(REQUEST_ID, id)
    }

    /// Sets the deadline to this long after a runtime took the event.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Deadline::After(timeout);
        self
    }

    /// Sets the deadline to this time, in milliseconds since 1970.
    pub fn deadline_ms(mut self, unix_ms: u64) -> Self {
        self.deadline = Deadline::At(unix_ms);
        self
    }

    /// Sets the time that the event waits for a runtime before the outcome is
    /// [`NotTaken`](super::Outcome::NotTaken); 30 seconds by default.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// `Lambda-Runtime-Invoked-Function-Arn`.
    pub fn function_arn(self, arn: &str) -> Self {
        self.header(FUNCTION_ARN, arn)
    }

    /// `Lambda-Runtime-Trace-Id`: the X-Ray tracing header.
    pub fn trace_id(self, trace: &str) -> Self {
        self.header(TRACE_ID, trace)
    }

    /// `Lambda-Runtime-Client-Context`: the JSON that AWS's mobile SDKs send.
    pub fn client_context(self, json: &str) -> Self {
        self.header("lambda-runtime-client-context", json)
    }

    /// `Lambda-Runtime-Cognito-Identity`: JSON with the caller's Cognito identity.
    pub fn cognito_identity(self, json: &str) -> Self {
        self.header("lambda-runtime-cognito-identity", json)
    }

    /// `Lambda-Runtime-Aws-Tenant-Id`: the tenant of a function with tenant isolation.
    pub fn tenant_id(self, tenant: &str) -> Self {
        self.header("lambda-runtime-aws-tenant-id", tenant)
    }

    /// `Lambda-Runtime-Invocation-Id`: names this attempt; the runtime has to echo it.
    pub fn invocation_id(self, id: &str) -> Self {
        self.header(INVOCATION_ID, id)
    }

    /// Sets any header. Only the sent header changes: the request id that answers must have and the
    /// deadline that is kept stay the same.
    ///
    /// # Panics
    /// Panics if HTTP does not allow the name or the value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a valid header name");
        self.sends_deadline &= name != DEADLINE;
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a valid header value");
        self.headers.insert(name, value);
        self
    }

    /// Removes a header.
    pub fn without_header(mut self, name: &str) -> Self {
        self.sends_deadline &= !name.eq_ignore_ascii_case(DEADLINE);
        self.headers.remove(name);
        self
    }

    /// Returns the invocation id that an answer has to echo, if the event has it.
    pub(super) fn expected_echo(&self) -> Option<String> {
        let value = self.headers.get(INVOCATION_ID)?;
        value.to_str().ok().map(str::to_owned)
    }

    /// Starts the clock. Returns the headers of `/next`, and the time from now until the deadline.
    pub(super) fn dispatch(&self) -> (HeaderMap, Duration) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let left = match self.deadline {
            Deadline::After(timeout) => timeout,
            Deadline::At(ms) => Duration::from_millis(ms).saturating_sub(now),
        };
        let mut headers = self.headers.clone();
        if self.sends_deadline {
            let ms = match self.deadline {
                Deadline::After(timeout) => (now + timeout).as_millis() as u64,
                Deadline::At(ms) => ms,
            };
            headers.insert(DEADLINE, HeaderValue::from(ms));
        }
        (headers, left)
    }

    /// Returns the event INVOKE of extensions: "Invoke phase" in
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>.
    pub(super) fn extension_event(&self, left: Duration) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let mut event = json!({
            "eventType": "INVOKE",
            "deadlineMs": (now.unwrap_or_default() + left).as_millis() as u64,
            "requestId": self.request_id,
            "invokedFunctionArn": text(FUNCTION_ARN),
        });
        if let Some(trace) = text(TRACE_ID) {
            event["tracing"] = json!({ "type": "X-Amzn-Trace-Id", "value": trace });
        }
        event
    }
}

//! The client of Lambda's Runtime API: asks for invocations, and sends their responses.
//!
//! The rules of the API: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::http::{Response, StatusCode};

pub use self::endpoint::Endpoint;
pub use self::error::RuntimeApiError;

use self::streamed::StreamedResponse;
use self::transport::Exchange;
use crate::failure::Failure;
use crate::invocation::{Invocation, header};
use crate::log::{Field, Level, Log};
use crate::termination::Termination;

mod endpoint;
mod error;
mod restore;
pub mod streamed;
mod transport;

/// The version of the Runtime API.
const VERSION: &str = "2018-06-01";

/// How long to wait before each further request: about three seconds in all. Lambda restarts a process that exits. To give up
/// costs a cold start, and to ask for ever would cost every event.
const BACKOFF: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
];

/// The largest event that is read, in bytes. Lambda's events have at most 6 MiB. An emulator may send larger ones.
const LARGEST_EVENT: u64 = 256 * 1024 * 1024;

/// A client of the Runtime API. Each worker has its own client, with one connection.
pub struct RuntimeClient {
    agent: Agent,
    endpoint: Arc<Endpoint>,
    base: String,
    log: Log,
    /// How long each step of a request may take: to connect, to send, to receive. `None` means that there is no limit.
    limit: Option<Duration>,
    exchange: Arc<Exchange>,
}

impl fmt::Debug for RuntimeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeClient")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl RuntimeClient {
    /// Returns the addresses of the Runtime API.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.endpoint.addresses
    }

    /// Creates a client for the Runtime API at `endpoint`, which connects with its first request. With `limit`, the client gives
    /// up a request if one of its steps takes longer.
    #[must_use]
    pub fn new(endpoint: Arc<Endpoint>, log: Log, limit: Option<Duration>) -> Self {
        Self::with(endpoint, log, limit, None)
    }

    /// Creates the client of a worker, which waits for events until SIGTERM is received.
    #[must_use]
    pub fn of_worker(endpoint: Arc<Endpoint>, log: Log, termination: Arc<Termination>) -> Self {
        Self::with(endpoint, log, None, Some(termination))
    }

    fn with(
        endpoint: Arc<Endpoint>,
        log: Log,
        limit: Option<Duration>,
        termination: Option<Arc<Termination>>,
    ) -> Self {
        let exchange = Arc::new(Exchange {
            termination,
            ..Exchange::default()
        });
        Self {
            agent: transport::agent(Arc::clone(&endpoint), Arc::clone(&exchange), limit),
            base: format!(
                "http://{}{}/{VERSION}/runtime",
                endpoint.addresses[0], endpoint.prefix
            ),
            endpoint,
            log,
            limit,
            exchange,
        }
    }

    /// Waits for the next invocation, however long that takes: Lambda freezes the process until then. Returns `None` if SIGTERM
    /// is received before the first byte of it.
    ///
    /// # Errors
    ///
    /// Returns an error if the Runtime API says that the environment is not served any more, or if it keeps failing.
    pub fn next(&self) -> Result<Option<Invocation>, RuntimeApiError> {
        let mut tries = 0;
        while !self.is_terminated() {
            let asked = match self.try_next() {
                // The connection was closed while it was idle: the second request makes a new one.
                Err(_) if self.has_no_reply() && tries == 0 && !self.is_terminated() => {
                    self.try_next()
                }
                asked => asked,
            };
            let (why, status) = match asked {
                Ok(Next::Invocation(invocation)) => return Ok(Some(*invocation)),
                Ok(Next::Unusable) => {
                    // The Runtime API replies, so that events may still come: the client waits and does not give up.
                    tries = tries.min(BACKOFF.len() - 2);
                    let why = "the event came without an id (Lambda-Runtime-Aws-Request-Id), so that it cannot be answered";
                    (why.to_owned(), None)
                }
                Ok(Next::Refused(status)) if is_final(status) => {
                    return Err(RuntimeApiError::Broken {
                        endpoint: self.endpoint.name.clone(),
                        status,
                        request: "GET next",
                    });
                }
                Ok(Next::Refused(status)) => (
                    format!("GET next was answered with {status}"),
                    Some(status_field(status)),
                ),
                Err(_) if self.has_no_reply() && self.is_terminated() => break,
                Err(error) => (format!("GET next: {error}"), None),
            };
            let Some(&pause) = BACKOFF.get(tries) else {
                return Err(RuntimeApiError::GaveUp {
                    endpoint: self.endpoint.name.clone(),
                    tries: tries + 1,
                    last: why,
                });
            };
            let line = format!(
                "Runtime API: {why}; asking again in {} ms",
                pause.as_millis()
            );
            self.log
                .host_with(Level::Warn, None, &line, status.as_slice());
            match &self.exchange.termination {
                Some(termination) => termination.sleep(pause),
                None => thread::sleep(pause),
            }
            tries += 1;
        }
        Ok(None)
    }

    fn is_terminated(&self) -> bool {
        let termination = self.exchange.termination.as_ref();
        termination.is_some_and(|termination| termination.is_requested())
    }

    /// Returns whether no byte of the current reply has been received.
    fn has_no_reply(&self) -> bool {
        !self.exchange.replied.load(Ordering::Relaxed)
    }

    fn try_next(&self) -> Result<Next, ureq::Error> {
        self.begin_exchange(true);
        let mut response = self
            .agent
            .get(format!("{}/invocation/next", self.base))
            .call()?;
        let event = response
            .body_mut()
            .with_config()
            .limit(LARGEST_EVENT)
            .read_to_vec()?;
        if response.status() != StatusCode::OK {
            return Ok(Next::Refused(response.status()));
        }
        let (parts, _) = response.into_parts();
        Ok(
            Invocation::new(parts.headers, event).map_or(Next::Unusable, |invocation| {
                Next::Invocation(Box::new(invocation))
            }),
        )
    }

    /// Sends the response to an invocation. Logs it if the Runtime API does not take the response.
    ///
    /// # Errors
    ///
    /// Returns an error if the Runtime API says that the environment is broken.
    pub fn respond(
        &self,
        invocation: &Invocation,
        content_type: &str,
        body: &[u8],
    ) -> Result<(), RuntimeApiError> {
        let path = format!("/invocation/{}/response", invocation.id);
        self.send(invocation, &path, &[("content-type", content_type)], body)
    }

    /// Begins a streamed response to an invocation. Has to be called inside a tokio runtime with I/O.
    #[must_use]
    pub fn stream(&self, invocation: &Invocation, content_type: &str) -> StreamedResponse {
        let path = format!("/{VERSION}/runtime/invocation/{}/response", invocation.id);
        StreamedResponse::begin(
            Arc::clone(&self.endpoint),
            &path,
            invocation,
            content_type,
            self.log,
        )
    }

    /// Sends the failure of an invocation.
    ///
    /// # Errors
    ///
    /// Returns an error if the Runtime API says that the environment is broken.
    pub fn fail(&self, invocation: &Invocation, failure: &Failure) -> Result<(), RuntimeApiError> {
        let path = format!("/invocation/{}/error", invocation.id);
        let (error_type, cause) = (failure.header_type(), failure.xray_cause());
        self.send(
            invocation,
            &path,
            &failure_headers(&error_type, cause.as_deref()),
            &failure.to_json(),
        )
    }

    /// Reports that the start failed.
    ///
    /// # Errors
    ///
    /// Returns why the Runtime API did not take the report.
    pub fn init_error(&self, failure: &Failure) -> Result<(), String> {
        self.report_start("/init/error", failure)
    }

    fn report_start(&self, path: &str, failure: &Failure) -> Result<(), String> {
        let (error_type, cause) = (failure.header_type(), failure.xray_cause());
        let headers = failure_headers(&error_type, cause.as_deref());
        match self.post(path, &headers, &failure.to_json()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(format!(
                "the Runtime API at {} answered {status} to POST {}",
                self.endpoint.name,
                &path[1..]
            )),
            Err(error) => Err(format!(
                "the Runtime API at {} cannot be told: {error}",
                self.endpoint.name
            )),
        }
    }

    fn send(
        &self,
        invocation: &Invocation,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), RuntimeApiError> {
        let mut headers = headers.to_vec();
        if let Some(attempt) = invocation.header(header::INVOCATION_ID) {
            headers.push((header::INVOCATION_ID, attempt));
        }
        let mut result = self.post(path, &headers, body);
        // A connection that died before a byte of the reply may have been dead already. A second request is safe: if the first
        // was taken, the Runtime API refuses the second. A client with a limit makes a new connection for its only request.
        let has_died = result.is_err() && self.has_no_reply();
        let is_retry = has_died && self.limit.is_none();
        if is_retry {
            result = self.post(path, &headers, body);
        }
        let status = match result {
            Ok(status) => status,
            Err(error) => {
                let line = format!("the response could not be sent: {error}");
                self.log_error(invocation, &line, None);
                return Ok(());
            }
        };
        match status.as_u16() {
            200..=299 => {}
            403 if is_retry => {}
            413 => self.log_error(
                invocation,
                "the response is too large: the Runtime API refused it (413), and answered the invocation itself",
                Some(status),
            ),
            410 => self.log_error(
                invocation,
                "the response came too late (410): the invocation has ended",
                Some(status),
            ),
            500 => {
                return Err(RuntimeApiError::Broken {
                    endpoint: self.endpoint.name.clone(),
                    status,
                    request: "POST of a response",
                });
            }
            _ => self.log_error(
                invocation,
                &format!("the Runtime API did not take the response: {status}"),
                Some(status),
            ),
        }
        Ok(())
    }

    fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<StatusCode, ureq::Error> {
        self.begin_exchange(false);
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = headers.iter().fold(request, |request, &(name, value)| {
            request.header(name, value)
        });
        let mut response: Response<_> = request.send(body)?;
        // The body is read, so that the connection can be used again.
        let _ = response
            .body_mut()
            .with_config()
            .limit(64 * 1024)
            .read_to_vec();
        Ok(response.status())
    }

    /// Forgets the last request. SIGTERM ends the wait for a reply if `is_interruptible`.
    fn begin_exchange(&self, is_interruptible: bool) {
        let exchange = &self.exchange;
        exchange.replied.store(false, Ordering::Relaxed);
        exchange
            .is_interruptible
            .store(is_interruptible, Ordering::Relaxed);
    }

    fn log_error(&self, invocation: &Invocation, message: &str, status: Option<StatusCode>) {
        let (id, status) = (Some(invocation.id.as_str()), status.map(status_field));
        self.log
            .host_with(Level::Error, id, message, status.as_slice());
    }
}

/// Returns a status of the Runtime API as a field of a line.
fn status_field(status: StatusCode) -> Field {
    ("status", status.as_u16().into())
}

enum Next {
    Invocation(Box<Invocation>),
    Unusable,
    Refused(StatusCode),
}

/// Returns whether the process has to end. 500 is "Container error. Non-recoverable state. Runtime should exit promptly". 403 to
/// `next` means that this environment is not served any more.
fn is_final(status: StatusCode) -> bool {
    status == StatusCode::INTERNAL_SERVER_ERROR || status == StatusCode::FORBIDDEN
}

fn failure_headers<'a>(
    error_type: &'a str,
    cause: Option<&'a str>,
) -> Vec<(&'static str, &'a str)> {
    let mut headers = vec![
        ("content-type", "application/vnd.aws.lambda.error+json"),
        ("lambda-runtime-function-error-type", error_type),
    ];
    headers.extend(cause.map(|cause| ("lambda-runtime-function-xray-error-cause", cause)));
    headers
}

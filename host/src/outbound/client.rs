//! The client of one worker: its connections outlive the instances and the invocations that use them.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::Access;
use super::body::{Keeping, Response, Returned, framed};
use super::connect::Connector;
use super::error::{ConnectError, cause, code, is_ended};
use super::health::{Health, Waiting};
use super::in_flight::InFlight;
use super::observed::ObservedRequest;
use super::sign::Signing;
use super::wire::Open;
use crate::sandbox::CONNECTIONS;
use crate::watchdog::{Watchdog, Yielding};

/// How long a connection may take where the function does not say, name and TLS included.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a connection may be idle and still be used. NAT gateways forget theirs after 350 seconds:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html>.
const IDLE: Duration = Duration::from_secs(300);

/// How many idle connections are kept for each origin.
const MAX_IDLE: usize = 16;

/// How large a response's head may be, in bytes.
const MAX_HEAD: usize = 128 * 1024;

/// Sends the requests of one worker's instances.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    access: Arc<Access>,
    watchdog: Watchdog,
    connector: Connector,
    /// Made with the first request, and again when it has too many connections.
    http: Mutex<Option<legacy::Client<Connector, WasiBody>>>,
    open: Open,
    /// How many connections there are before all idle ones are let go, to whatever origins they are.
    max_open: usize,
    /// Has a place for each request that may be in flight, until its response is read or dropped. The others wait.
    in_flight: Arc<Semaphore>,
}

/// What came of sending a request. There may be more to wait for.
type Sent = Result<(http::Response<Incoming>, Waiting), Failed>;

/// Why there is no response, and whether it can be asked for again.
struct Failed {
    code: Error,
    /// How TLS ended the connection after its handshake.
    broken: Option<ConnectError>,
    error: Option<Box<legacy::Error>>,
}

impl Client {
    /// Sends where `access` allows it, at most `requests` at a time. Nothing is made before the first request.
    #[must_use]
    pub fn new(access: Arc<Access>, watchdog: Watchdog, requests: usize) -> Self {
        let open = Open::default();
        Self(Arc::new(Shared {
            connector: Connector::new(Arc::clone(&access), open.clone()),
            access,
            watchdog,
            http: Mutex::new(None),
            open,
            max_open: CONNECTIONS * requests,
            in_flight: Arc::new(Semaphore::new(requests)),
        }))
    }

    /// What may be reached.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// Lets guests that compute yield, for a request that is to be sent.
    #[must_use]
    pub fn yielding(&self) -> Yielding {
        self.0.watchdog.yielding()
    }

    /// Signs a request if it is to be signed, and sends it: once more if that is safe and a connection turned out to have
    /// ended while it was idle. The observers are told of its end by `observed`. The body comes back to `returned`.
    ///
    /// # Errors
    ///
    /// The code that says why there is no response.
    pub async fn send(
        self,
        request: Request<WasiBody>,
        returned: &Returned,
        options: RequestOptions,
        signing: Option<Signing>,
        yielding: Yielding,
        observed: ObservedRequest,
    ) -> Result<http::Response<Response>, Error> {
        // Nobody has looked at the connections since the last invocation, or while the guest computed: what came meanwhile is
        // read now, and one that was ended, or got what nobody had asked for, is not used.
        yield_now().await;
        let permit = Arc::clone(&self.0.in_flight).acquire_owned().await;
        let permit = permit.map_err(|_| Error::ConnectionLimitReached)?;
        let mut in_flight = InFlight::new(permit, yielding, observed);
        let request = match signing {
            None => request,
            Some(signing) => match signing.sign(request).await {
                Ok(signed) => signed,
                Err(Ok(code)) => {
                    in_flight.observed.fail(&code, None);
                    return Err(code);
                }
                Err(Err(refusal)) => {
                    let code = refusal.code();
                    in_flight.observed.fail(&code, Some(&refusal));
                    return Err(code);
                }
            },
        };
        let request = framed(request).await;
        // It has none after all: to write one fails.
        drop(returned.take());
        let again = copy(&request);
        let (request, has_sent) = watched(request);
        let sent = match (self.once(request, options).await, again) {
            (Err(stale), Some(again)) if stale.is_stale() && !has_sent.load(Ordering::Relaxed) => {
                self.once(again, options).await
            }
            (sent, _) => sent,
        };
        match sent {
            Ok((response, waiting)) => {
                in_flight.observed.answered(response.status());
                let limit = options.between_bytes_timeout;
                Ok(response.map(|body| Response::new(body, limit, waiting, in_flight)))
            }
            Err(Failed {
                code,
                broken,
                error,
            }) => {
                let error = error
                    .as_ref()
                    .and_then(|error| cause::<ConnectError>(error));
                let cause = error.or(broken.as_ref());
                let cause = cause.map(|cause| cause as &dyn Display);
                in_flight.observed.fail(&code, cause);
                Err(code)
            }
        }
    }

    /// Lets the connections see to what an ended instance has left: one whose request nobody waits for any more is closed now, and
    /// not in the next invocation.
    pub async fn settle(&self) {
        let is_made = {
            let http = self.0.http.lock().unwrap_or_else(PoisonError::into_inner);
            http.is_some()
        };
        if is_made {
            // A turn for each of them.
            for _ in 0..self.0.open.count() + 2 {
                yield_now().await;
            }
        }
    }

    async fn once(&self, mut request: Request<WasiBody>, options: RequestOptions) -> Sent {
        let mut connection = capture_connection(&mut request);
        let mut waiting = Waiting::new(connection.clone());
        let response = self.http().request(request);
        tokio::pin!(response);
        let connected = async {
            let is_made = connection.wait_for_connection_metadata().await.is_some();
            if !is_made {
                // It failed, which the response tells.
                std::future::pending::<()>().await;
            }
        };
        let limit = options.connect_timeout.unwrap_or(CONNECT);
        let connected = tokio::select! {
            biased;
            response = &mut response => return answered(response, waiting),
            connected = timeout(limit, connected) => connected,
        };
        if connected.is_err() {
            return Err(Error::ConnectionTimeout.into());
        }
        waiting.goes_on();
        let limit = options.first_byte_timeout.unwrap_or(Duration::MAX);
        match timeout(limit, response).await {
            Ok(response) => answered(response, waiting),
            Err(_) => Err(Error::ConnectionReadTimeout.into()),
        }
    }

    fn http(&self) -> legacy::Client<Connector, WasiBody> {
        let mut http = self.0.http.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.open.count() >= self.0.max_open {
            // Those that are in use end with their requests.
            *http = None;
        }
        let make = || {
            legacy::Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(MAX_IDLE)
                .http1_max_buf_size(MAX_HEAD)
                .build(self.0.connector.clone())
        };
        http.get_or_insert_with(make).clone()
    }
}

/// The same request again, if it may be sent twice (RFC 9110, 9.2.2) and promises no body.
fn copy(request: &Request<WasiBody>) -> Option<Request<WasiBody>> {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let length = request.headers().get(header::CONTENT_LENGTH);
    if !is_safe || length.is_some_and(|length| length != "0") {
        return None;
    }
    let empty = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut copy = Request::new(empty);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// The request, and whether anything of its body has left. That a body is empty shows only then.
fn watched(request: Request<WasiBody>) -> (Request<WasiBody>, Arc<AtomicBool>) {
    let has_sent = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&has_sent);
    let leaves = |seen: &Arc<AtomicBool>| seen.store(true, Ordering::Relaxed);
    let watch = move |body| Keeping::new(body, seen, leaves).boxed_unsync();
    (request.map(watch), has_sent)
}

/// Remembers that the response's connection works.
fn answered(
    response: Result<http::Response<Incoming>, legacy::Error>,
    mut waiting: Waiting,
) -> Sent {
    waiting.goes_on();
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            // It may have ended before the request had it.
            let broken = waiting.broken();
            let broken = broken.or_else(|| ConnectError::of_broken(&error));
            let mut failed = Failed::from(error);
            if let Some(broken) = broken {
                failed.code = broken.code();
                failed.broken = Some(broken);
            }
            return Err(failed);
        }
    };
    if let Some(health) = response.extensions().get::<Health>() {
        health.set_answered();
    }
    Ok((response, waiting))
}

impl Failed {
    /// Whether a connection that has answered before ended without an answer.
    fn is_stale(&self) -> bool {
        let Some(error) = &self.error else {
            return false;
        };
        let health = error.connect_info().and_then(Health::of);
        is_ended(error) && health.is_some_and(|health| health.has_answered())
    }
}

impl From<Error> for Failed {
    fn from(code: Error) -> Self {
        Self {
            code,
            broken: None,
            error: None,
        }
    }
}

impl From<legacy::Error> for Failed {
    fn from(error: legacy::Error) -> Self {
        Self {
            code: code(&error),
            broken: None,
            error: Some(Box::new(error)),
        }
    }
}

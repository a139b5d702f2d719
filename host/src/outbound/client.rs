//! The client of one worker. Its connections outlive the instances and the invocations that use them.

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
use lambda_wasm_lifecycle::{Watchdog, Yielding};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::OutboundConfig;
use super::body::{GuardedBody, ResponseBody, ReturnedBody, with_framing};
use super::connect::Connector;
use super::error::{ConnectError, cause, code, is_ended};
use super::health::{Health, PendingResponse};
use super::in_flight::InFlight;
use super::observed::ObservedRequest;
use super::sign::Signing;
use super::wire::ConnectionCounter;
use crate::sandbox::CONNECTIONS;

/// The time to connect, with name and TLS, if the function does not set a limit.
const CONNECT: Duration = Duration::from_secs(10);

/// The time after which an idle connection is not used again. NAT gateways drop connections after 350 seconds:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html>.
const IDLE: Duration = Duration::from_secs(300);

/// The most idle connections that are kept for each origin.
const MAX_IDLE: usize = 16;

/// The largest head of a response, in bytes.
const MAX_HEAD: usize = 128 * 1024;

/// Sends the requests of one worker's instances.
#[derive(Clone)]
pub struct Client(Arc<ClientInner>);

struct ClientInner {
    config: Arc<OutboundConfig>,
    watchdog: Watchdog,
    connector: Connector,
    /// Created with the first request, and again when it has too many connections.
    http: Mutex<Option<legacy::Client<Connector, WasiBody>>>,
    connections: ConnectionCounter,
    /// The number of connections at which all idle connections are closed, whatever their origins.
    max_connections: usize,
    /// Has a permit for each request that may be in flight, until its response is read or dropped. Other requests wait.
    in_flight: Arc<Semaphore>,
}

/// A response whose body may still arrive, or the failure.
type SendResult = Result<(http::Response<Incoming>, PendingResponse), SendError>;

/// The failure of a request, and whether the request can be sent again.
struct SendError {
    code: Error,
    /// The error by which TLS ended the connection after its handshake.
    broken: Option<ConnectError>,
    error: Option<Box<legacy::Error>>,
}

impl Client {
    /// Creates a client that has at most `requests` in flight. It connects with the first request.
    #[must_use]
    pub fn new(config: Arc<OutboundConfig>, watchdog: Watchdog, requests: usize) -> Self {
        let connections = ConnectionCounter::default();
        Self(Arc::new(ClientInner {
            connector: Connector::new(Arc::clone(&config), connections.clone()),
            config,
            watchdog,
            http: Mutex::new(None),
            connections,
            max_connections: CONNECTIONS * requests,
            in_flight: Arc::new(Semaphore::new(requests)),
        }))
    }

    /// Returns the configuration of the requests.
    #[must_use]
    pub fn config(&self) -> &OutboundConfig {
        &self.0.config
    }

    /// Makes guests that compute yield, for a request that is to be sent.
    #[must_use]
    pub fn yielding(&self) -> Yielding {
        self.0.watchdog.yielding()
    }

    /// Signs a request if `signing` is set, and sends it. Sends it once more if that is safe and the connection had ended while
    /// it was idle. Tells the observers of its end through `observed`. The rest of the body goes to `returned`.
    ///
    /// # Errors
    ///
    /// Returns the code that the function gets in place of a response.
    pub async fn send(
        self,
        request: Request<WasiBody>,
        returned: &ReturnedBody,
        options: RequestOptions,
        signing: Option<Signing>,
        yielding: Yielding,
        observed: ObservedRequest,
    ) -> Result<http::Response<ResponseBody>, Error> {
        // The connections were not polled since the last invocation, or while the guest computed. This turn reads what has
        // arrived, so that a connection that has ended, or has an unexpected response, is not used.
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
        let request = with_framing(request).await;
        // The request has no body: writing it now fails.
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
                Ok(response.map(|body| ResponseBody::new(body, limit, waiting, in_flight)))
            }
            Err(SendError {
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

    /// Polls the connections after an instance has ended. A connection whose request was dropped closes now, and not in the next
    /// invocation.
    pub async fn settle(&self) {
        let is_made = {
            let http = self.0.http.lock().unwrap_or_else(PoisonError::into_inner);
            http.is_some()
        };
        if is_made {
            // A turn for each connection.
            for _ in 0..self.0.connections.count() + 2 {
                yield_now().await;
            }
        }
    }

    async fn once(&self, mut request: Request<WasiBody>, options: RequestOptions) -> SendResult {
        let mut connection = capture_connection(&mut request);
        let mut waiting = PendingResponse::new(connection.clone());
        let response = self.http().request(request);
        tokio::pin!(response);
        let connected = async {
            let is_made = connection.wait_for_connection_metadata().await.is_some();
            if !is_made {
                // The response has the failure.
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
        waiting.progress();
        let limit = options.first_byte_timeout.unwrap_or(Duration::MAX);
        match timeout(limit, response).await {
            Ok(response) => answered(response, waiting),
            Err(_) => Err(Error::ConnectionReadTimeout.into()),
        }
    }

    fn http(&self) -> legacy::Client<Connector, WasiBody> {
        let mut http = self.0.http.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.connections.count() >= self.0.max_connections {
            // The connections in use end with their requests.
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

/// Returns the same request again, if it may be sent twice (RFC 9110, 9.2.2) and does not announce a body.
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

/// Returns the request, and a flag that is set when a part of its body leaves. Only then does the host know that the body is
/// not empty.
fn watched(request: Request<WasiBody>) -> (Request<WasiBody>, Arc<AtomicBool>) {
    let has_sent = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&has_sent);
    let leaves = |seen: &Arc<AtomicBool>| seen.store(true, Ordering::Relaxed);
    let watch = move |body| GuardedBody::new(body, seen, leaves).boxed_unsync();
    (request.map(watch), has_sent)
}

/// Remembers that the response's connection works.
fn answered(
    response: Result<http::Response<Incoming>, legacy::Error>,
    mut waiting: PendingResponse,
) -> SendResult {
    waiting.progress();
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            // The connection may have ended before the request was written.
            let broken = waiting.broken();
            let broken = broken.or_else(|| ConnectError::from_broken(&error));
            let mut failed = SendError::from(error);
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

impl SendError {
    /// Returns whether a connection that has answered before ended without a response.
    fn is_stale(&self) -> bool {
        let Some(error) = &self.error else {
            return false;
        };
        let health = error.connect_info().and_then(Health::from_connected);
        is_ended(error) && health.is_some_and(|health| health.has_answered())
    }
}

impl From<Error> for SendError {
    fn from(code: Error) -> Self {
        Self {
            code,
            broken: None,
            error: None,
        }
    }
}

impl From<legacy::Error> for SendError {
    fn from(error: legacy::Error) -> Self {
        Self {
            code: code(&error),
            broken: None,
            error: Some(Box::new(error)),
        }
    }
}

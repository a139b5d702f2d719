//! A streamed response: `POST response` with a body in chunks, and with trailers if the function fails.
//!
//! ureq does not send trailers. So hyper's HTTP/1 client sends the response, on its own connection, which ends with it. The
//! protocol is "Response streaming" in <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::io::TokioIo;

use super::error::RuntimeApiError;
use super::status_field;
use super::transport::USER_AGENT;
use crate::failure::{ErrorType, Failure};
use crate::invocation::{Invocation, header as runtime_header};
use crate::log::{Level, Log};
use crate::runtime_api::Endpoint;

const MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const ERROR_BODY: HeaderName = HeaderName::from_static("lambda-runtime-function-error-body");

/// The most bytes of JSON in a trailer. Readers of HTTP limit trailers: hyper's limit is 16 KiB, and base64 is a third longer.
const MAX_TRAILER: usize = 8 * 1024;

/// A part of the body, or its end.
enum Piece {
    Chunk(Bytes),
    Trailers(HeaderMap),
    End,
}

/// A response that is being sent.
pub struct StreamedResponse {
    pieces: mpsc::Sender<Piece>,
    /// The pieces that wait to leave. While the function writes, it is one chunk.
    queue: VecDeque<Piece>,
    sending: JoinHandle<Result<StatusCode, String>>,
    /// Whether the Runtime API may have seen some of it.
    has_begun: Arc<AtomicBool>,
    endpoint: String,
    id: String,
    log: Log,
}

impl StreamedResponse {
    /// Begins a response. A task of the runtime connects and sends it.
    pub(super) fn begin(
        endpoint: Arc<Endpoint>,
        path: &str,
        invocation: &Invocation,
        content_type: &str,
        log: Log,
    ) -> Self {
        let (pieces, receiver) = mpsc::channel(1);
        let request = request(
            &endpoint,
            path,
            invocation,
            content_type,
            Pieces(Some(receiver)),
        );
        let name = endpoint.name.clone();
        let has_begun = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&has_begun);
        Self {
            pieces,
            queue: VecDeque::new(),
            sending: tokio::spawn(async move { send(&endpoint, request?, &begins).await }),
            has_begun,
            endpoint: name,
            id: invocation.id.clone(),
            log,
        }
    }

    /// Adds a chunk to the pieces that wait to leave.
    pub fn push(&mut self, chunk: Bytes) {
        self.queue.push_back(Piece::Chunk(chunk));
    }

    /// Ends the response after the chunks that wait to leave.
    pub fn end(&mut self) {
        self.queue.push_back(Piece::End);
    }

    /// Ends the response with a failure, after the chunks that have left.
    pub fn fail(&mut self, failure: &Failure) {
        let mut trailers = HeaderMap::new();
        let body = STANDARD.encode(failure.cut(MAX_TRAILER).to_json());
        for (name, value) in [(ERROR_TYPE, &*failure.header_type()), (ERROR_BODY, &*body)] {
            // Names and base64 are valid values of headers.
            if let Ok(value) = HeaderValue::from_str(value) {
                trailers.insert(name, value);
            }
        }
        self.queue.clear();
        self.queue.push_back(Piece::Trailers(trailers));
    }

    /// Returns whether a piece waits to leave.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Returns whether the response has no reader any more. [`Self::close`] says why.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.pieces.is_closed()
    }

    /// Waits until the next piece can leave, and lets it leave. The future can be dropped at any time, and nothing is lost.
    pub async fn advance(&mut self) {
        match self.pieces.reserve().await {
            Ok(permit) => {
                if let Some(piece) = self.queue.pop_front() {
                    permit.send(piece);
                }
            }
            Err(_) => self.queue.clear(),
        }
    }

    /// Waits until the Runtime API has taken the response, and logs it if it has not. At `until` the connection is closed without
    /// the end of the body, so that the response does not count as complete. If nothing of the response has left, returns the
    /// failure to send in its place.
    ///
    /// # Errors
    ///
    /// Returns an error if the Runtime API says that the environment is broken.
    pub async fn close(mut self, until: Instant) -> Result<Option<Failure>, RuntimeApiError> {
        let finish = async {
            while self.is_busy() {
                self.advance().await;
            }
            (&mut self.sending).await
        };
        let mut refused = None;
        let why = match timeout_at(until, finish).await {
            Ok(Ok(Ok(status))) if status.is_success() => return Ok(None),
            Ok(Ok(Ok(status))) if status == StatusCode::INTERNAL_SERVER_ERROR => {
                return Err(RuntimeApiError::Broken {
                    endpoint: self.endpoint,
                    status,
                    request: "POST of a response",
                });
            }
            Ok(Ok(Ok(status))) => {
                refused = Some(status_field(status));
                format!("the Runtime API did not take the streamed response: {status}")
            }
            Ok(Ok(Err(why))) => format!("the streamed response could not be sent: {why}"),
            Ok(Err(error)) => format!("the streamed response could not be sent: {error}"),
            Err(_) => {
                self.sending.abort();
                // The socket is closed when the task has ended.
                let _ = self.sending.await;
                "the streamed response was cut off: it was not read in time".to_owned()
            }
        };
        if !self.has_begun.load(Ordering::Relaxed) {
            return Ok(Some(Failure::new(ErrorType::ResponseNotSent, why)));
        }
        let fields = refused.as_slice();
        self.log
            .host_with(Level::Error, Some(&self.id), &why, fields);
        Ok(None)
    }
}

fn request(
    endpoint: &Endpoint,
    path: &str,
    invocation: &Invocation,
    content_type: &str,
    body: Pieces,
) -> Result<Request<Pieces>, String> {
    let mut request = Request::post(format!("{}{path}", endpoint.prefix))
        .header(header::HOST, endpoint.addresses[0].to_string())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONTENT_TYPE, content_type)
        .header(MODE, "streaming")
        .header(header::TRAILER, format!("{ERROR_TYPE}, {ERROR_BODY}"));
    if let Some(attempt) = invocation.header(runtime_header::INVOCATION_ID) {
        request = request.header(runtime_header::INVOCATION_ID, attempt);
    }
    request.body(body).map_err(|error| error.to_string())
}

async fn send(
    endpoint: &Endpoint,
    request: Request<Pieces>,
    has_begun: &AtomicBool,
) -> Result<StatusCode, String> {
    let text = |error: hyper::Error| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let unconnected = |error: std::io::Error| error.to_string();
    let stream = endpoint.connect_async().await.map_err(unconnected)?;
    stream.set_nodelay(true).map_err(unconnected)?;
    has_begun.store(true, Ordering::Relaxed);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(text)?;
    let exchange = async move {
        let response = sender.send_request(request).await.map_err(text)?;
        let status = response.status();
        // The body of the reply is read only to see its end.
        let _ = response.into_body().collect().await;
        Ok(status)
    };
    let (mut exchange, mut connection) = (pin!(exchange), pin!(connection));
    let status = tokio::select! {
        biased;
        status = &mut exchange => status?,
        closed = &mut connection => {
            closed.map_err(text)?;
            return exchange.await;
        }
    };
    if status.is_success() {
        // The Runtime API may reply before it has read the body, which goes on then. The connection ends when it is idle.
        connection.await.map_err(text)?;
    }
    Ok(status)
}

/// The body of the request. It fails if the pieces stop without [`Piece::End`] or trailers.
struct Pieces(Option<mpsc::Receiver<Piece>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(pieces) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let piece = std::task::ready!(pieces.poll_recv(context));
        Poll::Ready(match piece {
            Some(Piece::Chunk(chunk)) => Some(Ok(Frame::data(chunk))),
            Some(Piece::Trailers(trailers)) => {
                self.0 = None;
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(Piece::End) => {
                self.0 = None;
                None
            }
            None => Some(Err(std::io::Error::other("it was cut off"))),
        })
    }
}

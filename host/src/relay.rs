//! The answer of a function that hands it over while it runs: a head, and a body in chunks.
//!
//! What the function hands over is read while its call goes on, and becomes one answer when it is complete, or a streamed
//! one that leaves as it comes. Either way the function can work on after its last byte. Reading stops while a chunk waits
//! to be sent, so that a function which is faster than its reader has to wait, and no body is held here.

use std::future::{Future, pending};
use std::ops::RangeInclusive;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use ::http::response::Parts;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use tokio::time::timeout_at;
use wasmtime_wasi_http::WasiBody;

use crate::bindings::api;
use crate::failure::Failure;
use crate::http::compress::{self, Compression, Gzip};
use crate::http::{self, Source, wasi};
use crate::responder::{LARGEST_RESPONSE, Responder, too_large};
use crate::runtime_api::RuntimeApiError;
use crate::runtime_api::streamed::StreamedResponse;
use crate::timeline::Timeline;

/// What stands between the prelude and the body of a streamed HTTP response.
static SEPARATOR: [u8; 8] = [0; 8];

/// The warning about a response to an event that is not a request.
const NOT_JSON: &str = "the event is not an HTTP request, so the body of the function's response is the invocation's result, and it is not JSON: event sources such as SQS with partial batch responses take it for a failure.\nhint: return JSON, or an empty body, which is sent as null";

/// What a component gives as its response, or its error code in words.
pub type Handed = Result<::http::Response<WasiBody>, String>;

/// What a response becomes.
pub enum Form {
    /// The answer that an HTTP front door expects.
    Http {
        /// Which front door.
        source: Source,
        /// Whether the response may be compressed.
        compression: Compression,
        /// Whether the answer is streamed.
        stream: bool,
        /// Whether the request is a HEAD, whose response has no body, and may say how long it would be.
        is_head: bool,
        /// The statuses that are failures.
        fail_status: Vec<RangeInclusive<u16>>,
    },
    /// The body alone, if the status is 2xx: for events that are not HTTP requests.
    Event {
        /// The path that the event was sent to.
        path: String,
    },
    /// A failure with the status and the body.
    Failure {
        /// As above.
        is_head: bool,
    },
    /// The body alone, streamed if the flag says so.
    Bytes(bool),
}

/// Sends what one call hands over.
pub struct Relay<'a> {
    responder: &'a Responder<'a>,
    form: Form,
    reading: Reading,
    head: Option<api::Response>,
    /// What a streamed HTTP response starts with.
    prelude: Vec<u8>,
    /// What is collected of a body that is sent at once, no more than an answer may have, and how large it is in truth.
    body: Vec<u8>,
    size: usize,
    /// Compresses the body, if it is to be.
    gzip: Option<Gzip>,
    deadline: Instant,
    stream: Option<StreamedResponse>,
    is_answered: bool,
}

enum Reading {
    Head(oneshot::Receiver<Handed>),
    Body(WasiBody),
    /// All of it has come.
    Complete,
    /// Nothing more will come, and it is not complete.
    Broken(Failure),
}

impl<'a> Relay<'a> {
    /// Will send what comes from `handed`.
    #[must_use]
    pub fn new(
        responder: &'a Responder<'a>,
        form: Form,
        handed: oneshot::Receiver<Handed>,
        deadline: Instant,
    ) -> Self {
        Self {
            responder,
            form,
            reading: Reading::Head(handed),
            head: None,
            prelude: Vec::new(),
            body: Vec::new(),
            size: 0,
            gzip: None,
            deadline,
            stream: None,
            is_answered: false,
        }
    }

    /// Sends what comes while `call` goes on, and returns what it returns.
    ///
    /// # Errors
    ///
    /// If the process has to end.
    pub async fn during<T>(&mut self, call: impl Future<Output = T>) -> Result<T, RuntimeApiError> {
        let mut call = pin!(call);
        loop {
            tokio::select! {
                biased;
                returned = &mut call => return Ok(returned),
                step = self.step() => step?,
            }
        }
    }

    /// One step, which can be given up at any time without a loss.
    async fn step(&mut self) -> Result<(), RuntimeApiError> {
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.is_busy()) {
            stream.advance().await;
            if stream.is_closed() && !self.is_answered {
                // Nobody takes the rest: the function is told so when it writes.
                self.reading = Reading::Complete;
            }
            return Ok(());
        }
        match &mut self.reading {
            Reading::Head(head) => {
                let head = head.await;
                self.begin(head);
            }
            Reading::Body(body) => {
                let frame = body.frame().await;
                self.take(frame);
            }
            Reading::Complete | Reading::Broken(_) if !self.is_answered => return self.answer(),
            Reading::Complete | Reading::Broken(_) => pending().await,
        }
        Ok(())
    }

    /// Reads what is there after the call has ended, while its store still lives.
    pub fn drain(&mut self) {
        loop {
            match &mut self.reading {
                Reading::Head(head) => match now(head) {
                    Some(head) => self.begin(head),
                    None => return,
                },
                Reading::Body(body) => match now(body.frame()) {
                    Some(frame) => self.take(frame),
                    None => return,
                },
                Reading::Complete | Reading::Broken(_) => return,
            }
        }
    }

    /// Sends the rest after the call has ended, and was drained. `failure` is how it ended, if not well; what is `complete`
    /// all the same is sent, unless the failure takes its place.
    ///
    /// # Errors
    ///
    /// If the process has to end.
    pub async fn finish(
        mut self,
        failure: Option<Failure>,
        takes_its_place: bool,
        timeline: Timeline,
    ) -> Result<(), RuntimeApiError> {
        let late = match failure {
            Some(failure) if self.is_answered => Some(failure),
            Some(failure) if takes_its_place => {
                self.reading = Reading::Broken(failure);
                None
            }
            Some(failure) => match self.reading {
                Reading::Complete => Some(failure),
                _ => {
                    self.reading = Reading::Broken(failure);
                    None
                }
            },
            None => None,
        };
        if let Reading::Head(_) | Reading::Body(_) = self.reading {
            self.reading = Reading::Broken(match self.head {
                None => Failure::new(
                    "Function.NoResponse",
                    "the function returned without a response",
                ),
                Some(_) => unfinished("it was not finished when the function returned"),
            });
        }
        if !self.is_answered {
            self.flush(timeline.stop).await;
            self.answer()?;
        }
        if let Some(stream) = self.stream.take()
            && let Some(failure) = stream.close(timeline.close_stream().into()).await?
        {
            self.responder.fail_instead(&failure)?;
        }
        // One that comes after the answer is logged and no more.
        late.map_or(Ok(()), |failure| self.responder.fail(&failure))
    }

    /// Lets the chunks leave that wait. A reader that does not take them in time gets no more.
    async fn flush(&mut self, until: Instant) {
        while let Some(stream) = self.stream.as_mut().filter(|stream| stream.is_busy()) {
            if timeout_at(until.into(), stream.advance()).await.is_err() {
                self.reading = Reading::Broken(Failure::new(
                    "Function.Timeout",
                    "the function's response was not read to its end before the deadline: its reader stalled, or is too slow",
                ));
                return;
            }
        }
    }

    fn begin(&mut self, handed: Result<Handed, oneshot::error::RecvError>) {
        match handed {
            Ok(Ok(response)) => {
                let (parts, body) = response.into_parts();
                self.reading = match self.set_head(parts) {
                    Ok(()) => Reading::Body(body),
                    Err(failure) => Reading::Broken(failure),
                };
            }
            Ok(Err(code)) => {
                self.reading = Reading::Broken(Failure::new(
                    "Function.HttpError",
                    format!(
                        "the function answered with an error code of wasi:http instead of a response: {code}"
                    ),
                ));
            }
            // Nobody holds it any more, as when the component dropped it.
            Err(_) => {
                self.reading = Reading::Broken(Failure::new(
                    "Function.NoResponse",
                    "the function dropped its response",
                ));
            }
        }
    }

    fn set_head(&mut self, parts: Parts) -> Result<(), Failure> {
        let mut head = wasi::response(&parts);
        if let Form::Http {
            compression,
            stream,
            is_head,
            fail_status,
            ..
        } = &self.form
        {
            let status = head.status_code;
            if fail_status.iter().any(|range| range.contains(&status)) {
                self.form = Form::Failure { is_head: *is_head };
            } else {
                let largest = if *stream {
                    usize::MAX
                } else {
                    LARGEST_RESPONSE
                };
                let is_compressed = compression.negotiate(&mut head);
                self.gzip = is_compressed.then(|| Gzip::new(largest, self.deadline));
                if *stream {
                    let mut prelude = head.clone();
                    if is_compressed {
                        compress::mark(&mut prelude, 0);
                    }
                    // Checked before it is too late to say so.
                    self.prelude = http::prelude(prelude)?;
                }
            }
        }
        self.head = Some(head);
        Ok(())
    }

    fn take(&mut self, frame: Option<Result<http_body::Frame<Bytes>, wasmtime_wasi_http::Error>>) {
        match frame {
            // Trailers have no place in an answer of Lambda's.
            Some(Ok(frame)) => {
                let Ok(chunk) = frame.into_data() else { return };
                if chunk.is_empty() {
                    return;
                }
                self.size += chunk.len();
                let compressed = self.gzip.as_mut().map_or(Ok(()), |gzip| gzip.write(&chunk));
                if let Err(failure) = compressed {
                    self.reading = Reading::Broken(failure);
                } else if self.is_streamed() {
                    self.open();
                    let compressed = self.gzip.as_mut().map(|gzip| gzip.flush().into());
                    if let Some(stream) = &mut self.stream {
                        stream.push(compressed.unwrap_or(chunk));
                    }
                } else {
                    let room = LARGEST_RESPONSE - self.body.len();
                    self.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                }
            }
            // In WASI 0.2 a body that is shorter than promised ends so.
            Some(Err(_)) if self.may_lack_body() && self.promised().is_some() => {
                self.reading = Reading::Complete;
            }
            Some(Err(error)) => {
                self.reading = Reading::Broken(unfinished(&format!("{error}")));
            }
            None => {
                self.reading = match self.promised().filter(|&promised| promised != self.size) {
                    Some(promised) if !self.may_lack_body() => {
                        Reading::Broken(unfinished(&format!(
                            "it has {} bytes, and its content-length says {promised}",
                            self.size
                        )))
                    }
                    _ => Reading::Complete,
                }
            }
        }
    }

    /// The response's content-length.
    fn promised(&self) -> Option<usize> {
        let headers = &self.head.as_ref()?.headers;
        let (_, value) = headers.iter().find(|(name, _)| name == "content-length")?;
        value.parse().ok()
    }

    /// Whether nothing of the body came, and the response is one that may promise what it does not have: RFC 9110, 8.6.
    fn may_lack_body(&self) -> bool {
        let is_unmodified = self
            .head
            .as_ref()
            .is_some_and(|head| head.status_code == 304);
        let (Form::Http { is_head, .. } | Form::Failure { is_head }) = self.form else {
            return self.size == 0 && is_unmodified;
        };
        self.size == 0 && (is_unmodified || is_head)
    }

    fn is_streamed(&self) -> bool {
        matches!(
            self.form,
            Form::Http { stream: true, .. } | Form::Bytes(true)
        )
    }

    /// Begins the streamed answer, with its first byte or its end.
    fn open(&mut self) {
        if self.stream.is_some() {
            return;
        }
        self.stream = match (&self.form, &self.head) {
            (Form::Http { .. }, Some(_)) => {
                let prelude = std::mem::take(&mut self.prelude);
                let mut stream = self
                    .responder
                    .stream("application/vnd.awslambda.http-integration-response");
                if let Some(stream) = &mut stream {
                    // In chunks of their own, as AWS's runtimes send them: `cargo lambda watch` relies on it.
                    stream.push(prelude.into());
                    stream.push(Bytes::from_static(&SEPARATOR));
                }
                stream
            }
            _ => self.responder.stream("application/octet-stream"),
        };
        // If somebody else has answered, there is nobody to read it.
        self.is_answered |= self.stream.is_none();
    }

    /// Ends the answer, as what was read ended.
    fn answer(&mut self) -> Result<(), RuntimeApiError> {
        self.is_answered = true;
        match std::mem::replace(&mut self.reading, Reading::Complete) {
            Reading::Broken(failure) => match &mut self.stream {
                None => self.responder.fail(&failure),
                Some(stream) => {
                    stream.fail(&failure);
                    // The claim is taken: this only logs it.
                    self.responder.fail(&failure)
                }
            },
            _ if self.is_streamed() => {
                self.open();
                let rest = self.gzip.take().and_then(Gzip::finish);
                if let Some(stream) = &mut self.stream {
                    if let Some(rest) = rest {
                        stream.push(rest.into());
                    }
                    stream.end();
                }
                Ok(())
            }
            _ => self.respond(),
        }
    }

    fn respond(&mut self) -> Result<(), RuntimeApiError> {
        let body = std::mem::take(&mut self.body);
        let status = self.head.as_ref().map_or(0, |head| head.status_code);
        let failure = match &self.form {
            Form::Failure { .. } => Some(http::failed_status(status, &body)),
            Form::Event { path } if !(200..300).contains(&status) => {
                Some(http::failed_event(path, status, &body))
            }
            _ => None,
        };
        if let Some(failure) = failure {
            return self.responder.fail(&failure);
        }
        let Some(mut head) = self.head.take() else {
            return self.respond_with("application/octet-stream", &body);
        };
        match &self.form {
            Form::Http { source, .. } => {
                head.body = body;
                let gzip = self.gzip.take();
                let is_whole = gzip.is_some_and(|gzip| gzip.replace(&mut head, self.size))
                    || self.size <= LARGEST_RESPONSE;
                let answer = match is_whole {
                    true => source.answer(head),
                    false => Err(source.too_large(self.size)),
                };
                match answer {
                    Ok(answer) => self.responder.respond("application/json", &answer),
                    Err(failure) => self.responder.fail(&failure),
                }
            }
            Form::Event { .. } if self.size == 0 => {
                self.responder.respond("application/json", b"null")
            }
            Form::Event { .. } | Form::Failure { .. } => {
                if self.size <= LARGEST_RESPONSE && !http::is_json(&body) {
                    self.responder.warn(NOT_JSON);
                }
                self.respond_with("application/json", &body)
            }
            Form::Bytes(_) => self.respond_with("application/octet-stream", &body),
        }
    }

    /// Sends a body as it is, if all of it was collected.
    fn respond_with(&self, content_type: &str, body: &[u8]) -> Result<(), RuntimeApiError> {
        match self.size > LARGEST_RESPONSE {
            true => self.responder.fail(&too_large(self.size)),
            false => self.responder.respond(content_type, body),
        }
    }
}

/// What a future has, if it has it now.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    // Not held back for having had its turn: there is no later one.
    match pin!(unconstrained(future)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn unfinished(why: &str) -> Failure {
    Failure::new(
        "Function.UnfinishedResponse",
        format!("the body of the function's response is not complete: {why}"),
    )
}

//! Passes a streamed answer on while it arrives: from the body of the runtime's POST to an
//! [`AnswerStream`], at the speed of its reader.

use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use super::state::{Closed, Refusal, State, Waiter};
use super::stream::{ERROR_BODY, ERROR_TYPE};
use super::telemetry::events::Status;
use super::{AnswerStream, Chunk, End, Outcome, SharedState, Violation};

const MODE: &str = "lambda-runtime-function-response-mode";

/// Returns whether the body of a POST is a streamed answer.
pub(super) fn is_streamed(headers: &HeaderMap) -> bool {
    let mode = headers.get(MODE);
    mode.is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"))
}

/// The writing end of an [`AnswerStream`].
pub(super) struct Relay {
    request_id: String,
    attempt: usize,
    declared: bool,
    chunks: mpsc::Sender<Chunk>,
    end: watch::Sender<Option<End>>,
    /// An end that the body did not cause.
    abort: oneshot::Receiver<End>,
}

impl Relay {
    /// Reads the body to its end, unless the answer ends earlier. An error means that the answer no
    /// longer counts.
    pub async fn run(mut self, shared: SharedState, body: Body) -> Result<End, Refusal> {
        let mut body = body;
        let end = loop {
            let frame = tokio::select! {
                biased;
                end = &mut self.abort => break aborted(end),
                frame = body.frame() => frame,
            };
            let frame = match frame {
                Some(Ok(frame)) => frame,
                Some(Err(_)) => break End::Cut,
                None => break End::Complete,
            };
            match frame.into_data() {
                Ok(bytes) => {
                    if let Some(end) = self.pass_on(bytes).await {
                        break end;
                    }
                }
                Err(frame) => break self.read(frame.into_trailers().unwrap_or_default(), &shared),
            }
        };
        let mut result = Ok(end.clone());
        shared.send_modify(|state| {
            if let Err(refusal) = state.end_stream(&self.request_id, self.attempt, &end) {
                result = Err(refusal);
            }
        });
        self.end.send_replace(Some(end));
        result
    }

    /// Waits until the reader has room. Discards the piece if the reader was dropped.
    async fn pass_on(&mut self, bytes: Bytes) -> Option<End> {
        if bytes.is_empty() {
            return None;
        }
        let at = Instant::now();
        tokio::select! {
            biased;
            end = &mut self.abort => Some(aborted(end)),
            _ = self.chunks.send(Chunk { bytes, at }) => None,
        }
    }

    fn read(&self, trailers: HeaderMap, shared: &SharedState) -> End {
        let (end, is_base64) = End::from_trailers(trailers);
        let id = || self.request_id.clone();
        let note = |violation| shared.send_modify(|state| state.violations.push(violation));
        if matches!(end, End::Failed(_)) && !self.declared {
            note(Violation::TrailersNotDeclared(id()));
        }
        if !is_base64 {
            note(Violation::ErrorNotBase64(id()));
        }
        end
    }
}

fn aborted(end: Result<End, oneshot::error::RecvError>) -> End {
    end.unwrap_or(End::Cut)
}

impl State {
    /// Begins a streamed answer, whose stream is the outcome, or returns the reason why it does not count.
    pub fn begin_stream(&mut self, request_id: &str, headers: HeaderMap) -> Result<Relay, Refusal> {
        self.check(request_id, &headers)?;
        if !headers.contains_key(header::TRANSFER_ENCODING) {
            let violation = Violation::NotChunked(request_id.to_owned());
            self.violations.push(violation);
        }
        let Some(open) = self.open.get_mut(request_id) else {
            return Err(Refusal::InvalidRequestId);
        };
        // One piece waits for the reader, and another for room.
        let (chunk_sender, chunks) = mpsc::channel(1);
        let (end_sender, end) = watch::channel(None);
        let (aborter, abort) = oneshot::channel();
        let relay = Relay {
            request_id: request_id.to_owned(),
            attempt: open.attempt,
            declared: declares_errors(&headers),
            chunks: chunk_sender,
            end: end_sender,
            abort,
        };
        let stream = AnswerStream {
            headers,
            chunks,
            end,
            handle: Handle::current(),
            listener: None,
        };
        let waiter = std::mem::replace(&mut open.waiter, Waiter::Stream(aborter));
        waiter.end(Outcome::Streamed(stream));
        Ok(relay)
    }

    /// Closes a streamed answer whose body has ended, unless it is closed.
    fn end_stream(&mut self, request_id: &str, attempt: usize, end: &End) -> Result<(), Refusal> {
        if self.open.get(request_id).map(|open| open.attempt) != Some(attempt) {
            return Err(Refusal::InvalidRequestId);
        }
        if let Some(open) = self.open.remove(request_id) {
            self.publish_done(request_id, &open, Status::of_stream(end));
        }
        self.closed.insert(request_id.to_owned(), Closed::Answered);
        Ok(())
    }
}

/// Returns whether the header `Trailer` announces both trailers of an error, as the contract requires.
fn declares_errors(headers: &HeaderMap) -> bool {
    let names = headers.get_all(header::TRAILER).iter();
    let names: Vec<_> = names
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    [ERROR_TYPE, ERROR_BODY]
        .iter()
        .all(|name| names.iter().any(|known| known == name))
}

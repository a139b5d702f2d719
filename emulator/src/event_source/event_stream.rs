//! The response of `InvokeWithResponseStream`: a stream of events, in the encoding that AWS's SDKs read.
//! "Amazon event stream specification":
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::unfold;
use serde_json::{Map, Value};
use tokio::sync::oneshot::Receiver;

use super::invoke_api;
use crate::{AnswerStream, Outcome};

/// A response that is being sent.
struct EventStream {
    request_id: String,
    timeout: Duration,
    /// The end of the log, if the caller asks for it.
    log: Option<Receiver<Vec<u8>>>,
}

/// The rest of the response.
enum Rest {
    /// The chunks of a streamed response, and then its end.
    Chunks(AnswerStream),
    /// The end, with an error's JSON if the function failed.
    End(Option<Bytes>),
    Nothing,
}

/// Returns the response for an outcome: a `PayloadChunk` for each piece of the payload, as it arrives,
/// and an `InvokeComplete`, with the error if the function failed.
pub(super) fn response(
    outcome: Outcome,
    request_id: &str,
    timeout: Duration,
    log: Option<Receiver<Vec<u8>>>,
) -> Response<Body> {
    let sending = EventStream {
        request_id: request_id.to_owned(),
        timeout,
        log,
    };
    let (first, rest) = match outcome {
        Outcome::Streamed(stream) => (None, Rest::Chunks(stream)),
        whole => match invoke_api::payload(&whole, request_id, timeout) {
            Ok(payload) => (Some(chunk(&payload)), Rest::End(None)),
            Err(error) => (None, Rest::End(Some(error))),
        },
    };
    let events = unfold((first, rest, sending), |(first, rest, mut sending)| async {
        if let Some(event) = first {
            return Some((Ok::<_, Infallible>(event), (None, rest, sending)));
        }
        let (event, rest) = sending.next(rest).await?;
        Some((Ok(event), (None, rest, sending)))
    });
    let response = Response::builder()
        .header("content-type", "application/vnd.amazon.eventstream")
        .header("x-amz-executed-version", "$LATEST")
        .body(Body::from_stream(events));
    response.unwrap_or_default()
}

impl EventStream {
    async fn next(&mut self, rest: Rest) -> Option<(Bytes, Rest)> {
        match rest {
            Rest::Chunks(mut stream) => match stream.next().await {
                Some(piece) => Some((chunk(&piece.bytes), Rest::Chunks(stream))),
                None => {
                    let failed = Outcome::failed_end(stream.end().await);
                    let payload =
                        |outcome| invoke_api::payload(&outcome, &self.request_id, self.timeout);
                    let error = failed.and_then(|outcome| payload(outcome).err());
                    Some((self.complete(error).await, Rest::Nothing))
                }
            },
            Rest::End(error) => Some((self.complete(error).await, Rest::Nothing)),
            Rest::Nothing => None,
        }
    }

    async fn complete(&mut self, error: Option<Bytes>) -> Bytes {
        let mut payload = Map::new();
        if let Some(error) = error {
            let json: Value = serde_json::from_slice(&error).unwrap_or_default();
            let kind = json["errorType"].as_str().unwrap_or("Unhandled");
            let details = String::from_utf8_lossy(&error);
            payload.insert("ErrorCode".to_owned(), kind.into());
            payload.insert("ErrorDetails".to_owned(), details.into());
        }
        if let Some(log) = self.log.take()
            && let Ok(log) = log.await
        {
            payload.insert("LogResult".to_owned(), STANDARD.encode(log).into());
        }
        let payload = Value::from(payload).to_string();
        event("InvokeComplete", "application/json", payload.as_bytes())
    }
}

fn chunk(bytes: &[u8]) -> Bytes {
    event("PayloadChunk", "application/octet-stream", bytes)
}

/// Returns one event: its length and the headers' length with their CRC, the headers, the payload, and
/// the CRC of the preceding bytes.
fn event(kind: &str, content_type: &str, payload: &[u8]) -> Bytes {
    /// The type of a header's value that is text.
    const TEXT: u8 = 7;
    /// The lengths and their CRC, and the CRC at the end.
    const FRAME: usize = 16;
    let mut headers = Vec::new();
    for (name, value) in [
        (":event-type", kind),
        (":content-type", content_type),
        (":message-type", "event"),
    ] {
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.push(TEXT);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let length = FRAME + headers.len() + payload.len();
    let mut event = Vec::with_capacity(length);
    event.extend_from_slice(&(length as u32).to_be_bytes());
    event.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    event.extend_from_slice(&crc32fast::hash(&event).to_be_bytes());
    event.extend_from_slice(&headers);
    event.extend_from_slice(payload);
    event.extend_from_slice(&crc32fast::hash(&event).to_be_bytes());
    event.into()
}

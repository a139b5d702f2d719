//! An answer in Lambda's response mode `streaming`, as whoever invoked the function reads it:
//! "Implementing response streaming in a custom runtime" in
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>.

use std::time::Instant;

use axum::body::Bytes;
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::Post;

/// The content type of a streamed HTTP response: a prelude of JSON (`statusCode`, `headers`,
/// `cookies`), 8 NUL bytes, the body.
pub const HTTP_INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";

/// What stands between the prelude and the body of a streamed HTTP response.
const SEPARATOR: [u8; 8] = [0; 8];

/// The trailers that report an error: its type, and its JSON in base64.
pub(super) const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
pub(super) const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// An answer that comes in pieces. Who reads slowly holds up the runtime, as nothing is kept here
/// but one piece; who drops this has the rest read and thrown away, since a function is not told
/// that its client has gone.
///
/// The methods that wait do so for plain threads; in async code they panic.
#[derive(Debug)]
pub struct AnswerStream {
    /// All headers of the POST.
    pub headers: HeaderMap,
    pub(super) chunks: mpsc::Receiver<Chunk>,
    pub(super) end: watch::Receiver<Option<End>>,
    pub(super) handle: Handle,
}

/// A piece of an answer: a chunk of the POST's body, or a part of one that was large.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// What it has; never empty.
    pub bytes: Bytes,
    /// When it came.
    pub at: Instant,
}

/// How a streamed answer ended.
#[derive(Clone, Debug)]
pub enum End {
    /// With the last chunk, and no trailer that reports an error.
    Complete,
    /// With the last chunk and trailers that report an error: the trailers are the headers here,
    /// and the body is the error's JSON, no longer in base64.
    Failed(Post),
    /// The connection ended before the last chunk.
    Cut,
    /// The deadline came before the last chunk. Lambda kills the environment now.
    TimedOut,
    /// The runtime's process ended, as told with
    /// [`runtime_exited`](super::RuntimeApi::runtime_exited), or the Runtime API did.
    Lost(String),
}

impl AnswerStream {
    /// The value of a header of the POST, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next piece; nothing once the answer has [ended](Self::end).
    pub async fn next(&mut self) -> Option<Chunk> {
        self.chunks.recv().await
    }

    /// How the answer ended, once it has. It can be asked for more than once, and by another task
    /// than the one that reads; but the answer ends only when someone reads it, or drops it.
    pub fn end(&self) -> impl Future<Output = End> + Send + 'static {
        let mut end = self.end.clone();
        async move {
            match end.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(end)) => end.clone(),
                _ => End::Lost("the Runtime API was stopped".to_owned()),
            }
        }
    }

    /// All that is left of the answer, and how it ended.
    pub async fn whole(mut self) -> (Vec<Chunk>, End) {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.next().await {
            chunks.push(chunk);
        }
        (chunks, self.end().await)
    }

    /// Waits for the [next](Self::next) piece.
    pub fn wait_next(&mut self) -> Option<Chunk> {
        self.chunks.blocking_recv()
    }

    /// Waits for the [whole](Self::whole) answer.
    pub fn wait(self) -> (Vec<Chunk>, End) {
        self.handle.clone().block_on(self.whole())
    }
}

impl End {
    /// The end that trailers tell of, and whether the error's JSON was in base64 if there was one.
    pub(super) fn of(trailers: HeaderMap) -> (Self, bool) {
        if !trailers.contains_key(ERROR_TYPE) && !trailers.contains_key(ERROR_BODY) {
            return (Self::Complete, true);
        }
        let sent = trailers.get(ERROR_BODY).map(|value| value.as_bytes());
        let sent = sent.unwrap_or_default();
        let decoded = STANDARD.decode(sent);
        let is_base64 = decoded.is_ok();
        let post = Post {
            body: decoded.unwrap_or_else(|_| sent.to_vec()).into(),
            headers: trailers,
        };
        (Self::Failed(post), is_base64)
    }
}

/// The JSON of the prelude and the start of the body, once all of the prelude is there.
pub fn split_prelude(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut windows = answer.windows(SEPARATOR.len());
    let at = windows.position(|window| window == SEPARATOR)?;
    Some((&answer[..at], &answer[at + SEPARATOR.len()..]))
}

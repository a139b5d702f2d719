//! An answer in Lambda's response mode `streaming`, for the caller of the function:
//! "Implementing response streaming in a custom runtime" in
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>.

use std::fmt;
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

/// The separator of the prelude and the body of a streamed HTTP response.
const SEPARATOR: [u8; 8] = [0; 8];

/// The trailers that report an error: its type, and its JSON in base64.
pub(super) const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
pub(super) const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// An answer that arrives in pieces. A slow reader slows the runtime down, since only one piece is
/// held here. If the reader drops this, the rest is read and discarded: a function does not learn that
/// its client has disconnected.
///
/// The methods that wait are for plain threads. They panic in async code.
#[derive(Debug)]
pub struct AnswerStream {
    /// All headers of the POST.
    pub headers: HeaderMap,
    pub(super) chunks: mpsc::Receiver<Chunk>,
    pub(super) end: watch::Receiver<Option<End>>,
    pub(super) handle: Handle,
    pub(super) listener: Option<Listener>,
}

/// Sees each piece that the reader gets.
pub(super) struct Listener(Box<dyn Fn(&Chunk) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// A piece of an answer: a chunk of the POST's body, or a part of one that was large.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Its bytes; never empty.
    pub bytes: Bytes,
    /// The time at which it arrived.
    pub at: Instant,
}

/// The end of a streamed answer.
#[derive(Clone, Debug)]
pub enum End {
    /// With the last chunk, and without a trailer that reports an error.
    Complete,
    /// With the last chunk and trailers that report an error: the trailers are the headers here,
    /// and the body is the error's JSON, no longer in base64.
    Failed(Post),
    /// The connection closed before the last chunk.
    Cut,
    /// The deadline passed before the last chunk. Lambda kills the environment now.
    TimedOut,
    /// The runtime's process ended, as told with
    /// [`runtime_exited`](super::RuntimeApi::runtime_exited), or the Runtime API did.
    Lost(String),
}

impl AnswerStream {
    /// Returns the value of a header of the POST, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Has a function called with each piece that the reader gets from now on.
    pub fn listen(&mut self, listener: impl Fn(&Chunk) + Send + Sync + 'static) {
        self.listener = Some(Listener(Box::new(listener)));
    }

    /// Returns the next piece, or `None` once the answer has [ended](Self::end).
    pub async fn next(&mut self) -> Option<Chunk> {
        let chunk = self.chunks.recv().await;
        self.listened(chunk)
    }

    fn listened(&self, chunk: Option<Chunk>) -> Option<Chunk> {
        if let (Some(Listener(listener)), Some(chunk)) = (&self.listener, &chunk) {
            listener(chunk);
        }
        chunk
    }

    /// Returns the end of the answer when it has ended. May be called more than once, and by another task
    /// than the reader. The answer ends only when it is read or dropped.
    pub fn end(&self) -> impl Future<Output = End> + Send + 'static {
        let mut end = self.end.clone();
        async move {
            match end.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(end)) => end.clone(),
                _ => End::Lost("the Runtime API was stopped".to_owned()),
            }
        }
    }

    /// Returns the rest of the answer, and its end.
    pub async fn whole(mut self) -> (Vec<Chunk>, End) {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.next().await {
            chunks.push(chunk);
        }
        (chunks, self.end().await)
    }

    /// Waits for the [next](Self::next) piece.
    pub fn wait_next(&mut self) -> Option<Chunk> {
        let chunk = self.chunks.blocking_recv();
        self.listened(chunk)
    }

    /// Waits for the [whole](Self::whole) answer.
    pub fn wait(self) -> (Vec<Chunk>, End) {
        self.handle.clone().block_on(self.whole())
    }
}

impl End {
    /// Returns the end that trailers report, and whether the error's JSON, if any, was in base64.
    pub(super) fn from_trailers(trailers: HeaderMap) -> (Self, bool) {
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

/// Returns the JSON of the prelude and the start of the body, once the whole prelude has arrived.
pub fn split_prelude(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut windows = answer.windows(SEPARATOR.len());
    let at = windows.position(|window| window == SEPARATOR)?;
    Some((&answer[..at], &answer[at + SEPARATOR.len()..]))
}

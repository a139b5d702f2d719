//! The outcome of an invocation, and the breaches of Lambda's rules by a runtime.

use std::fmt;

use axum::body::Bytes;
use axum::http::HeaderMap;

use super::state::MAX_ANSWER;
use super::{AnswerStream, End, ExtensionFailure};

/// The body and headers of a POST that a runtime made.
#[derive(Clone, Debug)]
pub struct Post {
    /// All headers, with `User-Agent` and the content type.
    pub headers: HeaderMap,
    /// The body, unchanged.
    pub body: Bytes,
}

impl Post {
    /// Returns the value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body as text, in which bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON, or null if it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns the type of the error that the body describes.
    ///
    /// # Panics
    /// If the body does not describe an error.
    #[track_caller]
    pub fn error_type(&self) -> String {
        self.member("errorType")
    }

    /// Returns the message of the error that the body describes.
    ///
    /// # Panics
    /// If the body does not describe an error.
    #[track_caller]
    pub fn error_message(&self) -> String {
        self.member("errorMessage")
    }

    /// Returns the frames of the error that the body describes.
    ///
    /// # Panics
    /// If the body does not describe an error with a stack trace.
    #[track_caller]
    pub fn stack_trace(&self) -> Vec<String> {
        let json = self.json();
        let frames = json["stackTrace"].as_array();
        let frames = frames.unwrap_or_else(|| panic!("no stackTrace: {self}"));
        let text = |frame: &serde_json::Value| frame.as_str().map(str::to_owned);
        let frames: Option<_> = frames.iter().map(text).collect();
        frames.unwrap_or_else(|| panic!("a frame is not text: {self}"))
    }

    #[track_caller]
    fn member(&self, name: &str) -> String {
        match &self.json()[name] {
            serde_json::Value::String(text) => text.clone(),
            _ => panic!("no {name}: {self}"),
        }
    }
}

/// The body as text.
impl fmt::Display for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// The outcome of an invocation.
#[derive(Debug)]
pub enum Outcome {
    /// The runtime answered on `/response`.
    Response(Post),
    /// The runtime has begun to answer on `/response`, in the response mode `streaming`.
    Streamed(AnswerStream),
    /// The runtime answered on `/error`.
    Error(Post),
    /// The answer was over Lambda's limit, and was refused.
    TooLarge {
        /// Its length in bytes.
        size: usize,
    },
    /// The deadline passed before an answer. Lambda kills the environment now.
    TimedOut,
    /// The runtime's start failed, on `/init/error`, before it took the event.
    InitError(Post),
    /// The failure of an extension has ended the environment.
    ExtensionFailed(ExtensionFailure),
    /// The runtime's process ended, as told with
    /// [`runtime_exited`](super::RuntimeApi::runtime_exited), or the Runtime API did.
    Lost(String),
    /// No runtime took the event while its [`patience`](super::Invocation::patience) lasted.
    NotTaken,
}

impl Outcome {
    /// Returns the answer from `/response`.
    ///
    /// # Panics
    /// Panics with the outcome if the invocation ended in another way.
    #[track_caller]
    pub fn response(self) -> Post {
        match self {
            Self::Response(post) => post,
            other => panic!("expected a response, got {other:?}"),
        }
    }

    /// Returns the streamed answer from `/response`.
    ///
    /// # Panics
    /// Panics if the invocation ended in another way, or the answer was buffered.
    #[track_caller]
    pub fn streamed(self) -> AnswerStream {
        match self {
            Self::Streamed(stream) => stream,
            other => panic!("expected a streamed response, got {other:?}"),
        }
    }

    /// Waits until a streamed answer has ended, for callers that need the whole answer: Lambda's API
    /// operation Invoke, and the event sources above it. Lambda's limit of a buffered answer applies.
    /// Every other outcome stays the same.
    pub async fn collect(self) -> Self {
        let Self::Streamed(mut stream) = self else {
            return self;
        };
        let mut body = Vec::new();
        let mut size = 0;
        while let Some(chunk) = stream.next().await {
            size += chunk.bytes.len();
            if size <= MAX_ANSWER {
                body.extend_from_slice(&chunk.bytes);
            }
        }
        match Self::failed_end(stream.end().await) {
            Some(failed) => failed,
            None if size > MAX_ANSWER => Self::TooLarge { size },
            None => Self::Response(Post {
                headers: stream.headers,
                body: body.into(),
            }),
        }
    }

    /// Returns the outcome of a streamed answer that did not end well.
    pub fn failed_end(end: End) -> Option<Self> {
        match end {
            End::Complete => None,
            End::Failed(error) => Some(Self::Error(error)),
            End::Cut => Some(Self::Lost(
                "the connection was closed within the answer".to_owned(),
            )),
            End::TimedOut => Some(Self::TimedOut),
            End::Lost(why) => Some(Self::Lost(why)),
        }
    }

    /// Returns the answer from `/error`.
    ///
    /// # Panics
    /// Panics with the outcome if the invocation ended in another way.
    #[track_caller]
    pub fn error(self) -> Post {
        match self {
            Self::Error(post) => post,
            other => panic!("expected an error, got {other:?}"),
        }
    }
}

/// A breach of the contract by a runtime.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// An answer for a request id that was never handed out; it got a 400.
    #[error("answered request {0:?}, which was never handed out")]
    UnknownRequest(String),
    /// A second answer for one request; it got a 400.
    #[error("answered request {0:?} a second time")]
    AnsweredTwice(String),
    /// An answer after the deadline; it got a 400.
    #[error("answered request {0:?} after its deadline")]
    Late(String),
    /// An answer over the limit; it got a 413.
    #[error("answered request {request_id:?} with {size} bytes, which is over the limit")]
    TooLarge {
        /// The request that it answered.
        request_id: String,
        /// Its length in bytes.
        size: usize,
    },
    /// An answer that did not echo the invocation id. It was accepted, as the service has to do for
    /// runtimes older than that header.
    #[error("answered request {0:?} without echoing its invocation id")]
    InvocationIdMissing(String),
    /// An answer with the invocation id of another attempt; it got a 410.
    #[error("answered request {request_id:?} with the invocation id {echoed:?}")]
    InvocationIdDiffers {
        /// The request that it answered.
        request_id: String,
        /// The invocation id that it sent.
        echoed: String,
    },
    /// A streamed answer without `Transfer-Encoding: chunked`; it was accepted.
    #[error("streamed the answer of request {0:?} without chunks")]
    NotChunked(String),
    /// Trailers that report an error, and that the header `Trailer` had not announced; they were
    /// accepted.
    #[error("reported an error of request {0:?} in trailers that it had not declared")]
    TrailersNotDeclared(String),
    /// A trailer with an error's JSON that is not in base64; it was taken as it is.
    #[error("reported an error of request {0:?} in a trailer that is not base64")]
    ErrorNotBase64(String),
    /// An init error from a runtime that had asked for an event before; it got a 403.
    #[error("reported an init error after the first call of next")]
    InitErrorAfterNext,
    /// A request of an extension that the Extensions API or the Telemetry API refuses; it got a 403, or a
    /// 400 for a subscription that is not valid.
    #[error("extension {extension:?} called {path}, which was refused: {error_type}")]
    ExtensionRefused {
        /// Its name, or else the identifier that it sent.
        extension: String,
        /// The end of the path, such as `event/next`.
        path: String,
        /// The type of the error in the response.
        error_type: String,
    },
    /// An extension that had not called `next` at the deadline of an invocation.
    #[error("extension {extension:?} was busy at the deadline of request {request_id:?}")]
    ExtensionLate {
        /// Its name.
        extension: String,
        /// The request.
        request_id: String,
    },
    /// A subscriber that did not take its telemetry, which is lost.
    #[error("extension {extension:?} did not take its telemetry: {error}")]
    TelemetryRefused {
        /// Its name.
        extension: String,
        /// The reason.
        error: String,
    },
    /// A request that the Runtime API does not have; it got a 404 or 405.
    #[error("called {0}, which the Runtime API does not have")]
    UnknownRoute(String),
}

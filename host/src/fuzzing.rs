//! The functions that the fuzz targets in `fuzz/targets/` call and the host keeps private. It needs the feature `fuzzing`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use wasmtime_wasi::cli::StdoutStream;
use wasmtime_wasi_http::Error;

pub use crate::bindings::exports::lambda::function::api;
pub use crate::bindings::lambda::function::types::Context;
use crate::config::Environment;
use crate::frames;
pub use crate::guest_output::GuestOutput;
use crate::http::EventSource;
use crate::log::{Format, Level, Log, Stream};
use crate::outbound::{CredentialSource, Decision, Signer};
use crate::policy::{Aws, Origin, Policy, PolicyError};

/// The event sources that read a response.
pub const EVENT_SOURCES: [&EventSource; 7] = [
    EventSource::FUNCTION_URL,
    EventSource::HTTP_API,
    EventSource::ALB_MULTI_VALUE,
    EventSource::ALB,
    EventSource::LATTICE,
    EventSource::HTTP_API_PAYLOAD_1,
    EventSource::REST_API,
];

/// The lines of the log since the last call of [`take_lines`], with their streams.
type Lines = Vec<(Stream, String)>;

thread_local! {
    static LINES: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

/// Returns the lines that this thread has logged since the last call. From the first call on, they are kept, and not written.
pub fn take_lines() -> Lines {
    LINES.replace(Some(Vec::new())).unwrap_or_default()
}

/// Keeps a line of the log for [`take_lines`]. Returns `false` if nobody takes this thread's lines.
pub(crate) fn keep(stream: Stream, line: &str) -> bool {
    LINES.with_borrow_mut(|lines| {
        let kept = lines
            .as_mut()
            .map(|lines| lines.push((stream, line.to_owned())));
        kept.is_some()
    })
}

/// Writes to a stream of a guest as WASI 0.2 or, piece by piece, WASI 0.3 does. Returns `false` if the guest is stopped.
pub fn write(output: &GuestOutput, stream: Stream, bytes: &[u8], is_async: bool) -> bool {
    let stream = output.stream(stream);
    if !is_async {
        return stream
            .p2_stream()
            .write(Bytes::copy_from_slice(bytes))
            .is_ok();
    }
    let mut to = Box::into_pin(stream.async_stream());
    let mut context = TaskContext::from_waker(Waker::noop());
    let mut rest = bytes;
    while !rest.is_empty() {
        let Poll::Ready(Ok(written)) = to.as_mut().poll_write(&mut context, rest) else {
            return false;
        };
        rest = &rest[written..];
    }
    true
}

/// Returns a frame of a stack trace, of a module and a function with these names.
#[must_use]
pub fn frame(
    offset: Option<usize>,
    module: Option<&str>,
    function: Option<&str>,
    until: Instant,
) -> String {
    frames::text(offset, module, function, 7, until)
}

/// The most bytes of a name in a frame.
pub const MAX_NAME: usize = frames::MAX_NAME;

/// Parses the text of a policy. `root` is the function's own directory.
///
/// # Errors
///
/// Returns an error if the text is not a valid policy.
pub fn policy(text: &str, root: &Path) -> Result<Policy, PolicyError> {
    Policy::parse_at(text, root, Path::new("function.toml"))
}

/// Signs a request as a policy with these services says, and returns it with its whole body, or `None` if the host does not sign
/// it. The body arrives in these pieces.
///
/// # Errors
///
/// Returns the reason if the request is refused, or if its body breaks off.
pub fn sign(
    aws: &Aws,
    environment: &Environment,
    request: Request<Vec<Bytes>>,
) -> Result<Option<(Parts, Vec<u8>)>, String> {
    let (parts, pieces) = request.into_parts();
    let origin = Origin::from_uri(&parts.uri).ok_or("it has no origin")?;
    let log = Log::new((Format::Text, Level::Fatal));
    let credentials = Arc::new(CredentialSource::from_environment(environment, log));
    let decision = Signer::new(aws, environment, credentials).decide(&origin, &parts);
    let Decision::Sign(signing) = decision.map_err(|refusal| refusal.to_string())? else {
        return Ok(None);
    };
    let request = Request::from_parts(parts, Pieces(pieces.into()).boxed_unsync());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let signed = signing
            .sign(request)
            .await
            .map_err(|error| format!("{error:?}"))?;
        let (parts, body) = signed.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Some((parts, body.to_bytes().to_vec())))
    })
}

/// A body that arrives in these pieces.
struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

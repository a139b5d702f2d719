//! Reads a function's streamed response: "Response streaming" and "Invoking a response streaming
//! enabled function using Lambda function URLs" in Lambda's guide.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use futures_util::stream::try_unfold;
use tokio::task::yield_now;

use super::answer::Head;
use crate::runtime_api::{HTTP_INTEGRATION, split_prelude};
use crate::{AnswerStream, End, Post};

/// The largest prelude, in bytes. AWS does not document a limit; this limit protects the memory.
const MAX_PRELUDE: usize = 1024 * 1024;

/// The type of a body without a content type.
const DEFAULT_TYPE: &str = "application/octet-stream";

/// Returns the response as soon as its head is there. Its body ends without the last chunk if the
/// function's response fails.
///
/// # Errors
///
/// Returns the reason if the function's response is not an HTTP response.
pub(super) async fn response(mut stream: AnswerStream) -> Result<Response<Body>, String> {
    if !is_http(&stream.headers) {
        let sent = stream.headers.get(header::CONTENT_TYPE).cloned();
        let start = next(&mut stream).await?;
        let mut response = Response::new(body(start.unwrap_or_default(), stream));
        let content_type = sent.unwrap_or(HeaderValue::from_static(DEFAULT_TYPE));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
        return Ok(response);
    }
    let mut start = Vec::new();
    while let Some(bytes) = next(&mut stream).await? {
        start.extend_from_slice(&bytes);
        if let Some((prelude, rest)) = split_prelude(&start) {
            let rest = Bytes::copy_from_slice(rest);
            return head(prelude)?.response(body(rest, stream), DEFAULT_TYPE);
        }
        if start.len() > MAX_PRELUDE {
            return Err(format!(
                "its prelude does not end within {MAX_PRELUDE} bytes"
            ));
        }
    }
    Err(NO_PRELUDE.to_owned())
}

/// Returns the HTTP response in a streamed response that was collected, or the reason why it is
/// malformed. Returns `None` if it does not start with a prelude.
pub(super) fn whole(post: &Post) -> Option<Result<Response<Body>, String>> {
    is_http(&post.headers).then(|| {
        let (prelude, rest) = split_prelude(&post.body).ok_or(NO_PRELUDE)?;
        let body = Body::from(post.body.slice_ref(rest));
        head(prelude)?.response(body, DEFAULT_TYPE)
    })
}

const NO_PRELUDE: &str = "it ends before its prelude does: 8 NUL bytes come after the JSON";

fn is_http(headers: &HeaderMap) -> bool {
    let sent = headers.get(header::CONTENT_TYPE);
    sent.is_some_and(|sent| sent == HTTP_INTEGRATION)
}

fn head(prelude: &[u8]) -> Result<Head, String> {
    serde_json::from_slice(prelude).map_err(|error| format!("its prelude is malformed: {error}"))
}

/// Returns the next piece, or the end of a response that failed.
async fn next(stream: &mut AnswerStream) -> Result<Option<Bytes>, String> {
    if let Some(chunk) = stream.next().await {
        return Ok(Some(chunk.bytes));
    }
    match stream.end().await {
        End::Complete => Ok(None),
        other => Err(format!("it did not end well: {other:?}")),
    }
}

/// Returns the rest of the body.
fn body(start: Bytes, stream: AnswerStream) -> Body {
    let start = Some(start).filter(|start| !start.is_empty());
    let pieces = try_unfold((start, stream), |(start, mut stream)| async move {
        let piece = match start {
            Some(start) => Some(start),
            None => match next(&mut stream).await {
                Ok(piece) => piece,
                Err(error) => {
                    // hyper closes the connection without its unwritten bytes, so it has to write them before the error.
                    yield_now().await;
                    return Err(error);
                }
            },
        };
        Ok::<_, String>(piece.map(|piece| (piece, (None, stream))))
    });
    Body::from_stream(pieces)
}

//! Re-signs a body in signed chunks:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>.
//!
//! A chunk is `SIZE;chunk-signature=SIGNATURE`, the data, and the ends of both lines. The last chunk is empty. Trailers and
//! their signature may follow it. All signatures are equally long, so that the body's length does not change.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::http::Headers;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::{Error, WasiBody};

use super::key::SigningKey;
use super::refusal::Refusal;

/// The largest chunk, in bytes: a chunk is signed before it is sent. SDKs send chunks of 64 KiB to 1 MiB.
const MAX_CHUNK: usize = 8 * 1024 * 1024;

/// The longest line, in bytes.
const MAX_LINE: usize = 8 * 1024;

const CHUNK_SIGNATURE: &str = "chunk-signature=";
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// The length of a signature: a SHA-256 in hexadecimal.
const SIGNATURE_LENGTH: usize = 64;

type Params<'a> = v4::SigningParams<'a, ()>;

/// The body with new signatures.
pub(super) struct Chunks {
    body: WasiBody,
    key: SigningKey,
    /// The last signature, which enters the next one.
    last: String,
    read: BytesMut,
    next: Next,
    trailers: Headers,
    /// The memory of the chunk that is read.
    room: Option<OwnedSemaphorePermit>,
}

/// The next part of the body.
enum Next {
    Head,
    /// The data of a chunk: its size, and the digits that the guest wrote.
    Data(usize, String),
    Trailer,
    Nothing,
}

impl Chunks {
    /// Re-signs the chunks of `body`; `seed` is the signature of the request's head.
    #[must_use]
    pub(super) fn new(body: WasiBody, seed: String, key: SigningKey) -> Self {
        Self {
            body,
            key,
            last: seed,
            read: BytesMut::new(),
            next: Next::Head,
            trailers: Headers::new(),
            room: None,
        }
    }

    /// Returns the next bytes to send, or `None` if more bytes have to be read first.
    fn step(&mut self) -> Result<Option<Bytes>, String> {
        match &self.next {
            Next::Head => {
                let Some(line) = self.line()? else {
                    return Ok(None);
                };
                let (size, extension) = line.split_once(';').unwrap_or((&line, ""));
                let digits = size.to_owned();
                let size = usize::from_str_radix(size, 16)
                    .map_err(|_| format!("{line:?} is not the start of a chunk"))?;
                // The signature takes the place of the one that is there, so that the length stays what was promised.
                let replaced = extension.strip_prefix(CHUNK_SIGNATURE);
                if replaced.map(str::len) != Some(SIGNATURE_LENGTH) {
                    return Err(format!(
                        "{line:?} has no signature of {SIGNATURE_LENGTH} characters"
                    ));
                }
                if size > MAX_CHUNK {
                    return Err(format!(
                        "a chunk has {size} bytes, and the host signs at most {MAX_CHUNK} bytes in one chunk"
                    ));
                }
                if size > 0 {
                    let room = self.key.room(size);
                    self.room = Some(room.ok_or("too many bytes are held to be signed")?);
                    self.next = Next::Data(size, digits);
                    return self.step();
                }
                self.next = Next::Trailer;
                self.chunk(&digits, &Bytes::new()).map(Some)
            }
            Next::Data(size, digits) => {
                let (size, digits) = (*size, digits.clone());
                if self.read.len() < size + 2 {
                    return Ok(None);
                }
                let data = self.read.split_to(size).freeze();
                if self.read.split_to(2) != "\r\n" {
                    return Err("a chunk is longer than it says".to_owned());
                }
                self.next = Next::Head;
                self.room = None;
                self.chunk(&digits, &data).map(Some)
            }
            Next::Trailer => {
                let Some(line) = self.line()? else {
                    return Ok(None);
                };
                if line.is_empty() {
                    self.next = Next::Nothing;
                    return Ok(Some(Bytes::from_static(b"\r\n")));
                }
                let (name, value) = line
                    .split_once(':')
                    .ok_or_else(|| format!("{line:?} is not a trailer"))?;
                if !name.eq_ignore_ascii_case(TRAILER_SIGNATURE) {
                    self.trailers
                        .try_append(name.to_ascii_lowercase(), value.trim().to_owned())
                        .map_err(|error| error.to_string())?;
                    return Ok(Some(format!("{line}\r\n").into()));
                }
                if value.len() != SIGNATURE_LENGTH {
                    return Err(format!(
                        "{line:?} has no signature of {SIGNATURE_LENGTH} characters"
                    ));
                }
                let (last, trailers) = (&self.last, &self.trailers);
                let sign =
                    |params: Params<'_>| v4::sign_trailer(trailers, last, &params).map(signature);
                self.last = self.key.with((), sign).map_err(message)?;
                Ok(Some(format!("{name}:{}\r\n", self.last).into()))
            }
            Next::Nothing if self.read.is_empty() => Ok(None),
            Next::Nothing => Err("it continues after its end".to_owned()),
        }
    }

    /// Returns the next line, without its end.
    fn line(&mut self) -> Result<Option<String>, String> {
        let Some(end) = self.read.windows(2).position(|pair| pair == b"\r\n") else {
            return match self.read.len() {
                ..MAX_LINE => Ok(None),
                _ => Err("a line does not end".to_owned()),
            };
        };
        let line = self.read.split_to(end + 2);
        match str::from_utf8(&line[..end]) {
            Ok(line) => Ok(Some(line.to_owned())),
            Err(_) => Err("a line is not UTF-8".to_owned()),
        }
    }

    fn chunk(&mut self, digits: &str, data: &Bytes) -> Result<Bytes, String> {
        let last = &self.last;
        let sign = |params: Params<'_>| v4::sign_chunk(data, last, &params).map(signature);
        self.last = self.key.with((), sign).map_err(message)?;
        let head = format!("{digits};{CHUNK_SIGNATURE}{}\r\n", self.last);
        let mut chunk = BytesMut::from(head.as_bytes());
        if !data.is_empty() {
            chunk.extend_from_slice(data);
            chunk.extend_from_slice(b"\r\n");
        }
        Ok(chunk.freeze())
    }
}

fn signature(output: aws_sigv4::SigningOutput<()>) -> String {
    output.into_parts().1
}

fn message(refusal: Refusal) -> String {
    refusal.to_string()
}

fn invalid_body(why: String) -> Error {
    Error::InternalError(Some(format!("the body is not aws-chunked: {why}")))
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        loop {
            match this.step() {
                Ok(Some(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Ok(None) => (),
                Err(why) => return Poll::Ready(Some(Err(invalid_body(why)))),
            }
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        this.read.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if matches!(this.next, Next::Nothing) => return Poll::Ready(None),
                None => {
                    return Poll::Ready(Some(Err(invalid_body("it ends too early".to_owned()))));
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

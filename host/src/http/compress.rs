//! Responses that the host compresses with gzip, if the policy says so and the client accepts it.
//!
//! Every client that accepts another coding accepts gzip too, and its compressor is small. zstd's is larger than all of this
//! host's HTTP.

use std::io::{self, Write};
use std::mem::take;
use std::time::Instant;

use flate2::write::GzEncoder;

use crate::bindings::api;
use crate::failure::{ErrorType, Failure};
use crate::responder::LARGEST_RESPONSE;

/// How much is compressed between two looks at the deadline, in bytes: a few milliseconds where CPU is scarce.
const CHUNK: usize = 16 * 1024;

/// Whether responses to one request may be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// The policy does not ask for it.
    Off,
    /// This request does not accept it, and another may.
    Unaccepted,
    /// With gzip.
    Gzip,
}

impl Compression {
    /// Returns what the policy and a request allow.
    #[must_use]
    pub fn for_request(is_on: bool, request: &api::Request) -> Self {
        match (is_on, request.method.as_str()) {
            (false, _) => Self::Off,
            (true, "HEAD") => Self::Unaccepted,
            (true, _) if accepts_gzip(&request.headers) => Self::Gzip,
            (true, _) => Self::Unaccepted,
        }
    }

    /// Returns whether the body of a response with this head is to be compressed. If that depends on the request, the head
    /// says so from then on.
    pub fn negotiate(self, head: &mut api::Response) -> bool {
        if self == Self::Off || !may_be_compressed(head) {
            return false;
        }
        let is_known = values(&head.headers, "vary")
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|name| name == "*" || name.eq_ignore_ascii_case("accept-encoding"));
        if !is_known {
            let vary = ("vary".to_owned(), "accept-encoding".to_owned());
            head.headers.push(vary);
        }
        self == Self::Gzip && head.status_code != 304
    }

    /// Compresses a response whose body is whole, if that makes it smaller.
    ///
    /// # Errors
    ///
    /// Returns an error if the guest has to stop first.
    pub fn apply(self, response: &mut api::Response, stop: Instant) -> Result<(), Failure> {
        if self.negotiate(response) {
            let mut gzip = Gzip::new(LARGEST_RESPONSE, stop);
            gzip.write(&response.body)?;
            gzip.replace(response, response.body.len());
        }
        Ok(())
    }
}

/// Returns whether gzip is acceptable, and no less so than no coding: RFC 9110, 12.5.3.
fn accepts_gzip(headers: &[(String, String)]) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for coding in values(headers, "accept-encoding").flat_map(|value| value.split(',')) {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let is_weight = name.trim().eq_ignore_ascii_case("q");
            is_weight.then(|| value.trim().parse().unwrap_or(0.0))
        });
        let place = match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => &mut gzip,
            "*" => &mut any,
            "identity" => &mut identity,
            _ => continue,
        };
        *place = Some(weight.unwrap_or(1.0));
    }
    let gzip: f32 = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && identity.is_none_or(|identity| identity <= gzip)
}

/// Returns whether a response is one whose body another coding leaves as good: it is whole, has no coding, and nothing in the
/// head is about its very bytes.
fn may_be_compressed(head: &api::Response) -> bool {
    /// They are about the bytes of the body, or about a part of them.
    const ABOUT_BYTES: [&str; 6] = [
        "content-encoding",
        "content-range",
        "content-md5",
        "content-digest",
        "repr-digest",
        "digest",
    ];
    let has_body = head.status_code >= 200 && !matches!(head.status_code, 204..=206);
    let has = |name| values(&head.headers, name).next().is_some();
    let may_transform = values(&head.headers, "cache-control")
        .flat_map(|value| value.split(','))
        .all(|directive| !directive.trim().eq_ignore_ascii_case("no-transform"));
    let media_type = values(&head.headers, "content-type").next();
    has_body
        && may_transform
        && !ABOUT_BYTES.into_iter().any(has)
        && !media_type.is_some_and(is_compressed)
}

/// Returns whether content of this media type is compressed already: <https://www.iana.org/assignments/media-types>.
fn is_compressed(media_type: &str) -> bool {
    const PLAIN_IMAGES: [&str; 4] = ["bmp", "x-ms-bmp", "x-icon", "vnd.microsoft.icon"];
    const ARCHIVES: [&str; 19] = [
        "font-woff",
        "font-woff2",
        "gzip",
        "java-archive",
        "pdf",
        "vnd.android.package-archive",
        "vnd.rar",
        "x-7z-compressed",
        "x-brotli",
        "x-bzip",
        "x-bzip2",
        "x-compress",
        "x-font-woff",
        "x-gzip",
        "x-rar-compressed",
        "x-xz",
        "x-zip-compressed",
        "zip",
        "zstd",
    ];
    const FAMILIES: [&str; 3] = [
        "grpc",
        "vnd.oasis.opendocument.",
        "vnd.openxmlformats-officedocument.",
    ];
    let essence = media_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/').unwrap_or((&essence, ""));
    let suffix = subtype.rsplit_once('+').map_or("", |(_, suffix)| suffix);
    match kind {
        "audio" | "video" => true,
        "image" => suffix != "xml" && !PLAIN_IMAGES.contains(&subtype),
        "font" => subtype.starts_with("woff"),
        "application" => {
            ARCHIVES.contains(&subtype)
                || ["zip", "gzip", "zstd"].contains(&suffix)
                || FAMILIES.iter().any(|family| subtype.starts_with(family))
        }
        _ => false,
    }
}

fn values<'h>(headers: &'h [(String, String)], wanted: &'h str) -> impl Iterator<Item = &'h str> {
    let named = headers.iter();
    let named = named.filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
    named.map(|(_, value)| value.as_str())
}

/// Says in a head that its body is compressed, and how long it is then.
pub fn mark(head: &mut api::Response, length: usize) {
    let headers = take(&mut head.headers).into_iter();
    // A part of a compressed body is not what is asked for.
    let headers = headers.filter(|(name, _)| !name.eq_ignore_ascii_case("accept-ranges"));
    head.headers = headers
        .map(|(name, value)| match name.to_ascii_lowercase().as_str() {
            "content-length" => (name, length.to_string()),
            // The same content in other bytes: RFC 9110, 8.8.1.
            "etag" if value.starts_with('"') => (name, format!("W/{value}")),
            _ => (name, value),
        })
        .collect();
    let coding = ("content-encoding".to_owned(), "gzip".to_owned());
    head.headers.push(coding);
}

/// A body that is compressed piece by piece.
pub struct Gzip {
    encoder: GzEncoder<Kept>,
    stop: Instant,
}

impl Gzip {
    /// Compresses to no more than this many bytes, until `stop`.
    #[must_use]
    pub fn new(largest: usize, stop: Instant) -> Self {
        let kept = Kept {
            bytes: Vec::new(),
            room: Some(largest),
        };
        Self {
            // As nginx does by default.
            encoder: GzEncoder::new(kept, flate2::Compression::fast()),
            stop,
        }
    }

    /// Compresses a part of the body.
    ///
    /// # Errors
    ///
    /// Returns an error if the guest has to stop first.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for piece in bytes.chunks(CHUNK) {
            if self.encoder.get_ref().room.is_none() {
                return Ok(());
            }
            if Instant::now() >= self.stop {
                return Err(Failure::new(
                    ErrorType::Timeout,
                    "the function's response was not compressed before the deadline: it came too late, or is too large",
                ));
            }
            // Nothing that is kept in memory fails.
            let _ = self.encoder.write_all(piece);
        }
        Ok(())
    }

    /// Returns what there is so far, complete enough to be read.
    pub fn flush(&mut self) -> Vec<u8> {
        let _ = self.encoder.flush();
        take(&mut self.encoder.get_mut().bytes)
    }

    /// Returns the rest, unless there were too many bytes.
    #[must_use]
    pub fn finish(self) -> Option<Vec<u8>> {
        let kept = self.encoder.finish().ok()?;
        kept.room.map(|_| kept.bytes)
    }

    /// Puts the compressed body in the place of the response's, which has `size` bytes, if it is smaller. Returns whether
    /// it is.
    pub fn replace(self, response: &mut api::Response, size: usize) -> bool {
        let bytes = self.finish().filter(|bytes| bytes.len() < size);
        if let Some(bytes) = bytes {
            mark(response, bytes.len());
            response.body = bytes;
            return true;
        }
        false
    }
}

/// Compressed bytes, as long as there is room for them.
struct Kept {
    bytes: Vec<u8>,
    room: Option<usize>,
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.and_then(|room| room.checked_sub(bytes.len()));
        match self.room {
            Some(_) => self.bytes.extend_from_slice(bytes),
            None => self.bytes = Vec::new(),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(value: &str) -> bool {
        accepts_gzip(&[("Accept-Encoding".to_owned(), value.to_owned())])
    }

    #[test]
    fn weights_say_what_a_client_accepts() {
        for value in [
            "gzip",
            "GZIP",
            "x-gzip",
            "br, gzip;q=0.1",
            "*",
            "identity;q=0.5, gzip;q=0.5",
            "deflate, gzip ; Q = 0.8",
            "gzip;q=1.0, *;q=0",
        ] {
            assert!(accepts(value), "{value}");
        }
        for value in [
            "",
            "br",
            "identity",
            "gzip;q=0",
            "gzip;q=0.000",
            "*, gzip;q=0",
            "*;q=0",
            "gzip;q=0.5, identity",
            "gzip;q=many",
            "gzipped",
        ] {
            assert!(!accepts(value), "{value}");
        }
        assert!(!accepts_gzip(&[]));
    }

    #[test]
    fn media_types_that_are_compressed() {
        for media_type in [
            "image/png",
            "IMAGE/JPEG; a=b",
            "video/mp4",
            "audio/ogg",
            "application/zip",
            "application/epub+zip",
            "font/woff2",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/grpc-web",
        ] {
            assert!(is_compressed(media_type), "{media_type}");
        }
        for media_type in [
            "image/svg+xml",
            "image/bmp",
            "text/html; charset=utf-8",
            "application/json",
            "application/problem+json",
            "application/octet-stream",
            "application/wasm",
            "font/ttf",
            "",
        ] {
            assert!(!is_compressed(media_type), "{media_type}");
        }
    }

    #[test]
    fn the_stop_ends_it() {
        let mut late = Gzip::new(usize::MAX, Instant::now());
        assert_eq!(
            late.write(b"a").unwrap_err().error_type.as_str(),
            "Function.Timeout"
        );
    }
}

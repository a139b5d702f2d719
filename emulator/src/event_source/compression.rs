//! Compressed bodies of a REST API with `MinimumCompressionSize`: "Payload compression for REST APIs" in
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gzip-compression-decompression.html>.

use std::io::{Read, Write};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use super::MAX_BODY;
use super::arrival::text;

/// The content codings that API Gateway has.
#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    /// The zlib format: RFC 9110, 8.4.1.2.
    Deflate,
}

impl Coding {
    fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    fn encode(self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
        }
    }

    /// Returns the bytes of a body, of at most [`MAX_BODY`].
    fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let most = MAX_BODY as u64 + 1;
        let mut decoded = Vec::new();
        let read = match self {
            Self::Gzip => GzDecoder::new(bytes).take(most).read_to_end(&mut decoded),
            Self::Deflate => ZlibDecoder::new(bytes).take(most).read_to_end(&mut decoded),
        };
        (read.is_ok() && decoded.len() <= MAX_BODY).then_some(decoded)
    }
}

/// A request whose body has a coding that API Gateway does not know, or another than it says.
pub(super) struct Unsupported;

/// Returns a request with its body decompressed, or `None` if it stays as it is.
///
/// AWS's pages do not say whether the function sees the header `Content-Encoding`. It does not here, since the body in its event
/// is not encoded.
pub(super) fn decompress(
    minimum: usize,
    parts: &Parts,
    body: &Bytes,
) -> Option<Result<(Parts, Bytes), Unsupported>> {
    let coding = text(&parts.headers, header::CONTENT_ENCODING)?;
    if body.len() < minimum || coding.trim().eq_ignore_ascii_case("identity") {
        return None;
    }
    let decoded = Coding::parse(coding).and_then(|coding| coding.decode(body));
    Some(decoded.ok_or(Unsupported).map(|body| {
        let mut parts = parts.clone();
        parts.headers.remove(header::CONTENT_ENCODING);
        (parts, body.into())
    }))
}

/// Compresses a complete response if the client accepts that and the response is not compressed.
pub(super) async fn compress(
    minimum: usize,
    request: &HeaderMap,
    response: Response<Body>,
) -> Response<Body> {
    let coding = accepted(request);
    let is_encoded = response.headers().contains_key(header::CONTENT_ENCODING);
    let Some(coding) = coding.filter(|_| !is_encoded) else {
        return response;
    };
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    if body.len() < minimum {
        return Response::from_parts(parts, body.into());
    }
    match coding.encode(&body) {
        Ok(encoded) => {
            let value = HeaderValue::from_static(coding.name());
            parts.headers.insert(header::CONTENT_ENCODING, value);
            Response::from_parts(parts, encoded.into())
        }
        Err(_) => Response::from_parts(parts, body.into()),
    }
}

/// Returns the coding that a client prefers. "The highest-priority content encoding must be one supported by API Gateway":
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-enable-compression.html>. `*` is not a coding.
fn accepted(request: &HeaderMap) -> Option<Coding> {
    let mut best: Option<(f32, &str)> = None;
    for item in text(request, header::ACCEPT_ENCODING)?.split(',') {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().strip_prefix("q=");
        let weight = weight.and_then(|weight| weight.parse().ok()).unwrap_or(1.0);
        if weight > best.map_or(0.0, |(known, _)| known) {
            best = Some((weight, name));
        }
    }
    Coding::parse(best?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_of_the_highest_priority_counts() {
        let accepted = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]);
            accepted(&headers).map_or("none", Coding::name)
        };
        assert_eq!(accepted("deflate,gzip"), "deflate");
        assert_eq!(accepted("deflate;q=0.5,gzip;q=1.0"), "gzip");
        assert_eq!(accepted("gzip;q=1.0,identity;q=0.5,*;q=0"), "gzip");
        assert_eq!(accepted("gzip, deflate, br"), "gzip");
        for other in ["", "*", "br, gzip", "identity;q=1, gzip;q=0.5", "gzip;q=0"] {
            assert_eq!(accepted(other), "none", "{other}");
        }
    }
}

//! The body of a request, and the headers that say what it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::EventError;
use super::json::{Flag, Text};

/// A body as the function gets it.
pub(super) struct Body {
    pub bytes: Vec<u8>,
    /// Whether the event has it as text.
    is_text: bool,
}

impl Body {
    /// The body of an event.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not base64 where the event says so.
    pub(super) fn new(body: Option<Text<'_>>, is_base64: Option<Flag>) -> Result<Self, EventError> {
        let is_text = is_base64 != Some(Flag(true));
        let bytes = match body {
            Some(body) if !is_text => STANDARD.decode(&*body).map_err(|error| {
                EventError::Malformed(format!(
                    "the event's body is not base64, although isBase64Encoded is true: {error}"
                ))
            })?,
            Some(body) => String::from(body).into_bytes(),
            None => Vec::new(),
        };
        Ok(Self { bytes, is_text })
    }

    /// Has the headers say what is so. Event sources decode bodies, and pass on what the client said of them:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-make-request-with-compressed-payload.html>,
    /// <https://github.com/dougmoscrop/serverless-http/issues/194>.
    ///
    /// - `Content-Length` is this body's, once. A header is not added.
    /// - `Transfer-Encoding` is removed: an event has none.
    /// - `Content-Encoding` is removed if the body cannot have the coding.
    pub(super) fn correct(&self, headers: &mut Vec<(String, String)>) {
        let coding = headers
            .iter()
            .rfind(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
        let is_encoded = coding.is_none_or(|(_, coding)| self.may_have(coding));
        let mut has_length = false;
        headers.retain_mut(|(name, value)| {
            if name.eq_ignore_ascii_case("content-length") {
                *value = self.bytes.len().to_string();
                return !std::mem::replace(&mut has_length, true);
            }
            !name.eq_ignore_ascii_case("transfer-encoding")
                && (is_encoded || !name.eq_ignore_ascii_case("content-encoding"))
        });
    }

    /// Whether the last of some codings, which is the outermost, may be the body's.
    fn may_have(&self, codings: &str) -> bool {
        let coding = codings.rsplit(',').next().unwrap_or_default().trim();
        if coding.eq_ignore_ascii_case("identity") {
            return true;
        }
        // Event sources send what is compressed as base64.
        if self.is_text {
            return false;
        }
        let begins = |magic: &[u8]| self.bytes.starts_with(magic);
        match &*coding.to_ascii_lowercase() {
            // RFC 1952, 2.3.1
            "gzip" | "x-gzip" => begins(&[0x1f, 0x8b]),
            // RFC 1950, 2.2: the method is 8, and both bytes are a multiple of 31.
            "deflate" => matches!(*self.bytes, [method, flags, ..]
                if method & 15 == 8 && u16::from_be_bytes([method, flags]) % 31 == 0),
            // RFC 8878, 3.1.1 and 3.1.2
            "zstd" => {
                begins(&[0x28, 0xb5, 0x2f, 0xfd])
                    || matches!(*self.bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
            }
            "compress" | "x-compress" => begins(&[0x1f, 0x9d]),
            // Others, such as Brotli, have no mark.
            _ => !self.bytes.is_empty(),
        }
    }
}

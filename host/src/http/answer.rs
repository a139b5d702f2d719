//! The JSON of a response, for every event source.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::limits::Limit;
use super::members::Members;
use super::response::ValidatedResponse;
use crate::failure::Failure;

/// A response in JSON: <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload>, and the pages in
/// the files of the event sources. Each source has its selection of the fields.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    pub status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Members<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_value_headers: Option<Members<Vec<String>>>,
    /// Payload 2.0 always has them: `cargo lambda watch` refuses a response without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookies: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_base64_encoded: Option<bool>,
}

impl Answer {
    /// Creates a response with the status and the body. A body that is not text is base64, and so is a compressed body, which is
    /// text only by chance.
    pub(super) fn new(response: ValidatedResponse) -> Self {
        let text = match String::from_utf8(response.body) {
            Ok(text) if !response.is_compressed || text.is_empty() => Ok(text),
            Ok(text) => Err(text.into_bytes()),
            Err(error) => Err(error.into_bytes()),
        };
        Self {
            is_base64_encoded: Some(text.is_err()),
            body: Some(text.unwrap_or_else(|bytes| STANDARD.encode(bytes))),
            ..Self::without_body(response.status)
        }
    }

    /// Creates a response with the status only.
    pub(super) fn without_body(status_code: u16) -> Self {
        Self {
            status_code,
            status_description: None,
            headers: None,
            multi_value_headers: None,
            cookies: None,
            body: None,
            is_base64_encoded: None,
        }
    }

    /// Returns the JSON. A text that makes it too large is sent as base64 if the event source decodes it: JSON writes some
    /// characters as six.
    ///
    /// # Errors
    ///
    /// Returns an error if it is larger than what the event source takes.
    pub(super) fn into_json(mut self, limit: &Limit) -> Result<Vec<u8>, Failure> {
        let json = self.to_json(limit);
        let length = self.body.as_ref().map_or(0, String::len);
        let may_be_smaller =
            self.is_base64_encoded == Some(false) && length.div_ceil(3) * 4 <= limit.largest;
        if json.size <= limit.largest || !may_be_smaller {
            return json.whole(limit);
        }
        if !limit.text_as_base64 {
            let mut failure = limit.exceeded(json.size);
            failure.error_message.push_str(" The body has many characters that JSON escapes. As base64 it would be smaller, but a REST API would hand the base64 to the client, unless it has binary media types.\nhint: return less");
            return Err(failure);
        }
        self.body = self.body.map(|text| STANDARD.encode(text));
        self.is_base64_encoded = Some(true);
        self.to_json(limit).whole(limit)
    }

    fn to_json(&self, limit: &Limit) -> Json {
        let mut json = Json {
            kept: Vec::new(),
            size: 0,
            largest: limit.largest,
        };
        // Strings and numbers always are JSON, and nothing else fails.
        let _ = serde_json::to_writer(&mut json, self);
        json
    }
}

/// JSON that is kept unless it is larger than an answer may be: six times as large as its text, at worst.
struct Json {
    kept: Vec<u8>,
    size: usize,
    largest: usize,
}

impl Json {
    fn whole(self, limit: &Limit) -> Result<Vec<u8>, Failure> {
        if self.size > self.largest {
            return Err(limit.too_large(self.size));
        }
        Ok(self.kept)
    }
}

impl io::Write for Json {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size += bytes.len();
        if self.size <= self.largest {
            self.kept.extend_from_slice(bytes);
        } else {
            self.kept = Vec::new();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

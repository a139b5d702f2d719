//! Reads responses in JSON: the rules that all event sources share.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// The head of a response in payload format 2.0, or the prelude of a streamed response. Other fields
/// are ignored, as on AWS.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    status_code: Option<Value>,
    headers: Option<BTreeMap<String, Value>>,
    cookies: Option<Vec<String>>,
}

impl Head {
    /// Returns the response with a body. The body has `content_type` if the head does not set another.
    pub fn response(
        self,
        body: Body,
        default_type: &'static str,
    ) -> Result<Response<Body>, String> {
        let mut response = Response::new(body);
        if let Some(value) = self.status_code {
            *response.status_mut() = status(&value)?;
        }
        let cookies = self.cookies.unwrap_or_default().into_iter();
        let cookies = cookies.map(|cookie| ("set-cookie".to_owned(), Value::String(cookie)));
        let headers = self.headers.unwrap_or_default().into_iter();
        append(response.headers_mut(), headers.chain(cookies), default_type)?;
        Ok(response)
    }
}

/// Reads a status, which may be a string.
pub(super) fn status(value: &Value) -> Result<StatusCode, String> {
    let bad = || format!("its statusCode is {value}, not a number from 200 to 599");
    let number = match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    let number = number.filter(|number| (200..600).contains(number));
    let number = number.ok_or_else(bad)?;
    StatusCode::from_u16(number as u16).map_err(|_| bad())
}

/// Returns the bytes of a body.
pub(super) fn body(text: Option<String>, is_base64: Option<bool>) -> Result<Vec<u8>, String> {
    let text = text.unwrap_or_default();
    match is_base64 {
        Some(true) => STANDARD
            .decode(text)
            .map_err(|error| format!("its body is not base64: {error}")),
        _ => Ok(text.into_bytes()),
    }
}

/// Adds headers, and the content type if they do not set it. Headers about the framing are left out,
/// since the event source frames the response.
pub(super) fn append(
    headers: &mut HeaderMap,
    pairs: impl Iterator<Item = (String, Value)>,
    default_type: &'static str,
) -> Result<(), String> {
    for (name, value) in pairs {
        let value = plain(&value).ok_or(format!("its header {name} is not a plain value"))?;
        let bad = || format!("its header {name} cannot be written in HTTP");
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let value = HeaderValue::from_str(&value).map_err(|_| bad())?;
        if ![
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
        ]
        .contains(&key)
        {
            headers.append(key, value);
        }
    }
    headers
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static(default_type));
    Ok(())
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

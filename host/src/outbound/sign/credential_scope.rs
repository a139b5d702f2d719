//! The signature that a function made with its placeholders. The host reads its scope, and removes the signature.

use http::request::Parts;
use http::{HeaderName, Uri, header};
use percent_encoding::percent_decode_str;

use crate::policy::PLACEHOLDERS;

/// The start of a signature in headers.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The parameters of a signature in a query:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.
const PARAMETERS: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// The region and service that a request was signed for with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CredentialScope {
    /// The region.
    pub region: String,
    /// The service, by its name in signatures.
    pub service: String,
    /// Whether the signature is in the query.
    pub is_query: bool,
}

impl CredentialScope {
    /// Returns the scope of a request that is signed with placeholders.
    #[must_use]
    pub(super) fn from_request(parts: &Parts) -> Option<Self> {
        let [(_, key), ..] = PLACEHOLDERS;
        let read = |credential: &str, is_query| {
            let parts: Vec<&str> = credential.split('/').collect();
            let [found, _, region, service, "aws4_request"] = parts[..] else {
                return None;
            };
            (found == key).then(|| Self {
                region: region.to_owned(),
                service: service.to_owned(),
                is_query,
            })
        };
        let header = parts.headers.get(header::AUTHORIZATION);
        let Some(header) = header else {
            return read(&query(parts, "X-Amz-Credential")?, true);
        };
        let fields = header.to_str().ok()?.strip_prefix(ALGORITHM)?;
        let mut fields = fields.split(',').map(str::trim);
        read(
            fields.find_map(|field| field.strip_prefix("Credential="))?,
            false,
        )
    }
}

/// Returns whether a request has credentials of any kind.
#[must_use]
pub(super) fn is_signed(parts: &Parts) -> bool {
    parts.headers.contains_key(header::AUTHORIZATION) || query(parts, "X-Amz-Signature").is_some()
}

/// Returns whether a request has a signature of AWS's kinds, in its headers or its query.
#[must_use]
pub(super) fn is_sigv4(parts: &Parts) -> bool {
    let header = parts.headers.get(header::AUTHORIZATION);
    header.is_some_and(|header| header.as_bytes().starts_with(b"AWS4-"))
        || query(parts, "X-Amz-Signature").is_some()
}

/// Returns whether a request's address or headers contain a placeholder.
#[must_use]
pub(super) fn has_placeholder(parts: &Parts) -> bool {
    let has = |text: &[u8]| {
        let mut values = PLACEHOLDERS.iter().map(|(_, value)| value.as_bytes());
        values.any(|value| text.windows(value.len()).any(|part| part == value))
    };
    let target = parts.uri.path_and_query();
    target.is_some_and(|target| has(target.as_str().as_bytes()))
        || parts.headers.values().any(|value| has(value.as_bytes()))
}

/// Returns a parameter of the query, decoded.
#[must_use]
pub(super) fn query(parts: &Parts, name: &str) -> Option<String> {
    let pairs = parts.uri.query()?.split('&');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// Removes a signature: its headers, and its part of the query.
///
/// # Errors
///
/// Returns an error if the rest of the URI is invalid.
pub(super) fn strip(parts: &mut Parts) -> Result<(), http::Error> {
    for name in [header::AUTHORIZATION, DATE, TOKEN] {
        parts.headers.remove(name);
    }
    let Some(query) = parts.uri.query() else {
        return Ok(());
    };
    let is_kept = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        let is = |known: &&str| name.eq_ignore_ascii_case(known);
        !PARAMETERS.iter().any(is)
    };
    let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
    let path = parts.uri.path();
    let target = match kept[..] {
        [] => path.to_owned(),
        _ => format!("{path}?{}", kept.join("&")),
    };
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(target.try_into()?);
    parts.uri = Uri::from_parts(uri)?;
    Ok(())
}

//! The reasons why a request is not signed.

use thiserror::Error;
use wasmtime_wasi_http::Error as Code;

/// The most bytes that one worker holds to sign them: bodies whose hash or length has to be known before they are sent, and
/// chunks. Services that require hashed bodies accept at most this size.
pub(super) const MAX_HELD: usize = 32 * 1024 * 1024;

/// The reason why a request is not signed, as the end of a sentence that begins with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The request contains placeholders outside a signature that the host can replace.
    #[error(
        "it contains placeholder credentials outside a Signature Version 4, so it cannot be re-signed"
    )]
    Placeholder,
    /// The host is not an endpoint of AWS.
    #[error(
        "it is signed with placeholder credentials, and its host is not an endpoint of AWS: if it is an endpoint, set AWS_ENDPOINT_URL_<SERVICE> in the function's environment"
    )]
    Endpoint,
    /// The host is in a domain of AWS, but its service is not known.
    #[error(
        "its host does not belong to a known service of AWS, and may belong to a customer of AWS"
    )]
    Host,
    /// The environment names this endpoint for several services.
    #[error(
        "AWS_ENDPOINT_URL in the function's environment names this endpoint for several services ({0}), and the request does not say which service it is for: set AWS_ENDPOINT_URL_<SERVICE>, or sign it with the placeholders"
    )]
    Several(String),
    /// The endpoint belongs to several regions.
    #[error(
        "its endpoint needs Signature Version 4A, which the host does not support: use the endpoint of one region"
    )]
    Asymmetric,
    /// The request has another authorization.
    #[error(
        "it is for {0} and carries another authorization: to have it signed, leave out that header or X-Amz-Signature"
    )]
    Authorized(String),
    /// The service needs the length of the body, which is not known.
    #[error(
        "it has no Content-Length, and its body does not fit into the {} MiB that are held to find its length: set Content-Length, or send it in parts",
        MAX_HELD / 1024 / 1024
    )]
    Length,
    /// The body is too large to be hashed.
    #[error(
        "its body has to be held for its hash, and does not fit into the {} MiB that are held at one time: set x-amz-content-sha256",
        MAX_HELD / 1024 / 1024
    )]
    Held,
    /// The body is in chunks whose total length is not known.
    #[error(
        "its body is aws-chunked, and the header x-amz-decoded-content-length is missing, which AWS requires"
    )]
    DecodedLength,
    /// The policy does not list the service.
    #[error(
        "it is for the service {0}: to have it signed, add \"{0}\" to `sign` under [aws] in the policy"
    )]
    Service(String),
    /// The policy does not list the region.
    #[error(
        "it is for the region {0}: to have it signed, add \"{0}\" to `regions` under [aws] in the policy"
    )]
    Region(String),
    /// The environment has no credentials.
    #[error(
        "it is to be signed, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not in the runtime's environment, nor is AWS_CONTAINER_CREDENTIALS_FULL_URI"
    )]
    Credentials,
    /// The environment names an endpoint of credentials, which gives none.
    #[error("it is to be signed, but the credentials cannot be fetched: {0}")]
    Unobtained(String),
    /// The request asks for an unknown way of signing.
    #[error("its x-amz-content-sha256 is {0:?}, a way of signing that the host does not know")]
    Mode(String),
    /// The signing library refuses it.
    #[error("it cannot be signed: {0}")]
    Invalid(String),
}

impl Refusal {
    /// Returns the code that the function gets for a request that could not be signed.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Length | Self::Held => Code::HttpRequestBodySize(Some(MAX_HELD as u64)),
            _ => Code::InternalError(Some(self.to_string())),
        }
    }
}

//! Why a request is not signed.

use thiserror::Error;
use wasmtime_wasi_http::Error as Code;

/// How much is held to be signed at one time for one worker, in bytes: bodies whose hash or length has to be known before
/// they are sent, and chunks. No service that asks for hashed bodies takes more.
pub const MAX_HELD: usize = 32 * 1024 * 1024;

/// Why a request is not sent, as the end of a sentence that begins with where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Placeholders are in it, and no signature of theirs that is known.
    #[error(
        "placeholder credentials are in it, and not as a Signature Version 4 of its own, which the host could make anew"
    )]
    Placeholder,
    /// It goes to no endpoint of AWS.
    #[error(
        "it is signed with placeholder credentials, and goes to no endpoint of AWS: AWS_ENDPOINT_URL_<SERVICE> in the function's environment makes it one"
    )]
    Endpoint,
    /// It goes to a domain of AWS, to a host of which no service is known.
    #[error(
        "the host knows no service of AWS that is signed for there, and a customer of AWS may be listening"
    )]
    Host,
    /// Several services are there.
    #[error(
        "AWS_ENDPOINT_URL in the function's environment says that several services are there ({0}), and the request does not say which one it is for: set AWS_ENDPOINT_URL_<SERVICE>, or sign it with the placeholders"
    )]
    Several(String),
    /// It goes to an endpoint of several regions.
    #[error(
        "such endpoints need Signature Version 4A, which the host does not make: use the endpoint of one region"
    )]
    Asymmetric,
    /// It has an authorization that the host did not make.
    #[error(
        "it is for {0} and carries another authorization: to have it signed, leave out that header or X-Amz-Signature"
    )]
    Authorized(String),
    /// Its length is not known, and has to be.
    #[error(
        "it has no Content-Length, and its body does not fit into the {} MiB that are held to find its length: set Content-Length, or send it in parts",
        MAX_HELD / 1024 / 1024
    )]
    Length,
    /// Its body is too large to be hashed.
    #[error(
        "its body has to be held for its hash, and does not fit into the {} MiB that are held at one time: set x-amz-content-sha256",
        MAX_HELD / 1024 / 1024
    )]
    Held,
    /// Its body is in chunks of an unknown sum.
    #[error(
        "its body is aws-chunked, and it has no x-amz-decoded-content-length, without which AWS does not take it"
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
    /// There is nothing to sign with.
    #[error(
        "it is to be signed, and the runtime has no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment"
    )]
    Credentials,
    /// The request wants a way of signing that is not known.
    #[error("its x-amz-content-sha256 is {0:?}, which is no way of signing that the host knows")]
    Mode(String),
    /// The library does not sign it.
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

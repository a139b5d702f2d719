//! Signs requests to AWS with the environment's credentials, which the function never sees:
//! [Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
//!
//! A function may send a request without a signature, or let an SDK sign it with the placeholders that it finds in its
//! environment. That signature is taken off, and the host makes its own, in the way of signing the body that the request
//! chose. What has a placeholder in it and is not signed for does not leave.

mod chunks;
mod claim;
mod key;
mod refusal;
mod service;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{Error as Code, WasiBody};

use self::chunks::Chunks;
use self::claim::Claim;
use self::key::SigningKey;
use self::refusal::MAX_HELD;
pub use self::refusal::Refusal;
use self::service::{Endpoints, Service};
use super::body::{Keeping, framed, has_rarely_a_body};
use crate::aws::Rule;
use crate::config::Environment;
use crate::policy::{Aws, Origin, Scheme};

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");

/// Says that a body is not signed.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What becomes of a request that may leave.
#[derive(Debug)]
pub enum Decision {
    /// It is signed.
    Sign(Signing),
    /// It leaves as it is. If a signature may have been meant, this is why it gets none.
    Leave(Option<Refusal>),
}

/// Signs for the services and regions that a policy lists.
#[derive(Debug)]
pub struct Signer {
    services: Vec<String>,
    regions: Vec<String>,
    endpoints: Endpoints,
    credentials: Option<Credentials>,
    room: Arc<Semaphore>,
}

/// How a request will be signed.
#[derive(Debug, Clone)]
pub struct Signing {
    key: SigningKey,
    mode: Mode,
    /// Whether it is sent with the length of its body, for which the body is held if the request does not say.
    needs_length: bool,
}

/// How a request's body enters its signature, which the request chooses by its `x-amz-content-sha256`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    /// By its hash, for which it has to be read first.
    Hashed,
    /// By this text: its hash, or that there is none.
    Said(String),
    /// In chunks, each with a signature of its own:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>.
    Chunks(String),
}

impl Signer {
    /// Signs what the policy lists, with the credentials and for the region and the endpoints of the environment.
    #[must_use]
    pub fn new(aws: &Aws, environment: &Environment) -> Self {
        let own = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let own = own.iter().find_map(|name| environment.get(name));
        let regions = match &*aws.regions {
            [] => own.into_iter().map(str::to_owned).collect(),
            listed => listed.to_vec(),
        };
        let key = environment.get("AWS_ACCESS_KEY_ID");
        let secret = environment.get("AWS_SECRET_ACCESS_KEY");
        let token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
        let credentials = key.zip(secret);
        Self {
            services: aws.sign.clone(),
            regions,
            endpoints: Endpoints::of(environment, own),
            credentials: credentials
                .map(|(key, secret)| Credentials::new(key, secret, token, None, "environment")),
            room: Arc::new(Semaphore::new(MAX_HELD)),
        }
    }

    /// Returns whether and how a request to `origin` is to be signed.
    ///
    /// # Errors
    ///
    /// Returns an error if it may not leave as it is, and cannot be signed either.
    pub fn decide(&self, origin: &Origin, parts: &Parts) -> Result<Decision, Refusal> {
        let claim = Claim::of(parts);
        let claim = match &claim {
            Some(claim) => Some(claim),
            None if claim::has_placeholder(parts) => return Err(Refusal::Placeholder),
            // By credentials of the function's own, or for nothing that is signed.
            None if claim::is_sigv4(parts) || self.services.is_empty() => {
                return Ok(Decision::Leave(None));
            }
            None => None,
        };
        let is_signed = claim.is_none() && claim::is_signed(parts);
        // A request without a placeholder leaves without a signature, and the log says why.
        let unsigned = |why| match claim {
            Some(_) => Err(why),
            None => Ok(Decision::Leave((!is_signed).then_some(why))),
        };
        let service = match self.endpoints.service(origin, claim, &self.services) {
            Ok(service) => service,
            Err(Refusal::Endpoint) if claim.is_none() => return Ok(Decision::Leave(None)),
            Err(why) => return unsigned(why),
        };
        if !self.services.contains(&service.name) {
            return unsigned(Refusal::Service(service.name));
        }
        if !self.regions.contains(&service.region) {
            return unsigned(Refusal::Region(service.region));
        }
        if is_signed {
            return Ok(Decision::Leave(Some(Refusal::Authorized(service.name))));
        }
        let mode = Mode::of(parts, claim, &service, origin.scheme)?;
        let needs_length = mode.needs_length(parts, &service)?;
        Ok(Decision::Sign(Signing {
            mode,
            needs_length,
            key: SigningKey {
                service,
                credentials: self.credentials.clone().ok_or(Refusal::Credentials)?,
                time: SystemTime::now(),
                room: Arc::clone(&self.room),
            },
        }))
    }
}

impl Mode {
    fn of(
        parts: &Parts,
        claim: Option<&Claim>,
        service: &Service,
        scheme: Scheme,
    ) -> Result<Self, Refusal> {
        let header = parts.headers.get(CONTENT_SHA256);
        let header = header.map(|said| String::from_utf8_lossy(said.as_bytes()).into_owned());
        let is_hash = |said: &str| said.len() == 64 && said.bytes().all(|b| b.is_ascii_hexdigit());
        match header.or_else(|| claim::query(parts, "X-Amz-Content-Sha256")) {
            Some(said) => match &*said {
                UNSIGNED | "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Ok(Self::Said(said)),
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
                | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Ok(Self::Chunks(said)),
                hash if is_hash(hash) => Ok(Self::Said(said)),
                _ => Err(Refusal::Mode(said)),
            },
            // Presigned URLs of such services never have a hash.
            None if service.has(Rule::UnsignedBody)
                && (scheme == Scheme::Https || claim.is_some_and(|claim| claim.is_query)) =>
            {
                Ok(Self::Said(UNSIGNED.to_owned()))
            }
            None => Ok(Self::Hashed),
        }
    }

    /// Whether a request has to be sent with the length of its body. Services refuse others with 411 or 501:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
    fn needs_length(&self, parts: &Parts, service: &Service) -> Result<bool, Refusal> {
        let is_chunked = match self {
            Self::Chunks(_) => true,
            Self::Said(said) => said.starts_with("STREAMING-"),
            Self::Hashed => false,
        };
        if is_chunked && !parts.headers.contains_key(DECODED_LENGTH) {
            return Err(Refusal::DecodedLength);
        }
        Ok(!is_chunked && !service.has(Rule::NoLength))
    }
}

impl Signing {
    /// Signs a request in its headers.
    ///
    /// # Errors
    ///
    /// Returns the code for the function if its body cannot be read, or the refusal.
    pub async fn sign(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Request<WasiBody>, Result<Code, Refusal>> {
        let has_length = request.headers().contains_key(CONTENT_LENGTH)
            || request.body().size_hint().exact().is_some();
        let is_held = self.mode == Mode::Hashed || (self.needs_length && !has_length);
        let request = match has_rarely_a_body(request.method()) {
            // Some never end the body that they do not have.
            true if is_held => framed(request).await,
            _ => request,
        };
        let (mut parts, mut body) = request.into_parts();
        claim::strip(&mut parts).map_err(|error| Err(Refusal::Invalid(error.to_string())))?;
        if claim::has_placeholder(&parts) {
            return Err(Err(Refusal::Placeholder));
        }
        let mut held = Bytes::new();
        if is_held {
            let (bytes, room) = self.collect(body, has_length).await?;
            held = bytes.clone();
            let full = Full::new(bytes).map_err(|never| match never {});
            body = Keeping::new(full.boxed_unsync(), room, |_| ()).boxed_unsync();
            // Its length is known now.
            parts.headers.remove(TRANSFER_ENCODING);
        }
        let signed = match &self.mode {
            Mode::Hashed => SignableBody::Bytes(&held),
            Mode::Said(said) | Mode::Chunks(said) => SignableBody::Precomputed(said.clone()),
        };
        let seed = self.apply(&mut parts, signed).map_err(Err)?;
        let body = match &self.mode {
            Mode::Chunks(_) => Chunks::new(body, seed, self.key.clone()).boxed_unsync(),
            Mode::Hashed | Mode::Said(_) => body,
        };
        Ok(Request::from_parts(parts, body))
    }

    /// Puts the signature into the headers, and returns it.
    fn apply(&self, parts: &mut Parts, body: SignableBody<'_>) -> Result<String, Refusal> {
        let invalid = |error: &dyn std::error::Error| Refusal::Invalid(error.to_string());
        let had_hash = parts.headers.remove(CONTENT_SHA256).is_some();
        let mut settings = SigningSettings::default();
        let is_as_sent = self.key.service.has(Rule::Paths);
        if is_as_sent {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        if self.key.service.has(Rule::UnsignedLength) {
            let length = Cow::Borrowed(CONTENT_LENGTH.as_str());
            let excluded = settings.excluded_headers.get_or_insert_default();
            excluded.push(length);
        }
        if had_hash || self.key.service.has(Rule::HashHeader) {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let mut headers = Vec::new();
        for (name, value) in &parts.headers {
            let value = value.to_str().map_err(|error| {
                Refusal::Invalid(format!("its header {name} has more than ASCII: {error}"))
            })?;
            headers.push((name.as_str(), value));
        }
        let uri = match is_as_sent {
            true => escaped(&parts.uri),
            false => parts.uri.to_string(),
        };
        let request = SignableRequest::new(parts.method.as_str(), uri, headers.into_iter(), body)
            .map_err(|error| invalid(&error))?;
        let (instructions, signature) = self.key.with(settings, |params| {
            sign(request, &params.into()).map(aws_sigv4::SigningOutput::into_parts)
        })?;
        for header in instructions.into_parts().0 {
            let mut value =
                HeaderValue::from_str(header.value()).map_err(|error| invalid(&error))?;
            value.set_sensitive(header.sensitive());
            parts.headers.insert(header.name(), value);
        }
        Ok(signature)
    }

    /// Reads a body, and takes the room for it.
    async fn collect(
        &self,
        mut body: WasiBody,
        has_length: bool,
    ) -> Result<(Bytes, Vec<OwnedSemaphorePermit>), Result<Code, Refusal>> {
        let (mut collected, mut room) = (BytesMut::new(), Vec::new());
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(Ok)?.into_data() {
                let more = self.key.room(data.len()).ok_or(match self.mode {
                    Mode::Said(_) if !has_length => Refusal::Length,
                    _ => Refusal::Held,
                });
                room.push(more.map_err(Err)?);
                collected.extend_from_slice(&data);
            }
        }
        Ok((collected.freeze(), room))
    }
}

/// The characters that [`Rule::Paths`] escapes in a path. Escapes stay.
const ESCAPED_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'%');

/// Returns a URI as [`Rule::Paths`] signs it, with a path that is escaped. HTTP allows a path that is not, and the request leaves with
/// the path that it has.
fn escaped(uri: &Uri) -> String {
    let Some(authority) = uri.authority() else {
        return uri.to_string();
    };
    let scheme = uri.scheme_str().unwrap_or("https");
    let path = utf8_percent_encode(uri.path(), ESCAPED_IN_PATH);
    match uri.query() {
        Some(query) => format!("{scheme}://{authority}{path}?{query}"),
        None => format!("{scheme}://{authority}{path}"),
    }
}

#[cfg(test)]
mod tests;

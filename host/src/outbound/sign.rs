//! Signs requests to AWS with the environment's credentials, which the function never sees:
//! [Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
//!
//! A function may send a request without a signature, or let an SDK sign it with the placeholders in its environment. The
//! host removes that signature and signs the request itself, and signs the body in the way that the request chose. A request
//! that contains a placeholder and cannot be signed is rejected.

mod chunks;
mod credential_scope;
mod key;
mod refusal;
mod service;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

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
use self::credential_scope::CredentialScope;
use self::key::SigningKey;
use self::refusal::MAX_HELD;
pub(super) use self::refusal::Refusal;
use self::service::{Endpoints, Service};
use super::body::{GuardedBody, rarely_has_body, with_framing};
use super::credentials::CredentialSource;
use crate::aws::Rule;
use crate::config::Environment;
use crate::policy::{Aws, Origin, Scheme};

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");

/// The hash that stands for a body that is not signed.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The decision about a request that may be sent.
#[derive(Debug)]
pub enum Decision {
    /// The host signs it.
    Sign(Signing),
    /// It is sent as it is. If the function may expect a signature, this is why it does not get one.
    Leave(Option<Refusal>),
}

/// Signs requests to the services and regions that a policy lists.
#[derive(Debug)]
pub struct Signer {
    services: Vec<String>,
    regions: Vec<String>,
    endpoints: Endpoints,
    credentials: Arc<CredentialSource>,
    room: Arc<Semaphore>,
}

/// The parameters of the signature of one request.
#[derive(Debug, Clone)]
pub struct Signing {
    service: Service,
    credentials: Arc<CredentialSource>,
    time: SystemTime,
    room: Arc<Semaphore>,
    payload: PayloadSigning,
    /// Whether the request needs the length of its body. If the request does not have it, the body is held to find it.
    needs_length: bool,
}

impl Signing {
    /// Returns the name of the service in the signature.
    pub(super) fn service(&self) -> &str {
        &self.service.name
    }
}

/// The way in which the body enters the signature. The request chooses it by its `x-amz-content-sha256`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PayloadSigning {
    /// By its hash, for which it has to be read before it is sent.
    Hashed,
    /// By the text that the request declares: a hash, or the statement that the body is not signed.
    Declared(String),
    /// In chunks that each have a signature:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>.
    Chunks(String),
}

impl Signer {
    /// Creates a signer with these credentials, and the region and the endpoints of the environment.
    #[must_use]
    pub(crate) fn new(
        aws: &Aws,
        environment: &Environment,
        credentials: Arc<CredentialSource>,
    ) -> Self {
        let own = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let own = own.iter().find_map(|name| environment.get(name));
        let regions = match &*aws.regions {
            [] => own.into_iter().map(str::to_owned).collect(),
            listed => listed.to_vec(),
        };
        Self {
            services: aws.sign.clone(),
            regions,
            endpoints: Endpoints::from_environment(environment, own),
            credentials,
            room: Arc::new(Semaphore::new(MAX_HELD)),
        }
    }

    /// Creates a signer that signs nothing.
    #[must_use]
    pub(super) fn none() -> Self {
        let environment = Environment::from_iter([]);
        Self::new(
            &Aws::default(),
            &environment,
            Arc::new(CredentialSource::None),
        )
    }

    /// Returns whether and how a request to `origin` is to be signed.
    ///
    /// # Errors
    ///
    /// Returns an error if the request may not be sent as it is, and cannot be signed either.
    pub fn decide(&self, origin: &Origin, parts: &Parts) -> Result<Decision, Refusal> {
        let scope = CredentialScope::from_request(parts);
        let scope = match &scope {
            Some(scope) => Some(scope),
            None if credential_scope::has_placeholder(parts) => return Err(Refusal::Placeholder),
            // It is signed with other credentials, or the policy does not sign at all.
            None if credential_scope::is_sigv4(parts) || self.services.is_empty() => {
                return Ok(Decision::Leave(None));
            }
            None => None,
        };
        let is_signed = scope.is_none() && credential_scope::is_signed(parts);
        // A request without a placeholder is sent without a signature, and the log says why.
        let unsigned = |why| match scope {
            Some(_) => Err(why),
            None => Ok(Decision::Leave((!is_signed).then_some(why))),
        };
        let service = match self.endpoints.service(origin, scope, &self.services) {
            Ok(service) => service,
            Err(Refusal::Endpoint) if scope.is_none() => return Ok(Decision::Leave(None)),
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
        let payload = PayloadSigning::from_request(parts, scope, &service, origin.scheme)?;
        let needs_length = payload.needs_length(parts, &service)?;
        if !self.credentials.is_some() {
            return Err(Refusal::Credentials);
        }
        Ok(Decision::Sign(Signing {
            service,
            credentials: Arc::clone(&self.credentials),
            time: SystemTime::now(),
            room: Arc::clone(&self.room),
            payload,
            needs_length,
        }))
    }
}

impl PayloadSigning {
    fn from_request(
        parts: &Parts,
        scope: Option<&CredentialScope>,
        service: &Service,
        scheme: Scheme,
    ) -> Result<Self, Refusal> {
        let header = parts.headers.get(CONTENT_SHA256);
        let header = header.map(|said| String::from_utf8_lossy(said.as_bytes()).into_owned());
        let is_hash = |said: &str| said.len() == 64 && said.bytes().all(|b| b.is_ascii_hexdigit());
        match header.or_else(|| credential_scope::query(parts, "X-Amz-Content-Sha256")) {
            Some(said) => match &*said {
                UNSIGNED | "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Ok(Self::Declared(said)),
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
                | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Ok(Self::Chunks(said)),
                hash if is_hash(hash) => Ok(Self::Declared(said)),
                _ => Err(Refusal::Mode(said)),
            },
            // Presigned URLs of these services never have a hash.
            None if service.has(Rule::UnsignedBody)
                && (scheme == Scheme::Https || scope.is_some_and(|scope| scope.is_query)) =>
            {
                Ok(Self::Declared(UNSIGNED.to_owned()))
            }
            None => Ok(Self::Hashed),
        }
    }

    /// Returns whether a request needs the length of its body. Services refuse requests without it with 411 or 501:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
    fn needs_length(&self, parts: &Parts, service: &Service) -> Result<bool, Refusal> {
        let is_chunked = match self {
            Self::Chunks(_) => true,
            Self::Declared(said) => said.starts_with("STREAMING-"),
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
        let is_held = self.payload == PayloadSigning::Hashed || (self.needs_length && !has_length);
        let request = match rarely_has_body(request.method()) {
            // Some guests never end the body that they do not write.
            true if is_held => with_framing(request).await,
            _ => request,
        };
        let (mut parts, mut body) = request.into_parts();
        credential_scope::strip(&mut parts)
            .map_err(|error| Err(Refusal::Invalid(error.to_string())))?;
        if credential_scope::has_placeholder(&parts) {
            return Err(Err(Refusal::Placeholder));
        }
        let mut held = Bytes::new();
        if is_held {
            let (bytes, room) = self.collect(body, has_length).await?;
            held = bytes.clone();
            let full = Full::new(bytes).map_err(|never| match never {});
            body = GuardedBody::new(full.boxed_unsync(), room, |_| ()).boxed_unsync();
            // The length is known now.
            parts.headers.remove(TRANSFER_ENCODING);
        }
        let signed = match &self.payload {
            PayloadSigning::Hashed => SignableBody::Bytes(&held),
            PayloadSigning::Declared(said) | PayloadSigning::Chunks(said) => {
                SignableBody::Precomputed(said.clone())
            }
        };
        // After the body was read, so that they are not older than the request.
        let credentials = self.credentials.get().await;
        let key = SigningKey {
            service: self.service.clone(),
            credentials: credentials.map_err(|why| Err(Refusal::Unobtained(why)))?,
            time: self.time,
            room: Arc::clone(&self.room),
        };
        let seed = self.apply(&key, &mut parts, signed).map_err(Err)?;
        let body = match &self.payload {
            PayloadSigning::Chunks(_) => Chunks::new(body, seed, key).boxed_unsync(),
            PayloadSigning::Hashed | PayloadSigning::Declared(_) => body,
        };
        Ok(Request::from_parts(parts, body))
    }

    /// Adds the signature to the headers, and returns it.
    fn apply(
        &self,
        key: &SigningKey,
        parts: &mut Parts,
        body: SignableBody<'_>,
    ) -> Result<String, Refusal> {
        let invalid = |error: &dyn std::error::Error| Refusal::Invalid(error.to_string());
        let had_hash = parts.headers.remove(CONTENT_SHA256).is_some();
        let mut settings = SigningSettings::default();
        let is_as_sent = self.service.has(Rule::Paths);
        if is_as_sent {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        if self.service.has(Rule::UnsignedLength) {
            let length = Cow::Borrowed(CONTENT_LENGTH.as_str());
            let excluded = settings.excluded_headers.get_or_insert_default();
            excluded.push(length);
        }
        if had_hash || self.service.has(Rule::HashHeader) {
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
        let (instructions, signature) = key.with(settings, |params| {
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

    /// Reads a body, and reserves memory for it.
    async fn collect(
        &self,
        mut body: WasiBody,
        has_length: bool,
    ) -> Result<(Bytes, Vec<OwnedSemaphorePermit>), Result<Code, Refusal>> {
        let (mut collected, mut room) = (BytesMut::new(), Vec::new());
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(Ok)?.into_data() {
                let more = key::reserve(&self.room, data.len()).ok_or(match self.payload {
                    PayloadSigning::Declared(_) if !has_length => Refusal::Length,
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

/// Returns a URI with an escaped path, as [`Rule::Paths`] signs it. HTTP also allows a path that is not escaped, and the
/// request is sent with its own path.
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

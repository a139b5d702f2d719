//! Signs requests to AWS with the environment's credentials, which the function never sees:
//! [Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
//!
//! A function may send a request without a signature, or let an SDK sign it with the placeholders that it finds in its
//! environment. That signature is taken off, and the host makes its own, in the way of signing the body that the request
//! chose. What has a placeholder in it and is not signed for does not leave.

mod chunks;
mod claim;
mod service;

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::{Bytes, BytesMut};
use http::header::TRANSFER_ENCODING;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{Error as Code, WasiBody};

use self::chunks::Chunks;
use self::claim::Claim;
use self::service::{Endpoints, Service};
use super::body::{Keeping, framed, has_rarely_a_body};
use crate::config::Environment;
use crate::policy::{Aws, Origin, Scheme};

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Says that a body is not signed.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// How much is held to be signed at one time for one worker, in bytes: bodies that have to be hashed before they are sent,
/// and chunks. No service that asks for hashed bodies takes more.
const MAX_HELD: usize = 32 * 1024 * 1024;

/// Signs for the services and regions that a policy lists.
#[derive(Debug)]
pub struct Signer {
    services: Vec<String>,
    regions: Vec<String>,
    endpoints: Endpoints,
    credentials: Option<Credentials>,
    room: Arc<Semaphore>,
}

/// Why a request is not sent, as the end of a sentence that begins with where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Placeholders are in it, and no signature of theirs that is known.
    #[error(
        "placeholder credentials are in it, and not as a Signature Version 4 of its own, which the host could make anew"
    )]
    Placeholder,
    /// It is signed with placeholders, and goes to nobody who would take a signature.
    #[error(
        "it is signed with placeholder credentials, and goes to no endpoint of AWS: AWS_ENDPOINT_URL_<SERVICE> in the function's environment makes it one"
    )]
    Endpoint,
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

/// How a request will be signed.
#[derive(Debug, Clone)]
pub struct Signing {
    service: Service,
    mode: Mode,
    credentials: Credentials,
    time: SystemTime,
    room: Arc<Semaphore>,
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

    /// Whether and how a request to `origin` is to be signed.
    ///
    /// # Errors
    ///
    /// If it may not leave as it is, and cannot be signed either.
    pub fn signing(&self, origin: &Origin, parts: &Parts) -> Result<Option<Signing>, Refusal> {
        let claim = Claim::of(parts);
        let claim = match &claim {
            Some(claim) => Some(claim),
            None if claim::has_placeholder(parts) => return Err(Refusal::Placeholder),
            // By credentials of the function's own.
            None if claim::is_signed(parts) => return Ok(None),
            None => None,
        };
        // What is not signed for leaves if it has no placeholder in it.
        let unsigned = |why| claim.map_or(Ok(None), |_| Err(why));
        let Some(service) = self.endpoints.service(origin, claim, &self.services) else {
            return unsigned(Refusal::Endpoint);
        };
        if !self.services.contains(&service.name) {
            return unsigned(Refusal::Service(service.name));
        }
        if !self.regions.contains(&service.region) {
            return unsigned(Refusal::Region(service.region));
        }
        Ok(Some(Signing {
            mode: Mode::of(parts, claim, &service, origin.scheme)?,
            service,
            credentials: self.credentials.clone().ok_or(Refusal::Credentials)?,
            time: SystemTime::now(),
            room: Arc::clone(&self.room),
        }))
    }
}

impl Signer {
    /// Why a request leaves without a signature that its function may have expected, as the end of a sentence.
    #[must_use]
    pub fn doubt(&self, origin: &Origin, parts: &Parts) -> Option<String> {
        if self.services.is_empty() || claim::is_signed(parts) {
            return None;
        }
        match &self.endpoints.here(origin, &self.services)[..] {
            [] => {
                let service = self.endpoints.service(origin, None, &self.services)?;
                let is_listed = self.services.contains(&service.name);
                let refusal = if is_listed {
                    Refusal::Region(service.region)
                } else {
                    // Others may be meant to go without.
                    let mut services = self.services.iter();
                    services.find(|listed| service::is_another_name(listed, &service.name))?;
                    Refusal::Service(service.name)
                };
                Some(refusal.to_string())
            }
            [name] => Some(format!(
                "the environment's AWS_ENDPOINT_URL_<SERVICE> says that the service {name} is there, which the policy does not list under [aws] for this region"
            )),
            names => Some(format!(
                "the environment's AWS_ENDPOINT_URL says that several services are there ({}), and the request does not say which it is for",
                names.join(", ")
            )),
        }
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
            // S3 takes bodies of any size, and without a hash over TLS; its presigned URLs never have one.
            None if service.is_s3()
                && (scheme == Scheme::Https || claim.is_some_and(|claim| claim.is_query)) =>
            {
                Ok(Self::Said(UNSIGNED.to_owned()))
            }
            None => Ok(Self::Hashed),
        }
    }
}

impl Signing {
    /// Signs a request in its headers.
    ///
    /// # Errors
    ///
    /// The code for the function, if its body cannot be read or is too large; or the refusal.
    pub async fn sign(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Request<WasiBody>, Result<Code, Refusal>> {
        let request = match &self.mode {
            // Some never end the body that they do not have.
            Mode::Hashed if has_rarely_a_body(request.method()) => framed(request).await,
            _ => request,
        };
        let (mut parts, body) = request.into_parts();
        claim::strip(&mut parts).map_err(|error| Err(Refusal::Invalid(error.to_string())))?;
        if claim::has_placeholder(&parts) {
            return Err(Err(Refusal::Placeholder));
        }
        let body = match &self.mode {
            Mode::Hashed => {
                let (body, room) = self.collect(body).await.map_err(Ok)?;
                // Its length is known now.
                parts.headers.remove(TRANSFER_ENCODING);
                self.apply(&mut parts, SignableBody::Bytes(&body))
                    .map_err(Err)?;
                let body = Full::new(body).map_err(|never| match never {});
                Keeping::new(body.boxed_unsync(), room, |_| ()).boxed_unsync()
            }
            Mode::Said(said) => {
                self.apply(&mut parts, SignableBody::Precomputed(said.clone()))
                    .map_err(Err)?;
                body
            }
            Mode::Chunks(said) => {
                let seed = self
                    .apply(&mut parts, SignableBody::Precomputed(said.clone()))
                    .map_err(Err)?;
                Chunks::new(body, seed, self.clone()).boxed_unsync()
            }
        };
        Ok(Request::from_parts(parts, body))
    }

    /// Puts the signature into the headers, and returns it.
    fn apply(&self, parts: &mut Parts, body: SignableBody<'_>) -> Result<String, Refusal> {
        let invalid = |error: &dyn std::error::Error| Refusal::Invalid(error.to_string());
        let had_hash = parts.headers.remove(CONTENT_SHA256).is_some();
        let mut settings = SigningSettings::default();
        if self.service.is_s3() {
            // It takes paths as they are: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        if had_hash || self.service.is_s3() {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let mut headers = Vec::new();
        for (name, value) in &parts.headers {
            let value = value.to_str().map_err(|error| {
                Refusal::Invalid(format!("its header {name} has more than ASCII: {error}"))
            })?;
            headers.push((name.as_str(), value));
        }
        let uri = match self.service.is_s3() {
            true => escaped(&parts.uri),
            false => parts.uri.to_string(),
        };
        let request = SignableRequest::new(parts.method.as_str(), uri, headers.into_iter(), body)
            .map_err(|error| invalid(&error))?;
        let (instructions, signature) = self.with(settings, |params| {
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
    ) -> Result<(Bytes, Vec<OwnedSemaphorePermit>), Code> {
        let (mut collected, mut room) = (BytesMut::new(), Vec::new());
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                let more = self.room(data.len());
                room.push(more.ok_or(Code::HttpRequestBodySize(Some(MAX_HELD as u64)))?);
                collected.extend_from_slice(&data);
            }
        }
        Ok((collected.freeze(), room))
    }

    /// Room for this many bytes, if there is.
    fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok()?;
        Arc::clone(&self.room).try_acquire_many_owned(bytes).ok()
    }

    /// Does something with the parameters that the library signs by.
    fn with<S: Default, T, E: std::error::Error>(
        &self,
        settings: S,
        work: impl FnOnce(v4::SigningParams<'_, S>) -> Result<T, E>,
    ) -> Result<T, Refusal> {
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.service.region)
            .name(&self.service.name)
            .time(self.time)
            .settings(settings)
            .build()
            .map_err(|error| Refusal::Invalid(error.to_string()))?;
        work(params).map_err(|error| Refusal::Invalid(error.to_string()))
    }
}

/// A URI as S3 signs it: all of its path is escaped but what is never to be, and escapes stay. HTTP allows more, and what is
/// sent stays as it was.
fn escaped(uri: &Uri) -> String {
    let Some(authority) = uri.authority() else {
        return uri.to_string();
    };
    let mut escaped = format!("{}://{authority}", uri.scheme_str().unwrap_or("https"));
    for byte in uri.path().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    if let Some(query) = uri.query() {
        escaped.push('?');
        escaped.push_str(query);
    }
    escaped
}

#[cfg(test)]
mod tests;

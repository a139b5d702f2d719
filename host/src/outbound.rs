//! The HTTP requests that a function makes: to the origins that its policy lists, and to no others.
//!
//! The imports of both versions of `wasi:http` end here. The [`Client`] of the worker sends each request. The host does not
//! follow redirects: the function does, and each step is checked. This module does not know the deadline, since the
//! instance ends at the deadline, and [its requests](request_set) end with it.

mod address;
mod body;
mod client;
mod connect;
mod credentials;
mod error;
mod health;
mod in_flight;
mod observed;
mod request_set;
mod sign;
mod tls;
mod wire;

#[cfg(feature = "full")]
pub(crate) use body::GuardedBody;
pub(crate) use client::Client;
pub(crate) use credentials::{CredentialSource, token_directory};
pub(crate) use sign::{Decision, Signer};

use std::fmt::Display;
use std::future::{Future, ready};
use std::mem::take;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use http::request::Parts;
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt;
use wasmtime_wasi::runtime::spawn;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

use self::body::lend;
use self::observed::ObservedRequest;
use self::request_set::RequestSet;
use self::sign::Signing;
use crate::guest_output::GuestOutput;
use crate::http::wasi::CONTEXT_HEADERS;
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::observer::{Observers, RequestDenied, RequestId};
use crate::policy::Origin;
use crate::variant::Variant;

type Io = Box<dyn Future<Output = Result<()>> + Send>;

/// The configuration of a function's requests: the origins that they may reach, and how they are signed.
#[derive(Debug)]
pub struct OutboundConfig {
    /// The origins that the policy lists.
    pub allow: Vec<Origin>,
    /// The origins that receive the [context headers](CONTEXT_HEADERS).
    pub forward_context: Vec<Origin>,
    /// The addresses of the Runtime API and of the credentials, which requests never reach.
    pub runtime_api: Vec<SocketAddr>,
    /// The address that receives all requests in place of their origins, in a test.
    pub stand_in: Option<SocketAddr>,
    /// The file with the trusted certificates, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Signs the requests to AWS.
    pub signer: Signer,
    /// The path of the policy, for messages.
    pub policy: PathBuf,
    /// The environment variable that names a proxy, until a warning about it is logged.
    pub proxy: Mutex<Option<&'static str>>,
    /// The log for warnings about the configuration.
    pub log: Log,
    /// The observers of each request.
    pub observers: Observers,
}

impl OutboundConfig {
    /// Returns the origins of the policy that match an origin.
    fn listed(&self, origin: &Origin) -> Vec<&Origin> {
        let listed = self.allow.iter();
        listed.filter(|listed| listed.matches(origin)).collect()
    }

    /// Removes the context headers, unless the policy forwards them to this origin.
    ///
    /// The host added them to the function's own request. A function that passes its headers on would otherwise give them to
    /// third parties.
    fn remove_context(&self, origin: &Origin, parts: &mut Parts) {
        let mut receivers = self.forward_context.iter();
        if !receivers.any(|receiver| receiver.matches(origin)) {
            for name in CONTEXT_HEADERS {
                parts.headers.remove(name);
            }
        }
    }

    /// Logs, once, that the host does not use a proxy.
    fn warn_of_proxy(&self) {
        let mut proxy = self.proxy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = proxy.take() {
            let line = format!(
                "the variable {name} is ignored: requests go straight to their origins. hint: unset it"
            );
            self.log.host(Level::Warn, None, &line);
        }
    }
}

/// Sends the requests of one instance.
pub(crate) struct Outbound {
    client: Client,
    output: GuestOutput,
    /// The invocation that requests belong to from now on.
    invocation: Option<Arc<Invocation>>,
    /// The number of requests so far.
    count: usize,
    requests: RequestSet,
}

impl Outbound {
    /// Creates the requests of one instance. Their warnings count as the guest's output.
    #[must_use]
    pub(crate) fn new(client: Client, output: GuestOutput) -> Self {
        Self {
            client,
            output,
            invocation: None,
            count: 0,
            requests: RequestSet::default(),
        }
    }

    /// Makes requests belong to an invocation.
    pub(crate) fn bind(&mut self, invocation: Arc<Invocation>) {
        self.invocation = Some(invocation);
    }

    /// Returns a request that may be sent, as observers know it, and how it is signed.
    fn check(&mut self, parts: &mut Parts) -> Result<(ObservedRequest, Option<Signing>)> {
        let origin = Origin::from_uri(&parts.uri).ok_or(Error::HttpRequestUriInvalid)?;
        parts.uri = plain(take(&mut parts.uri), &origin)?;
        if parts.method == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let config = self.client.config();
        if !Variant::IS_FULL || config.listed(&origin).is_empty() {
            let file = config.policy.display();
            let why = format!("to allow it, add \"{origin}\" to `allow` under [http] in {file}");
            return Err(self.deny(parts, &origin, &why));
        }
        config.remove_context(&origin, parts);
        let (signing, unsigned_reason) = match config.signer.decide(&origin, parts) {
            Ok(Decision::Sign(signing)) => (Some(signing), None),
            Ok(Decision::Leave(unsigned_reason)) => (None, unsigned_reason),
            Err(refusal) => return Err(self.deny(parts, &origin, &refusal)),
        };
        self.count += 1;
        let observed = ObservedRequest::begin(
            config.observers.clone(),
            self.invocation.clone(),
            self.count,
            origin,
            self.output.clone(),
        );
        let unsigned_reason = unsigned_reason.as_ref().map(|why| why as &dyn Display);
        let service = signing.as_ref().map(Signing::service);
        observed.tell_begun(parts, service, unsigned_reason);
        Ok((observed, signing))
    }

    fn deny(&mut self, parts: &Parts, origin: &Origin, why: &dyn Display) -> Error {
        self.count += 1;
        let request = RequestId {
            invocation: self.invocation.as_deref(),
            number: self.count,
            origin,
            output: &self.output,
        };
        let event = RequestDenied {
            request,
            method: &parts.method,
            path: parts.uri.path(),
            why,
        };
        let observers = &self.client.config().observers;
        observers.each(|observer| observer.request_denied(&event));
        Error::HttpRequestDenied
    }
}

/// Returns the URI with its authority as [`Origin`] writes it.
///
/// The host signs this authority, connects to it and sends it. HTTP/1.1 and HTTP/2 would differ if it named a default port.
fn plain(uri: Uri, origin: &Origin) -> Result<Uri> {
    let mut parts = uri.into_parts();
    let authority = origin.authority().try_into();
    parts.authority = Some(authority.map_err(|_| Error::HttpRequestUriInvalid)?);
    Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)
}

impl WasiHttpHooks for Outbound {
    /// HTTP/2 does not have the header, and the client sets it for HTTP/1.1.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Io)>> + Send> {
        let (mut parts, body) = request.into_parts();
        // From now on, so that the request begins although the guest computes.
        let yielding = self.client.yielding();
        let (observed, signing) = match self.check(&mut parts) {
            Ok(checked) => checked,
            Err(error) => {
                self.requests.discard(body, yielding);
                return Box::new(ready(Err(error)));
            }
        };
        if !Variant::IS_FULL {
            // `check` has denied it: no function that may send requests has started.
            return Box::new(ready(Err(Error::HttpRequestDenied)));
        }
        let (body, returned) = lend(body);
        let request = Request::from_parts(parts, body);
        let client = self.client.clone();
        let options = options.unwrap_or_default();
        let rest = self.requests.downgrade();
        let sending = async move {
            let again = client.yielding();
            let sent = client.send(request, &returned, options, signing, yielding, observed);
            let sent = sent.await;
            if sent.is_err() {
                rest.discard(&returned, again);
            }
            sent
        };
        // A separate task, so that the request continues while the guest computes.
        let sending = spawn(self.requests.add(sending));
        Box::new(async move {
            let response = sending.await?;
            let sent: Io = Box::new(ready(Ok(())));
            Ok((response.map(BodyExt::boxed_unsync), sent))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_written_in_one_way() {
        for (written, sent) in [
            ("https://localhost:443/a?b", "https://localhost/a?b"),
            ("http://Example.COM.:080", "http://example.com/"),
            ("http://127.0.0.1:0443/", "http://127.0.0.1:443/"),
            ("https://[::0001]:8443/?", "https://[::1]:8443/?"),
        ] {
            let uri: Uri = written.parse().unwrap();
            let origin = Origin::from_uri(&uri).unwrap();
            assert_eq!(plain(uri, &origin).unwrap().to_string(), sent);
        }
    }
}

//! The HTTP requests that a function makes: to the origins that its policy lists, and to no others.
//!
//! Both versions of `wasi:http` come through here. A request is sent by the [`Client`] of its worker. Redirects are not
//! followed: that is the function's to do, and each step of it is checked. Nothing here knows the deadline, since at it the
//! instance ends, and with it [all that is done for it](sending).

mod address;
mod body;
mod client;
mod connect;
mod error;
mod health;
mod in_flight;
mod observed;
mod sending;
mod sign;
mod tls;
mod wire;

pub use body::Keeping;
pub use client::Client;
pub use sign::Signer;

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

use self::body::lent;
use self::observed::ObservedRequest;
use self::sending::Sending;
use self::sign::{Decision, Signing};
use crate::guest_output::GuestOutput;
use crate::http::wasi::CONTEXT_HEADERS;
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::observer::{Observers, RequestDenied, RequestId};
use crate::policy::Origin;

type Io = Box<dyn Future<Output = Result<()>> + Send>;

/// What a function's requests may reach.
#[derive(Debug)]
pub struct Access {
    /// The origins that the policy lists.
    pub allow: Vec<Origin>,
    /// Those that receive the [context headers](CONTEXT_HEADERS).
    pub forward_context: Vec<Origin>,
    /// Where the Runtime API is, which is never reached.
    pub runtime_api: Vec<SocketAddr>,
    /// A file with the certificates to trust, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Signs those that go to AWS.
    pub signer: Signer,
    /// The policy's file, for messages.
    pub policy: PathBuf,
    /// The variable of the environment that names a proxy, until the log says that it is ignored.
    pub proxy: Mutex<Option<&'static str>>,
    /// Where the process says what it makes of its configuration.
    pub log: Log,
    /// Those who are told of each request.
    pub observers: Observers,
}

impl Access {
    /// The origins of the policy that this one is among.
    fn listed(&self, origin: &Origin) -> Vec<&Origin> {
        let listed = self.allow.iter();
        listed.filter(|listed| listed.matches(origin)).collect()
    }

    /// Removes the headers that the host added to the function's own request, unless the policy says that they go there.
    ///
    /// A function that passes its request's headers on would otherwise give them to third parties.
    fn remove_context(&self, origin: &Origin, parts: &mut Parts) {
        let mut receivers = self.forward_context.iter();
        if !receivers.any(|receiver| receiver.matches(origin)) {
            for name in CONTEXT_HEADERS {
                parts.headers.remove(name);
            }
        }
    }

    /// Says in the log, once, that no proxy is used.
    fn tell_of_proxy(&self) {
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
pub struct Outbound {
    client: Client,
    output: GuestOutput,
    /// The invocation that requests belong to from now on.
    invocation: Option<Arc<Invocation>>,
    /// How many requests there were.
    requests: usize,
    sending: Sending,
}

impl Outbound {
    /// Sends by this client. What is logged counts as the guest's output.
    #[must_use]
    pub fn new(client: Client, output: GuestOutput) -> Self {
        Self {
            client,
            output,
            invocation: None,
            requests: 0,
            sending: Sending::default(),
        }
    }

    /// Makes requests belong to an invocation.
    pub fn bind(&mut self, invocation: Arc<Invocation>) {
        self.invocation = Some(invocation);
    }

    /// Where a request goes and how it will be signed, if it may be sent.
    fn check(&mut self, parts: &mut Parts) -> Result<(ObservedRequest, Option<Signing>)> {
        let origin = Origin::from_uri(&parts.uri).ok_or(Error::HttpRequestUriInvalid)?;
        parts.uri = plain(take(&mut parts.uri), &origin)?;
        if parts.method == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let access = self.client.access();
        if access.listed(&origin).is_empty() {
            let file = access.policy.display();
            let why = format!("to allow it, add \"{origin}\" to `allow` under [http] in {file}");
            return Err(self.deny(&origin, &why));
        }
        access.remove_context(&origin, parts);
        let (signing, unsigned) = match access.signer.decide(&origin, parts) {
            Ok(Decision::Sign(signing)) => (Some(signing), None),
            Ok(Decision::Leave(doubt)) => (None, doubt),
            Err(refusal) => return Err(self.deny(&origin, &refusal)),
        };
        self.requests += 1;
        let observed = ObservedRequest::begin(
            access.observers.clone(),
            self.invocation.clone(),
            self.requests,
            origin,
            self.output.clone(),
        );
        let unsigned = unsigned.as_ref().map(|why| why as &dyn Display);
        observed.tell_begun(&parts.method, unsigned);
        Ok((observed, signing))
    }

    fn deny(&mut self, origin: &Origin, why: &dyn Display) -> Error {
        self.requests += 1;
        let request = RequestId {
            invocation: self.invocation.as_deref(),
            number: self.requests,
            origin,
            output: &self.output,
        };
        let event = RequestDenied { request, why };
        let observers = &self.client.access().observers;
        observers.each(|observer| observer.request_denied(&event));
        Error::HttpRequestDenied
    }
}

/// The URI with its authority as [`Origin`] writes it: the same one is signed, says where to connect to, and is sent, which
/// HTTP/1.1 and HTTP/2 do in two ways where a port is written that need not be.
fn plain(uri: Uri, origin: &Origin) -> Result<Uri> {
    let mut parts = uri.into_parts();
    let authority = origin.authority().try_into();
    parts.authority = Some(authority.map_err(|_| Error::HttpRequestUriInvalid)?);
    Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)
}

impl WasiHttpHooks for Outbound {
    /// HTTP/2 has none, and the client sets it for HTTP/1.1.
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
        // From now on, so that it begins although the guest computes.
        let yielding = self.client.yielding();
        let (observed, signing) = match self.check(&mut parts) {
            Ok(checked) => checked,
            Err(error) => {
                self.sending.discard(body, yielding);
                return Box::new(ready(Err(error)));
            }
        };
        let (body, returned) = lent(body);
        let request = Request::from_parts(parts, body);
        let client = self.client.clone();
        let options = options.unwrap_or_default();
        let rest = self.sending.rest();
        let sending = async move {
            let again = client.yielding();
            let sent = client.send(request, &returned, options, signing, yielding, observed);
            let sent = sent.await;
            if sent.is_err() {
                rest.discard(&returned, again);
            }
            sent
        };
        // A task of its own, so that it goes on while the guest computes.
        let sending = spawn(self.sending.hold(sending));
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

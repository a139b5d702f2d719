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
mod sending;
mod sign;
mod tls;
mod wire;

pub use body::Keeping;
pub use client::Client;
pub use sign::Signer;

use std::future::{Future, ready};
use std::mem::take;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use http::request::Parts;
use http::{Method, Request, Response, Uri};
use http_body_util::BodyExt;
use wasmtime_wasi::runtime::spawn;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

use self::body::lent;
use self::sending::Sending;
use self::sign::{Decision, Signing};
use crate::guest_output::GuestOutput;
use crate::http::wasi::CONTEXT_HEADERS;
use crate::log::{Level, Log};
use crate::policy::Origin;

type Io = Box<dyn Future<Output = Result<()>> + Send>;

/// How many denials and doubts one invocation writes to the log.
const MAX_TOLD: usize = 10;

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
    /// What the log says already.
    told: Vec<String>,
    sending: Sending,
}

impl Outbound {
    /// Sends by this client. What is logged counts as the guest's output.
    #[must_use]
    pub fn new(client: Client, output: GuestOutput) -> Self {
        Self {
            client,
            output,
            told: Vec::new(),
            sending: Sending::default(),
        }
    }

    /// Forgets what it said about the invocation before.
    pub fn bind(&mut self) {
        self.told.clear();
    }

    /// Where a request goes and how it will be signed, if it may be sent.
    fn check(&mut self, parts: &mut Parts) -> Result<(Origin, Option<Signing>)> {
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
        let doubt = match access.signer.decide(&origin, parts) {
            Ok(Decision::Sign(signing)) => return Ok((origin, Some(signing))),
            Ok(Decision::Leave(doubt)) => doubt,
            Err(refusal) => return Err(self.deny(&origin, &refusal.to_string())),
        };
        if let Some(doubt) = doubt {
            self.tell(format!("a request to {origin} is not signed: {doubt}"));
        }
        Ok((origin, None))
    }

    fn deny(&mut self, origin: &Origin, why: &str) -> Error {
        self.tell(format!("a request to {origin} was denied: {why}"));
        Error::HttpRequestDenied
    }

    fn tell(&mut self, line: String) {
        if self.told.len() < MAX_TOLD && !self.told.contains(&line) {
            self.output.host(Level::Warn, &line);
            self.told.push(line);
        }
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
        let (origin, signing) = match self.check(&mut parts) {
            Ok(checked) => checked,
            Err(error) => {
                self.sending.discard(body, yielding);
                return Box::new(ready(Err(error)));
            }
        };
        let (body, returned) = lent(body);
        let request = Request::from_parts(parts, body);
        let output = self.output.clone();
        let failed = move |error: &dyn std::fmt::Display| {
            let line = format!("a request to {origin} could not be sent: {error}");
            output.host(Level::Warn, &line);
        };
        let client = self.client.clone();
        let options = options.unwrap_or_default();
        let rest = self.sending.rest();
        let sending = async move {
            let again = client.yielding();
            let sent = client.send(request, &returned, options, signing, yielding, failed);
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

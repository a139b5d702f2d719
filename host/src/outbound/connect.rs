//! Makes connections: resolves the name, refuses what may not be reached, connects to what was checked, and adds TLS.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hickory_resolver::config::{LookupIpStrategy, ResolveHosts};
use hickory_resolver::net::NetError;
use hickory_resolver::{Hosts, TokioResolver};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tower_service::Service;

use super::Access;
use super::address;
use super::error::ConnectError;
use super::tls;
use super::wire::{Open, Wire};
use crate::policy::{Host, Origin, Scheme};

/// How long one of several addresses may take before the next one is tried.
const NEXT_ADDRESS: Duration = Duration::from_secs(2);

/// Makes the connections of one worker. Clones share what they know.
#[derive(Clone)]
pub struct Connector(Arc<Shared>);

struct Shared {
    access: Arc<Access>,
    open: Open,
    /// Made with the first name.
    resolver: OnceLock<TokioResolver>,
    /// Made with the first connection that needs it.
    tls: OnceLock<TlsConnector>,
}

/// A connection, for hyper.
pub type Stream = TokioIo<Wire>;

impl Connector {
    /// Connects where `access` allows it, and counts what is `open`.
    #[must_use]
    pub fn new(access: Arc<Access>, open: Open) -> Self {
        Self(Arc::new(Shared {
            access,
            open,
            resolver: OnceLock::new(),
            tls: OnceLock::new(),
        }))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let origin = Origin::from_uri(&uri)
                .ok_or_else(|| ConnectError::Name("the URI has no host".to_owned()))?;
            shared.connect(&origin).await
        })
    }
}

impl Shared {
    async fn connect(&self, origin: &Origin) -> Result<Stream, ConnectError> {
        self.access.tell_of_proxy();
        let tcp = self.tcp(origin).await?;
        if origin.scheme == Scheme::Http {
            return Ok(Stream::new(self.open.wire(tcp)));
        }
        let tls = get_or_try(&self.tls, || tls::connector(&self.access))?;
        let name = match &origin.host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) | Host::Wildcard(name) => ServerName::try_from(name.clone())
                .map_err(|error| ConnectError::Name(error.to_string()))?,
        };
        let stream = tls
            .connect(name, tcp)
            .await
            .map_err(|error| ConnectError::of_tls(&error))?;
        Ok(Stream::new(self.open.wire(stream)))
    }

    /// Connects to the first address that answers, of those that may be reached.
    async fn tcp(&self, origin: &Origin) -> Result<TcpStream, ConnectError> {
        let addresses = self.resolve(origin).await?;
        let listed = self.access.listed(origin);
        let api = &self.access.runtime_api;
        let mut failure = ConnectError::Name("it has no address".to_owned());
        let mut may = Vec::new();
        for ip in addresses {
            let address = SocketAddr::new(ip, origin.port);
            match address::check(address, &listed, api) {
                Ok(()) => may.push(address),
                Err(refusal) => failure = refusal,
            }
        }
        for (number, address) in may.iter().enumerate() {
            let is_last = number + 1 == may.len();
            let limit = if is_last { Duration::MAX } else { NEXT_ADDRESS };
            match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let local = stream.local_addr();
                    let local = local.map_err(|error| ConnectError::of_tcp(&error))?.ip();
                    match address::check_connected(*address, local, &listed, api) {
                        Ok(()) => {
                            let _ = stream.set_nodelay(true);
                            return Ok(stream);
                        }
                        Err(refusal) => failure = refusal,
                    }
                }
                Ok(Err(error)) => failure = ConnectError::of_tcp(&error),
                Err(_) => failure = ConnectError::Timeout,
            }
        }
        Err(failure)
    }

    async fn resolve(&self, origin: &Origin) -> Result<Vec<IpAddr>, ConnectError> {
        let name = match &origin.host {
            Host::Address(address) => return Ok(vec![*address]),
            host if host.is_localhost() => {
                return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
            }
            Host::Name(name) | Host::Wildcard(name) => name,
        };
        let failed = |error: &NetError| match error {
            NetError::Timeout => ConnectError::NameTimeout,
            error => ConnectError::Name(error.to_string()),
        };
        let resolver = get_or_try(&self.resolver, resolver).map_err(|error| failed(&error))?;
        // The dot: what the machine would add to the name is not what was allowed.
        let addresses = resolver.lookup_ip(format!("{name}.")).await;
        Ok(addresses.map_err(|error| failed(&error))?.iter().collect())
    }
}

/// Returns the value, which `make` makes if there is none yet.
///
/// A failure is not kept: its cause may pass, such as a lack of descriptors.
fn get_or_try<T, E>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
    match cell.get() {
        Some(value) => Ok(value),
        None => make().map(|value| cell.get_or_init(|| value)),
    }
}

/// Reads how this machine resolves names.
fn resolver() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    // The resolver would take a file of hosts that it cannot open for an empty one, and keep that.
    builder.options_mut().use_hosts_file = ResolveHosts::Never;
    let mut resolver = builder.build()?;
    match Hosts::from_system() {
        Ok(hosts) => resolver.set_hosts(Arc::new(hosts)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (),
        Err(error) => return Err(error.into()),
    }
    Ok(resolver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_success_is_kept() {
        let cell = OnceLock::new();
        assert_eq!(
            get_or_try(&cell, || Err("no descriptors")),
            Err("no descriptors")
        );
        assert_eq!(get_or_try(&cell, || Ok::<_, &str>(1)), Ok(&1));
        assert_eq!(get_or_try(&cell, || Err("no descriptors")), Ok(&1));
    }
}

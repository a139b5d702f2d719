//! Connects: resolves the name, checks the addresses, connects to an address that is allowed, and adds TLS.

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
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tower_service::Service;

use super::OutboundConfig;
use super::address;
use super::error::ConnectError;
use super::tls;
use super::wire::{ConnectionCounter, CountedStream};
use crate::config::TEST_ORIGINS;
use crate::policy::{Host, Origin, Scheme};

/// The time after which the next of several addresses is tried.
const NEXT_ADDRESS: Duration = Duration::from_secs(2);

/// Connects for one worker. Clones share their state.
#[derive(Clone)]
pub(super) struct Connector(Arc<ConnectorInner>);

struct ConnectorInner {
    config: Arc<OutboundConfig>,
    connections: ConnectionCounter,
    /// Created with the first name.
    resolver: OnceLock<TokioResolver>,
    /// Created with the first connection over TLS.
    tls: OnceLock<TlsConnector>,
}

/// A connection, for hyper.
pub(super) type Stream = TokioIo<CountedStream>;

impl Connector {
    /// Creates a connector that counts its open connections.
    #[must_use]
    pub(super) fn new(config: Arc<OutboundConfig>, connections: ConnectionCounter) -> Self {
        Self(Arc::new(ConnectorInner {
            config,
            connections,
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

impl ConnectorInner {
    async fn connect(&self, origin: &Origin) -> Result<Stream, ConnectError> {
        if let Some(address) = self.config.stand_in {
            return self.stand_in(address, origin).await;
        }
        self.config.warn_of_proxy();
        let tcp = self.tcp(origin).await?;
        if origin.scheme == Scheme::Http {
            return Ok(Stream::new(self.connections.track(tcp)));
        }
        let tls = get_or_try(&self.tls, || tls::connector(&self.config))?;
        let name = match &origin.host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) | Host::Wildcard(name) => ServerName::try_from(name.clone())
                .map_err(|error| ConnectError::Name(error.to_string()))?,
        };
        let stream = tls
            .connect(name, tcp)
            .await
            .map_err(|error| ConnectError::from_tls(&error))?;
        Ok(Stream::new(self.connections.track(stream)))
    }

    /// Connects to what stands in for all origins. It reads the origin from the first line, and HTTP/1.1 without TLS then.
    async fn stand_in(&self, address: SocketAddr, origin: &Origin) -> Result<Stream, ConnectError> {
        let mut apis = self.config.runtime_api.iter();
        if apis.any(|api| api.port() == address.port()) {
            return Err(ConnectError::RuntimeApi(address));
        }
        let connected = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            stream.write_all(format!("{origin}\r\n").as_bytes()).await?;
            Ok::<_, io::Error>(stream)
        };
        let stream = connected.await.map_err(|error| {
            ConnectError::Ended(format!("{TEST_ORIGINS} sends it to {address}: {error}"))
        })?;
        Ok(Stream::new(self.connections.track(stream)))
    }

    /// Connects to the first allowed address that answers.
    async fn tcp(&self, origin: &Origin) -> Result<TcpStream, ConnectError> {
        let addresses = self.resolve(origin).await?;
        let listed = self.config.listed(origin);
        let api = &self.config.runtime_api;
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
                    let local = local.map_err(|error| ConnectError::from_tcp(&error))?.ip();
                    match address::check_connected(*address, local, &listed, api) {
                        Ok(()) => {
                            let _ = stream.set_nodelay(true);
                            return Ok(stream);
                        }
                        Err(refusal) => failure = refusal,
                    }
                }
                Ok(Err(error)) => failure = ConnectError::from_tcp(&error),
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
        // The dot prevents a search domain of this machine, which the policy does not allow.
        let addresses = resolver.lookup_ip(format!("{name}.")).await;
        Ok(addresses.map_err(|error| failed(&error))?.iter().collect())
    }
}

/// Returns the value, or creates it with `make`.
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
    // The resolver would read a hosts file that it cannot open as an empty file, and keep that.
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

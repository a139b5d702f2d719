//! Makes connections: resolves the name, refuses what may not be reached, connects to what was checked, and adds TLS.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
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
    resolver: OnceLock<Result<TokioResolver, NetError>>,
    /// Made with the first connection that needs it.
    tls: OnceLock<Result<TlsConnector, ConnectError>>,
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
            let origin = Origin::of(&uri)
                .ok_or_else(|| ConnectError::Name("the URI has no host".to_owned()))?;
            shared.connect(&origin).await
        })
    }
}

impl Shared {
    async fn connect(&self, origin: &Origin) -> Result<Stream, ConnectError> {
        let tcp = self.tcp(origin).await?;
        if origin.scheme == Scheme::Http {
            return Ok(Stream::new(self.open.wire(tcp)));
        }
        let tls = self.tls.get_or_init(|| tls::connector(&self.access));
        let tls = tls.as_ref().map_err(Clone::clone)?;
        let name = match &origin.host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) | Host::Below(name) => ServerName::try_from(name.clone())
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
            Host::Name(name) | Host::Below(name) => name,
        };
        let resolver = self.resolver.get_or_init(|| {
            let mut builder = TokioResolver::builder_tokio()?;
            builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            builder.build()
        });
        let failed = |error: &NetError| match error {
            NetError::Timeout => ConnectError::NameTimeout,
            error => ConnectError::Name(error.to_string()),
        };
        let resolver = resolver.as_ref().map_err(failed)?;
        // The dot: what the machine would add to the name is not what was allowed.
        let addresses = resolver.lookup_ip(format!("{name}.")).await;
        Ok(addresses.map_err(|error| failed(&error))?.iter().collect())
    }
}

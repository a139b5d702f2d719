//! The address of the Runtime API, and the connections to it.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::OnceLock;
use std::time::Duration;

use crate::lockdown::connector::Connector;

/// The Runtime API.
#[derive(Debug)]
pub struct Endpoint {
    /// As the environment has it, for people.
    pub name: String,
    /// Its addresses, at least one. A name such as `localhost` may have an IPv6 address at which the Runtime API does not listen.
    pub addresses: Vec<SocketAddr>,
    /// The prefix of the Runtime API's paths: empty on Lambda.
    pub prefix: String,
    /// Connects to it, if this process cannot.
    connector: OnceLock<Connector>,
}

impl Endpoint {
    /// Returns the Runtime API at `addresses`.
    #[must_use]
    pub fn new(name: String, addresses: Vec<SocketAddr>, prefix: String) -> Self {
        Self {
            name,
            addresses,
            prefix,
            connector: OnceLock::new(),
        }
    }

    /// Has all connections be made by `connector`.
    pub(crate) fn connect_by(&self, connector: Connector) {
        // It is set once, when the process starts.
        let _ = self.connector.set(connector);
    }

    /// Connects to the first address that accepts. `limit` is how long each attempt may take, and each read and write after.
    pub(crate) fn connect(&self, limit: Option<Duration>) -> io::Result<TcpStream> {
        let stream = match (self.connector.get(), limit) {
            (Some(connector), limit) => connector.connect(limit)?,
            (None, None) => TcpStream::connect(&self.addresses[..])?,
            (None, Some(limit)) => self.connect_within(limit)?,
        };
        if limit.is_some() {
            stream.set_read_timeout(limit)?;
            stream.set_write_timeout(limit)?;
        }
        Ok(stream)
    }

    fn connect_within(&self, limit: Duration) -> io::Result<TcpStream> {
        let mut last = io::ErrorKind::AddrNotAvailable.into();
        for address in &self.addresses {
            match TcpStream::connect_timeout(address, limit) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Connects to the first address that accepts. Has to be called inside a tokio runtime with I/O.
    pub(crate) async fn connect_async(&self) -> io::Result<tokio::net::TcpStream> {
        match self.connector.get() {
            Some(connector) => connector.connect_async().await,
            None => tokio::net::TcpStream::connect(&self.addresses[..]).await,
        }
    }

    /// `host:port`, as Lambda has it; a scheme before it and a path behind it are what local emulators add.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let rest = name.strip_prefix("http://").unwrap_or(name);
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = if authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let addresses: Vec<SocketAddr> = match authority.parse() {
            Ok(address) => vec![address],
            Err(_) => authority
                .to_socket_addrs()
                .map_err(|error| error.to_string())?
                .collect(),
        };
        if addresses.is_empty() {
            return Err("it has no address".to_owned());
        }
        let path = path.trim_end_matches('/');
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        };
        Ok(Self::new(name.to_owned(), addresses, prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_of_lambda_and_of_emulators() {
        let endpoint = Endpoint::parse("169.254.100.1:9001").unwrap();
        assert_eq!(
            (
                endpoint.addresses[0].to_string().as_str(),
                endpoint.prefix.as_str()
            ),
            ("169.254.100.1:9001", "")
        );
        let endpoint = Endpoint::parse("http://[::1]:9000/.rt/hello/").unwrap();
        assert_eq!(
            (
                endpoint.addresses[0].to_string().as_str(),
                endpoint.prefix.as_str()
            ),
            ("[::1]:9000", "/.rt/hello")
        );
        assert_eq!(
            Endpoint::parse("127.0.0.1").unwrap().addresses[0].port(),
            80
        );
        assert!(Endpoint::parse("127.0.0.1:99999").is_err());
        assert!(Endpoint::parse("").is_err());
    }
}

//! Servers on loopback that functions send their requests to, over TCP or TLS.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivateKeyDer};
use tempfile::TempDir;

/// The name in certificates and URLs.
const NAME: &str = "localhost";
/// The response to every request.
pub const ANSWER: &str = "Hello from upstream!";

/// A test's own certificate authority, and the configuration of servers with its certificate.
pub struct Authority {
    folder: TempDir,
    config: ServerConfig,
}

/// How a server treats a request, and its connection afterwards.
#[derive(Clone, Copy)]
struct Manner {
    connections: Connections,
    /// How long a request takes.
    delay: Duration,
}

/// The use of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// It is kept for further requests.
    Kept,
    /// It is closed after one request, and its TLS session can be resumed.
    Closed,
    /// It is closed, and its TLS session forgotten.
    Forgotten,
}

/// A server, until this process ends.
pub struct Upstream {
    /// Scheme, name and port.
    pub origin: String,
    accepted: Arc<AtomicUsize>,
}

impl Authority {
    pub fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([NAME.to_owned()])?.signed_by(&key, &authority)?;
        let private = PrivateKeyDer::try_from(key.serialize_der());
        let private = private.map_err(anyhow::Error::msg)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("ca.pem"), authority.pem())?;
        Ok(Self { folder, config })
    }

    /// The certificate to trust.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server's configuration, with sessions to be resumed or without.
    fn config(&self, connections: Connections) -> Arc<ServerConfig> {
        let mut config = self.config.clone();
        if connections == Connections::Forgotten {
            config.send_tls13_tickets = 0;
        }
        Arc::new(config)
    }
}

impl Upstream {
    /// A server over TLS if there is an authority, over TCP alone otherwise. It runs on the CPU of the caller.
    pub fn start(tls: Option<&Authority>, connections: Connections) -> anyhow::Result<Self> {
        let delay = Duration::ZERO;
        Self::of(tls, Manner { connections, delay })
    }

    /// A server over TCP that takes so long for each request, and keeps its connections.
    pub fn slow(delay: Duration) -> anyhow::Result<Self> {
        let connections = Connections::Kept;
        Self::of(None, Manner { connections, delay })
    }

    fn of(tls: Option<&Authority>, manner: Manner) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("opening a port")?;
        let SocketAddr::V4(address) = listener.local_addr()? else {
            anyhow::bail!("no port of 127.0.0.1");
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{NAME}:{}", address.port());
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let tls = tls.map(|authority| authority.config(manner.connections));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::Relaxed);
                let tls = tls.clone();
                // The function reports errors of the connection.
                thread::spawn(move || accept(stream, tls, manner));
            }
        });
        Ok(Self { origin, accepted })
    }

    /// How many connections were made to it.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

fn accept(stream: TcpStream, tls: Option<Arc<ServerConfig>>, manner: Manner) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        Some(config) => {
            let connection = ServerConnection::new(config)?;
            serve(StreamOwned::new(connection, stream), manner)?;
        }
        None => serve(stream, manner)?,
    }
    Ok(())
}

/// Answers requests, which have no bodies.
fn serve(mut stream: impl Read + Write, manner: Manner) -> io::Result<()> {
    let keeps = manner.connections == Connections::Kept;
    let close = if keeps { "" } else { "Connection: close\r\n" };
    let length = ANSWER.len();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{close}\r\n{ANSWER}");
    loop {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut piece = [0; 4096];
            match stream.read(&mut piece)? {
                0 => return Ok(()),
                count => request.extend_from_slice(&piece[..count]),
            }
        }
        if !manner.delay.is_zero() {
            thread::sleep(manner.delay);
        }
        stream.write_all(answer.as_bytes())?;
        stream.flush()?;
        if !keeps {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of two requests are answered over one connection.
    fn answered(connections: Connections) -> usize {
        let upstream = Upstream::start(None, connections).unwrap();
        let address = upstream.origin.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let request = b"GET / HTTP/1.1\r\n\r\n";
        stream.write_all(request).unwrap();
        let mut answers = vec![0; 4096];
        let mut filled = 0;
        while !answers[..filled].ends_with(ANSWER.as_bytes()) {
            filled += stream.read(&mut answers[filled..]).unwrap();
        }
        // It may be closed by now.
        let _ = stream.write_all(request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert_eq!(upstream.accepted(), 1);
        1 + usize::from(rest.ends_with(ANSWER.as_bytes()))
    }

    #[test]
    fn keeps_connections_or_closes_them() {
        assert_eq!(answered(Connections::Kept), 2);
        assert_eq!(answered(Connections::Closed), 1);
    }
}

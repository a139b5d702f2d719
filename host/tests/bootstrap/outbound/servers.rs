//! Servers on loopback: over TCP or TLS, which count their connections.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use wasmtime_wasi_http::WasiBody;

/// A server that echoes the body, with what it saw of the request in headers. It does not answer `/silent`.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    _runtime: Runtime,
}

/// A certificate authority that nobody trusts but who is told to, and a server's certificate of it.
pub struct Authority {
    folder: TempDir,
    config: ServerConfig,
}

impl Authority {
    /// With a certificate for this name. The server offers these protocols.
    pub fn new(name: &str, protocols: &[&[u8]]) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self { folder, config }
    }

    /// The same server, which wants a client certificate of its own authority, in this version of TLS.
    pub fn demanding(mut self, version: &'static SupportedProtocolVersion) -> Self {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(self.file()).unwrap())
            .unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(verifier);
        let mut demanding = config.with_cert_resolver(Arc::clone(&self.config.cert_resolver));
        demanding.alpn_protocols = self.config.alpn_protocols;
        self.config = demanding;
        self
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config.clone()))
    }

    /// The certificate to trust.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

impl Server {
    /// Over TCP alone.
    pub fn plain() -> Self {
        Self::start_at("127.0.0.1:0", None, None)
    }

    /// Over TCP alone, at every address of this machine.
    pub fn everywhere() -> Self {
        Self::start_at("0.0.0.0:0", None, None)
    }

    /// Over TLS.
    pub fn tls(authority: &Authority) -> Self {
        Self::start_at("127.0.0.1:0", Some(authority.acceptor()), None)
    }

    /// Over TLS at this IP address, in front of the server without TLS at `behind`, which answers instead of this one.
    pub fn in_front_of(behind: &str, ip: &str, authority: &Authority) -> Self {
        let behind = Some(behind.to_owned());
        Self::start_at(&format!("{ip}:0"), Some(authority.acceptor()), behind)
    }

    fn start_at(address: &str, tls: Option<TlsAcceptor>, behind: Option<String>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
                let (tls, behind) = (tls.clone(), behind.clone());
                tokio::spawn(async move {
                    let Some(tls) = tls else {
                        return serve(stream).await;
                    };
                    // A handshake that fails is the client's to tell.
                    let Ok(mut stream) = tls.accept(stream).await else {
                        return;
                    };
                    match behind {
                        None => serve(stream).await,
                        Some(behind) => {
                            let mut behind = TcpStream::connect(behind).await.unwrap();
                            // How a connection ends is the client's to tell.
                            drop(copy_bidirectional(&mut stream, &mut behind).await);
                        }
                    }
                });
            }
        });
        Self {
            address,
            connections,
            _runtime: runtime,
        }
    }

    /// A URL of this scheme, and the host `localhost`.
    pub fn origin(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.address.port())
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let server = auto::Builder::new(TokioExecutor::new());
    // How a connection ends is the client's to tell.
    let _ = server
        .serve_connection(TokioIo::new(stream), service_fn(echo))
        .await;
}

async fn echo(request: Request<Incoming>) -> Result<Response<WasiBody>, io::Error> {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/silent" {
        std::future::pending::<()>().await;
    }
    let host = parts.headers.get("host").cloned();
    let framing = ["content-length", "transfer-encoding"].map(|name| parts.headers.get(name));
    let framing = framing.into_iter().flatten().next().cloned();
    let names: Vec<&str> = parts.headers.keys().map(|name| name.as_str()).collect();
    let mut response = Response::builder()
        .header("x-version", format!("{:?}", parts.version))
        .header("x-method", parts.method.as_str())
        .header("x-target", parts.uri.to_string())
        .header("x-names", names.join(" "))
        .header(
            "x-framing",
            framing.unwrap_or(HeaderValue::from_static("none")),
        );
    if let Some(host) = host {
        response = response.header("x-host", host);
    }
    let body = body
        .map_err(wasmtime_wasi_http::Error::Hyper)
        .boxed_unsync();
    response.body(body).map_err(io::Error::other)
}

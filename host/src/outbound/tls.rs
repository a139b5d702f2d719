//! TLS, by rustls and ring, created when it is first needed.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::OutboundConfig;
use super::error::ConnectError;
use crate::log::{Level, Log};

/// The name of HTTP/2 in a handshake.
pub(super) const HTTP_2: &[u8] = b"h2";

/// Creates a connector that trusts the roots in the file that the environment names, or else Mozilla's at build time.
///
/// # Errors
///
/// Returns an error if the environment names a file, and no certificate of it can be read.
pub(super) fn connector(config: &OutboundConfig) -> Result<TlsConnector, ConnectError> {
    let mut roots = RootCertStore::empty();
    match &config.ca_file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => add(&mut roots, file, &config.log)?,
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Adds the certificates of a file. Skips a certificate that cannot be parsed, and logs that.
///
/// Bundles of real machines have such certificates: <https://github.com/rustls/rustls/issues/1367>.
fn add(roots: &mut RootCertStore, file: &Path, log: &Log) -> Result<(), ConnectError> {
    let invalid = |why: String| ConnectError::Roots(format!("{}: {why}", file.display()));
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| invalid(error.to_string()))?;
    let mut skipped = 0;
    let mut first = None;
    for certificate in certificates {
        let added = match certificate {
            Ok(certificate) => roots.add(certificate).map_err(|error| error.to_string()),
            // The rest of the file would be missing without a word.
            Err(pem::Error::Io(error)) => return Err(invalid(error.to_string())),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = added {
            skipped += 1;
            first.get_or_insert(why);
        }
    }
    let Some(why) = first else { return Ok(()) };
    if roots.is_empty() {
        return Err(invalid(why));
    }
    let line = format!(
        "{skipped} of the certificates in {} cannot be parsed and are skipped: {why}. hint: remove them from the file",
        file.display()
    );
    log.host(Level::Warn, None, &line);
    Ok(())
}

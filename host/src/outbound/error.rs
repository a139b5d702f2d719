//! The reasons why a request has no response, and their error codes of `wasi:http`.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;

use thiserror::Error;
use tokio_rustls::rustls;
use wasmtime_wasi_http::Error;

/// The reason why a connection failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// The name cannot be resolved.
    #[error("the name cannot be resolved: {0}")]
    Name(String),
    /// The name was not resolved in time.
    #[error("the name was not resolved in time")]
    NameTimeout,
    /// All addresses of the name are refused; this is one of them.
    #[error(
        "it leads to {0}, which is refused unless the policy lists that address itself (or localhost) with its port"
    )]
    Prohibited(SocketAddr),
    /// The address is, or may be, that of the Runtime API or of the credentials.
    #[error(
        "it leads to {0}, which is always refused: the Runtime API or the credentials are there"
    )]
    RuntimeApi(SocketAddr),
    /// The connection was refused.
    #[error("the connection was refused")]
    Refused,
    /// The address has no route.
    #[error("no route leads to it")]
    Unreachable,
    /// The peer did not answer in time.
    #[error("it did not answer in time")]
    Timeout,
    /// The connection ended during the handshake.
    #[error("the connection ended while it was made: {0}")]
    Ended(String),
    /// The peer's certificate is not trusted.
    #[error("its certificate is not trusted: {0}")]
    Certificate(String),
    /// The peer ended TLS. With TLS 1.3, it checks the client's certificate after the handshake.
    #[error("it ended TLS with the alert {1}{hint}", hint = explanation(*.0))]
    Alert(u8, String),
    /// The handshake failed.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// The trusted certificates cannot be read.
    #[error("the certificates to trust cannot be read: {0}")]
    Roots(String),
}

impl ConnectError {
    /// Creates the error of a failed TCP connection.
    #[must_use]
    pub fn from_tcp(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            _ => Self::Ended(error.to_string()),
        }
    }

    /// Creates the error of a failed handshake.
    #[must_use]
    pub fn from_tls(error: &io::Error) -> Self {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        match cause {
            Some(rustls::Error::InvalidCertificate(why)) => Self::Certificate(why.to_string()),
            Some(rustls::Error::AlertReceived(alert)) => {
                Self::Alert((*alert).into(), format!("{alert:?}"))
            }
            Some(error) => Self::Tls(error.to_string()),
            None => Self::Ended(error.to_string()),
        }
    }

    /// Returns how TLS ended a connection, if it did, by an error or its causes.
    #[must_use]
    pub fn from_broken(error: &(dyn StdError + 'static)) -> Option<Self> {
        let error = cause::<io::Error>(error)?;
        let cause = error.get_ref()?;
        cause.is::<rustls::Error>().then(|| Self::from_tls(error))
    }

    /// Returns the code that the function gets.
    #[must_use]
    pub fn code(&self) -> Error {
        match self {
            Self::Name(why) => Error::DnsError {
                rcode: Some(why.clone()),
                info_code: None,
            },
            Self::NameTimeout => Error::DnsTimeout,
            Self::Prohibited(_) | Self::RuntimeApi(_) => Error::DestinationIpProhibited,
            Self::Refused => Error::ConnectionRefused,
            Self::Unreachable => Error::DestinationIpUnroutable,
            Self::Timeout => Error::ConnectionTimeout,
            Self::Ended(_) => Error::ConnectionTerminated,
            Self::Certificate(_) => Error::TlsCertificateError,
            Self::Alert(id, message) => Error::TlsAlertReceived {
                alert_id: Some(*id),
                alert_message: Some(message.clone()),
            },
            Self::Tls(_) => Error::TlsProtocolError,
            Self::Roots(_) => Error::ConfigurationError,
        }
    }
}

/// Explains an alert whose name does not say enough.
fn explanation(alert: u8) -> &'static str {
    /// RFC 8446, 6.2: certificate_required.
    const CERTIFICATE_REQUIRED: u8 = 116;
    match alert {
        CERTIFICATE_REQUIRED => {
            ": it requires a client certificate, which the host does not have. hint: call an endpoint without mutual TLS"
        }
        _ => "",
    }
}

/// Returns the first error of this type among an error and its causes.
#[must_use]
pub(super) fn cause<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Returns the code for an error of the client.
#[must_use]
pub(super) fn code(error: &(dyn StdError + 'static)) -> Error {
    if let Some(error) = cause::<ConnectError>(error) {
        return error.code();
    }
    if let Some(Error::HttpRequestBodySize(size)) = cause(error) {
        return Error::HttpRequestBodySize(*size);
    }
    if is_ended(error) {
        return Error::HttpResponseIncomplete;
    }
    match cause::<hyper::Error>(error) {
        Some(error) if error.is_parse_too_large() => Error::HttpResponseHeaderSectionSize(None),
        Some(error) if error.is_timeout() => Error::HttpResponseTimeout,
        _ => Error::HttpProtocolError,
    }
}

/// Returns whether the connection ended before its response.
#[must_use]
pub(super) fn is_ended(error: &(dyn StdError + 'static)) -> bool {
    let is_incomplete =
        cause::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message);
    is_incomplete
        || cause::<io::Error>(error).is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
            )
        })
}

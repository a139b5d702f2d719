//! The endpoint that has credentials.

use std::error::Error;
use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use serde::Deserialize;
use wasmtime_wasi_http::WasiBody;

use super::super::OutboundConfig;
use super::super::connect::Connector;
use super::super::sign::Signer;
use super::super::wire::ConnectionCounter;
use crate::config::Environment;
use crate::log::Log;
use crate::observer::Observers;
use crate::policy::{Host, Origin, Scheme};

/// The path at the endpoint of ECS.
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";

/// The whole URI.
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// The file with the token for the endpoint. It is read for each request, since its content changes.
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// Returns the directory of the file with the token, which another file may replace.
pub(crate) fn token_directory(environment: &Environment) -> Option<PathBuf> {
    let file = PathBuf::from(environment.get(TOKEN_FILE)?);
    file.parent().map(Path::to_owned)
}

/// The token for the endpoint.
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/// The addresses of ECS and EKS, which may be asked without TLS, as this machine may.
const ECS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2));
const EKS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

/// The longest response, in bytes.
const LONGEST: usize = 64 * 1024;

/// An endpoint, and how the host is authorized there.
pub(super) struct Endpoint {
    uri: Uri,
    origin: Origin,
    token: Token,
}

enum Token {
    None,
    Text(String),
    File(PathBuf),
}

/// The response: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: String,
}

/// Returns the cause of an error that has no cause itself.
fn innermost<'a>(mut error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    while let Some(cause) = error.source() {
        error = cause;
    }
    error
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path and the query may be secret.
        write!(f, "{}", self.origin)
    }
}

impl Endpoint {
    /// Returns the endpoint that the environment names, or why it may not be asked.
    pub(super) fn from_environment(environment: &Environment) -> Option<Result<Self, String>> {
        let token = match (environment.get(TOKEN_FILE), environment.get(TOKEN)) {
            (Some(file), _) => Token::File(PathBuf::from(file)),
            (None, Some(text)) => Token::Text(text.to_owned()),
            (None, None) => Token::None,
        };
        let (name, uri) = match environment.get(RELATIVE_URI) {
            Some(path) => (RELATIVE_URI, format!("http://{ECS}{path}")),
            None => (FULL_URI, environment.get(FULL_URI)?.to_owned()),
        };
        Some(Self::new(&uri, token).map_err(|why| format!("{name} {why}")))
    }

    fn new(uri: &str, token: Token) -> Result<Self, String> {
        let uri: Uri = uri.parse().map_err(|_| "is not a URI")?;
        let origin = Origin::from_uri(&uri).ok_or("is not a URI of http or https")?;
        let is_near = match &origin.host {
            Host::Address(ip) => ip.is_loopback() || *ip == ECS || EKS.contains(ip),
            host => host.is_localhost(),
        };
        if origin.scheme == Scheme::Http && !is_near {
            return Err(
                "has to be https, or lead to this machine or to the address of ECS or EKS"
                    .to_owned(),
            );
        }
        Ok(Self { uri, origin, token })
    }

    /// Returns the addresses of the endpoint, unless it has a name that has to be resolved.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let ips = match &self.origin.host {
            Host::Address(ip) => vec![*ip],
            host if host.is_localhost() => vec![Ipv4Addr::LOCALHOST.into()],
            _ => Vec::new(),
        };
        let address = |ip| SocketAddr::new(ip, self.origin.port);
        ips.into_iter().map(address).collect()
    }

    /// Asks for credentials.
    ///
    /// # Errors
    ///
    /// Returns the reason, without secrets, if the endpoint gives none that are valid.
    pub(super) async fn ask(
        &self,
        ca_file: Option<PathBuf>,
        log: Log,
    ) -> Result<Credentials, String> {
        let mut request = Request::get(self.uri.clone()).header(ACCEPT, "application/json");
        if let Some(token) = self.token()? {
            request = request.header(AUTHORIZATION, token);
        }
        let empty: WasiBody = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = request.body(empty).map_err(|error| error.to_string())?;
        // A connection of its own, which ends with the request: credentials are renewed after hours.
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(self.connector(ca_file, log));
        let response = client.request(request).await;
        let response = response.map_err(|error| innermost(&error).to_string())?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(format!("it answered {status}"));
        }
        let body = Limited::new(response.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        // A parser's own error may have a part of a secret in it.
        let found: Found = serde_json::from_slice(&body).map_err(
            |_| "its response does not have AccessKeyId, SecretAccessKey, Token and Expiration in JSON",
        )?;
        let expiration: Timestamp = found
            .expiration
            .parse()
            .map_err(|_| "the Expiration in its response is not a time of RFC 3339")?;
        if expiration <= Timestamp::now() {
            return Err(format!("its credentials have expired at {expiration}"));
        }
        Ok(Credentials::new(
            found.access_key_id,
            found.secret_access_key,
            Some(found.token),
            Some(SystemTime::from(expiration)),
            "endpoint",
        ))
    }

    fn token(&self) -> Result<Option<HeaderValue>, String> {
        let text = match &self.token {
            Token::None => return Ok(None),
            Token::Text(text) => text.clone(),
            Token::File(file) => fs::read_to_string(file)
                .map_err(|error| format!("{TOKEN_FILE} cannot be read: {error}"))?,
        };
        let mut value = HeaderValue::from_str(text.trim_end())
            .map_err(|_| "its token has characters that a header cannot have")?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// Creates a connector that reaches this endpoint, whatever functions may reach.
    fn connector(&self, ca_file: Option<PathBuf>, log: Log) -> Connector {
        let config = OutboundConfig {
            allow: vec![self.origin.clone()],
            forward_context: Vec::new(),
            runtime_api: Vec::new(),
            stand_in: None,
            ca_file,
            signer: Signer::none(),
            policy: PathBuf::new(),
            proxy: Mutex::new(None),
            log,
            observers: Observers::new(Vec::new()),
        };
        Connector::new(Arc::new(config), ConnectionCounter::default())
    }
}

//! The keys of a token's issuer on this machine: OpenID Connect Discovery 1.0, 4, and JSON Web Key Sets (RFC 7517).

use std::net::IpAddr;
use std::time::Duration;

use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents,
};
use serde_json::Value;
use ureq::Agent;

use super::token::Token;

/// The time for each request: "Timeout for OpenID Connect discovery endpoint" in
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>.
const TIMEOUT: Duration = Duration::from_millis(1500);

/// The public keys of an issuer.
pub(super) struct Keys(Vec<Value>);

impl Keys {
    /// Returns the keys of an issuer, or `None` if the issuer is not on this machine.
    ///
    /// They are read for each token, so that an issuer may be started again with others. API Gateway keeps them for two hours.
    ///
    /// # Errors
    ///
    /// Returns an error if the issuer does not answer as it should.
    pub async fn of(issuer: &str) -> Option<Result<Self, String>> {
        if !is_on_this_machine(issuer) {
            return None;
        }
        let issuer = issuer.trim_end_matches('/').to_owned();
        let read = tokio::task::spawn_blocking(move || Self::read(&issuer));
        // An error means that the task panicked, and has printed that.
        Some(read.await.unwrap_or_else(|error| Err(error.to_string())))
    }

    fn read(issuer: &str) -> Result<Self, String> {
        let url = format!("{issuer}/.well-known/openid-configuration");
        let document = get(&url)?;
        let uri = document["jwks_uri"].as_str();
        let uri = uri.ok_or_else(|| format!("{url} does not have a jwks_uri"))?;
        if !is_on_this_machine(uri) {
            return Err(format!("the jwks_uri {uri} is not on this machine"));
        }
        match get(uri)?["keys"].take() {
            Value::Array(keys) => Ok(Self(keys)),
            _ => Err(format!("{uri} does not have keys")),
        }
    }

    /// Returns whether a token has a valid signature by one of the keys. "Only RSA-based algorithms are supported."
    pub fn verify(&self, token: &Token) -> bool {
        let algorithm = match token.header["alg"].as_str() {
            Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
            Some("RS384") => &RSA_PKCS1_2048_8192_SHA384,
            Some("RS512") => &RSA_PKCS1_2048_8192_SHA512,
            _ => return false,
        };
        let id = token.header["kid"].as_str();
        let mut known = self.0.iter().filter(|key| {
            id.is_some() && key["kid"].as_str() == id && key["kty"].as_str() == Some("RSA")
        });
        known.any(|key| {
            let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str()?).ok();
            let (Some(n), Some(e)) = (number("n"), number("e")) else {
                return false;
            };
            let key = RsaPublicKeyComponents { n, e };
            let signed = token.signed.as_bytes();
            key.verify(algorithm, signed, &token.signature).is_ok()
        })
    }
}

/// Returns whether a URL leads to this machine. No other machine is asked.
fn is_on_this_machine(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let is_loopback = |host: &str| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    uri.scheme_str() == Some("http") && uri.host().is_some_and(is_loopback)
}

/// Returns the JSON at a URL. A redirect is an error.
fn get(url: &str) -> Result<Value, String> {
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT));
    let agent = Agent::from(config.build());
    let bytes = agent
        .get(url)
        .call()
        .and_then(|mut response| response.body_mut().read_to_vec());
    let bytes = bytes.map_err(|error| format!("{url}: {error}"))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{url}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked() {
        for url in [
            "http://127.0.0.1:9000/x",
            "http://localhost",
            "http://[::1]:80",
        ] {
            assert!(is_on_this_machine(url), "{url}");
        }
        for url in [
            "file:///etc/keys.json",
            "https://localhost",
            "http://localhost.evil.example",
            "http://127.0.0.1@evil.example",
            "http://192.168.0.1",
            "localhost",
            "",
        ] {
            assert!(!is_on_this_machine(url), "{url}");
        }
    }
}

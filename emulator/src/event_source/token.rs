//! JSON Web Tokens (RFC 7519), and the claims that an HTTP API looks at: "Authorizing API requests" in
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::template::JwtAuthorizer;

/// A token that is not checked.
pub(super) struct Token {
    pub header: Value,
    pub claims: Map<String, Value>,
    /// The part of it that is signed.
    pub signed: String,
    pub signature: Vec<u8>,
}

impl Token {
    /// Parses a token in the compact form of RFC 7515, 3.1.
    pub fn parse(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        Some(Self {
            header: serde_json::from_slice(&json(header)?).ok()?,
            claims: serde_json::from_slice(&json(claims)?).ok()?,
            signed: signed.to_owned(),
            signature: json(signature)?,
        })
    }
}

/// Returns the reason why an authorizer does not accept claims at a time in seconds since 1970. Its parts that only a deployment
/// can tell are not compared. AWS's pages have the words for the audience: the others are in their form.
pub(super) fn problem(
    authorizer: &JwtAuthorizer,
    claims: &Map<String, Value>,
    now: i64,
) -> Option<&'static str> {
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    let now = now as f64;
    let issuer = claims.get("iss").and_then(Value::as_str);
    // "API Gateway validates client_id only if aud is not present."
    let audience = claims.get("aud").or(claims.get("client_id"));
    let audience = audience.map(texts).unwrap_or_default();
    let is_known = |name: &String| authorizer.audience.contains(name);
    if authorizer.issuer.is_some() && authorizer.issuer.as_deref() != issuer {
        Some("the token does not have a valid issuer")
    } else if !authorizer.audience.is_empty() && !audience.iter().any(is_known) {
        Some("the token does not have a valid audience")
    } else if time("exp").is_none_or(|expiry| expiry <= now) {
        Some("the token has expired")
    } else if time("nbf").is_some_and(|start| start > now) {
        Some("the token is not valid yet")
    } else if time("iat").is_some_and(|issue| issue > now) {
        Some("the token was issued in the future")
    } else {
        None
    }
}

/// Returns the scopes of claims: `scp` or `scope`, a list or a text with spaces.
pub(super) fn scopes(claims: &Map<String, Value>) -> Vec<String> {
    let value = claims.get("scp").or(claims.get("scope"));
    match value {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(value) => texts(value),
        None => Vec::new(),
    }
}

/// Returns a text, or the texts of a list.
fn texts(value: &Value) -> Vec<String> {
    let texts = |values: &[Value]| {
        let texts = values.iter().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    match value {
        Value::Array(values) => texts(values),
        value => texts(std::slice::from_ref(value)),
    }
}

//! A request as the component saw it.

use std::fmt::Debug;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What `/echo` answers with.
pub struct Seen {
    pub method: String,
    pub scheme: Option<String>,
    pub authority: Option<String>,
    pub path_with_query: Option<String>,
    /// In the order in which the component got them.
    pub headers: Vec<(String, Vec<u8>)>,
    pub trailers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Seen {
    /// JSON with these fields by these names; the body is base64.
    pub fn json(&self) -> Vec<u8> {
        let value = json!({
            "method": self.method,
            "scheme": self.scheme,
            "authority": self.authority,
            "path_with_query": self.path_with_query,
            "headers": fields(&self.headers),
            "trailers": fields(&self.trailers),
            "body": STANDARD.encode(&self.body),
        });
        value.to_string().into_bytes()
    }
}

/// Each as `[name, value]`, and as `[name, lossy value, base64]` where the value is no UTF-8.
fn fields(fields: &[(String, Vec<u8>)]) -> Value {
    let field = |(name, value): &(String, Vec<u8>)| match std::str::from_utf8(value) {
        Ok(text) => json!([name, text]),
        Err(_) => json!([name, String::from_utf8_lossy(value), STANDARD.encode(value)]),
    };
    fields.iter().map(field).collect()
}

/// The case of a variant with what it holds, as Rust's bindings name it: `InternalError(None)`.
pub fn case(variant: &impl Debug) -> String {
    let name = format!("{variant:?}");
    match name.split_once("::") {
        Some((_, case)) => case.to_owned(),
        None => name,
    }
}

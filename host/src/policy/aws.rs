//! The requests to AWS that the host signs.

use serde::{Deserialize, Deserializer};

use super::value;
use crate::aws::{is_region, is_service, nearest_service};

/// The services and regions that requests are signed for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: [aws]")]
pub struct Aws {
    /// The services, by the names that signatures have: `dynamodb`, `s3`.
    #[serde(deserialize_with = "services")]
    pub sign: Vec<String>,
    /// The regions. An empty list means the function's own.
    #[serde(deserialize_with = "regions")]
    pub regions: Vec<String>,
}

/// The variables that stand for the credentials where the host signs, so that an SDK starts. They open nothing, and never leave the
/// host.
pub const PLACEHOLDERS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "ASIAPLACEHOLDER00000"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "placeholder-the-host-signs-requests-0000",
    ),
    ("AWS_SESSION_TOKEN", "placeholder-the-host-signs-requests"),
];

fn services<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    value::texts(from, |name| {
        if is_service(name) {
            return Ok(());
        }
        let hint = nearest_service(name).map_or_else(String::new, |near| {
            format!("\nhint: did you mean \"{near}\"?")
        });
        Err(format!(
            "\"{name}\" is not the name of a service in AWS's signatures{hint}"
        ))
    })
}

fn regions<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    value::texts(from, |name| {
        if is_region(name) {
            return Ok(());
        }
        let plain = name.to_lowercase().replace([' ', '_'], "-");
        let hint = match is_region(&plain) {
            true => format!("did you mean \"{plain}\"?"),
            false => "write it as \"eu-central-1\"".to_owned(),
        };
        Err(format!("\"{name}\" is not a region of AWS\nhint: {hint}"))
    })
}

impl Aws {
    /// Returns `true` if the host signs requests to any service.
    #[must_use]
    pub fn signs(&self) -> bool {
        !self.sign.is_empty()
    }
}

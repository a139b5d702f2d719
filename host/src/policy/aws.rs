//! Which of the function's requests to AWS are signed.

use super::value::{Entry, Said, Text};
use crate::aws::{is_region, is_service, nearest_service};

/// The services and regions that requests are signed for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aws {
    /// The services, by the names that signatures have: `dynamodb`, `s3`.
    pub sign: Vec<String>,
    /// The regions; none means the function's own.
    pub regions: Vec<String>,
}

/// What stands in the environment for the credentials, where the host signs: so that an SDK starts. They open nothing, and
/// never leave the host.
pub const PLACEHOLDERS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "ASIAPLACEHOLDER00000"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "placeholder-the-host-signs-requests-0000",
    ),
    ("AWS_SESSION_TOKEN", "placeholder-the-host-signs-requests"),
];

const KEYS: &[&str] = &["regions", "sign"];

impl Aws {
    pub(super) fn read(entry: &Entry<'_>) -> Said<Self> {
        let mut aws = Self::default();
        for entry in entry.table()? {
            match entry.key {
                "sign" => {
                    let near = |name: &str| match name {
                        "" => Some("dynamodb".to_owned()),
                        _ => nearest_service(name).map(str::to_owned),
                    };
                    let what = "the name of a service in AWS's signatures";
                    aws.sign = texts(&entry, what, is_service, near)?;
                }
                "regions" => {
                    let near = |name: &str| {
                        let plain = name.to_lowercase().replace([' ', '_'], "-");
                        let is_near = is_region(&plain);
                        Some(if is_near {
                            plain
                        } else {
                            "eu-central-1".to_owned()
                        })
                    };
                    aws.regions = texts(&entry, "a region of AWS", is_region, near)?;
                }
                _ => return Err(entry.unknown("[aws] has", KEYS)),
            }
        }
        Ok(aws)
    }

    /// Whether anything is signed.
    #[must_use]
    pub fn signs(&self) -> bool {
        !self.sign.is_empty()
    }
}

/// The texts of a list that are each right, or what the first wrong one is not, and the text that it most likely means.
fn texts(
    entry: &Entry<'_>,
    what: &str,
    is_right: fn(&str) -> bool,
    near: impl Fn(&str) -> Option<String>,
) -> Said<Vec<String>> {
    let text = |text: Text<'_>| {
        let name = text.text;
        if is_right(name) {
            return Ok(name.to_owned());
        }
        let hint = near(name).map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
        Err(text.wrong(format_args!("\"{name}\" is not {what}{hint}")))
    };
    let example = near("").unwrap_or_default();
    entry.texts(&example)?.into_iter().map(text).collect()
}

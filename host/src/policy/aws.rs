//! Which of the function's requests to AWS are signed.

use super::value::{Entry, Said};

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
                "sign" => aws.sign = names(&entry, "dynamodb", |_| true)?,
                "regions" => aws.regions = names(&entry, "eu-central-1", is_region)?,
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

/// Names in lower case.
fn names(entry: &Entry<'_>, example: &str, is_right: fn(&str) -> bool) -> Said<Vec<String>> {
    let is_plain = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let name = |text: super::value::Text<'_>| {
        let name = text.text;
        if is_plain(name) && is_right(name) {
            return Ok(name.to_owned());
        }
        let lower = name.to_lowercase().replace([' ', '_'], "-");
        let near = if is_plain(&lower) && is_right(&lower) {
            &lower
        } else {
            example
        };
        Err(text.wrong(format_args!(
            "\"{name}\" is none of AWS's {}; did you mean \"{near}\"?",
            match entry.key {
                "sign" => "services, by the name that it is signed with",
                _ => "regions",
            }
        )))
    };
    entry.texts(example)?.into_iter().map(name).collect()
}

/// Whether it looks like a region: `eu-central-1`, `us-gov-west-1`.
#[must_use]
pub fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    parts.len() >= 3
        && parts[0].len() <= 4
        && parts.last().is_some_and(|last| last.parse::<u8>().is_ok())
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| part.bytes().all(|b| b.is_ascii_lowercase()) && part.len() > 1)
}

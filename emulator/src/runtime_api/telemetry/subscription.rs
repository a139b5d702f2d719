//! A subscription to telemetry: the body of "Subscribe" in
//! <https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html>.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::http::Uri;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Stream;

/// A subscription that is valid.
#[derive(Debug)]
pub(super) struct Subscription {
    pub streams: Vec<Stream>,
    pub destination: Destination,
    pub buffering: Buffering,
}

/// A server of the extension on this machine.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub port: u16,
    pub path: String,
}

/// The limits of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Buffering {
    pub items: usize,
    pub bytes: usize,
    pub time: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    schema_version: String,
    types: Vec<Stream>,
    destination: RawDestination,
    buffering: Option<RawBuffering>,
}

#[derive(Deserialize)]
struct RawDestination {
    protocol: String,
    #[serde(rename = "URI")]
    uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawBuffering {
    max_items: usize,
    max_bytes: usize,
    timeout_ms: u64,
}

impl Default for RawBuffering {
    fn default() -> Self {
        Self {
            max_items: 1_000,
            max_bytes: 262_144,
            timeout_ms: 1_000,
        }
    }
}

impl Subscription {
    /// Parses the body of a request. Lambda Managed Instances have a schema of their own.
    ///
    /// # Errors
    ///
    /// Returns all problems, in one line.
    pub fn parse(body: &[u8], is_managed: bool) -> Result<Self, String> {
        // Serde also takes an array for a structure.
        let object: Result<Map<String, Value>, _> = serde_json::from_slice(body);
        let body = object.and_then(|object| Body::deserialize(Value::from(object)));
        let body = body.map_err(|error| error.to_string())?;
        let mut problems = Vec::new();
        let versions = ["2025-01-29", "2022-12-13", "2022-07-01"];
        let versions = &versions[..if is_managed { 1 } else { 3 }];
        if !versions.contains(&body.schema_version.as_str()) {
            problems.push(format!("unknown schemaVersion {:?}", body.schema_version));
        }
        let destination = Destination::parse(&body.destination);
        let destination = destination.map_err(|problem| problems.push(problem));
        if body.types.is_empty() {
            problems.push("types should not be empty".to_owned());
        }
        let buffering = body.buffering.unwrap_or_default();
        let mut check = |name: &str, value: u64, range: RangeInclusive<u64>| {
            if !range.contains(&value) {
                let (least, most) = range.into_inner();
                problems.push(format!("{name} should be from {least} to {most}"));
            }
        };
        check("maxItems", buffering.max_items as u64, 1_000..=10_000);
        check("maxBytes", buffering.max_bytes as u64, 262_144..=1_048_576);
        check("timeoutMs", buffering.timeout_ms, 25..=30_000);
        match destination {
            Ok(destination) if problems.is_empty() => Ok(Self {
                streams: body.types,
                destination,
                buffering: Buffering {
                    items: buffering.max_items,
                    bytes: buffering.max_bytes,
                    time: Duration::from_millis(buffering.timeout_ms),
                },
            }),
            _ => Err(problems.join("; ")),
        }
    }
}

impl Destination {
    fn parse(raw: &RawDestination) -> Result<Self, String> {
        let protocol = &raw.protocol;
        if protocol != "HTTP" {
            return Err(format!("protocol {protocol:?} is not supported here"));
        }
        let uri = raw.uri.as_ref().ok_or("URI is not provided")?;
        let uri: Uri = uri.parse().map_err(|error| format!("URI: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err("URI should start with http://".to_owned());
        }
        if !matches!(uri.host(), Some("sandbox.localdomain" | "sandbox")) {
            return Err("URI host should be sandbox.localdomain".to_owned());
        }
        Ok(Self {
            port: uri.port_u16().ok_or("URI port is not provided")?,
            path: uri.path().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Parses a valid body with other members.
    fn parse(changes: Value) -> Result<Subscription, String> {
        let mut body = json!({
            "schemaVersion": "2022-12-13",
            "types": ["platform", "function"],
            "destination": { "protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/logs" },
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        Subscription::parse(body.to_string().as_bytes(), false)
    }

    #[test]
    fn a_subscription_has_defaults() {
        let subscription = parse(json!({})).unwrap();
        assert_eq!(subscription.streams, [Stream::Platform, Stream::Function]);
        let destination = Destination {
            port: 8080,
            path: "/logs".to_owned(),
        };
        assert_eq!(subscription.destination, destination);
        let buffering = Buffering {
            items: 1000,
            bytes: 262_144,
            time: Duration::from_secs(1),
        };
        assert_eq!(subscription.buffering, buffering);
        let more = parse(json!({ "buffering": { "timeoutMs": 25 } })).unwrap();
        assert_eq!(more.buffering.time, Duration::from_millis(25));
    }

    #[test]
    fn all_problems_are_named() {
        let cases = [
            (
                json!({ "schemaVersion": "1" }),
                "unknown schemaVersion \"1\"",
            ),
            (
                json!({ "types": ["logs"] }),
                "unknown variant `logs`, expected one of `platform`, `function`, `extension`",
            ),
            (
                json!({ "types": [], "destination": { "protocol": "HTTP", "URI": "http://sandbox" } }),
                "URI port is not provided; types should not be empty",
            ),
            (
                json!({ "destination": { "protocol": "HTTP", "URI": "http://example.com:80" } }),
                "URI host should be sandbox.localdomain",
            ),
            (
                json!({ "destination": { "protocol": "HTTP" } }),
                "URI is not provided",
            ),
            (
                json!({ "destination": { "protocol": "TCP", "port": 80 } }),
                "protocol \"TCP\" is not supported here",
            ),
            (
                json!({ "buffering": { "maxItems": 1, "maxBytes": 1, "timeoutMs": 1 } }),
                "maxItems should be from 1000 to 10000; maxBytes should be from 262144 to 1048576; timeoutMs should be from 25 to 30000",
            ),
        ];
        for (changes, problem) in cases {
            assert_eq!(parse(changes).unwrap_err(), problem);
        }
        assert!(Subscription::parse(b"[]", false).is_err());
        let managed = json!({
            "schemaVersion": "2022-12-13", "types": ["platform"],
            "destination": { "protocol": "HTTP", "URI": "http://sandbox:80" },
        });
        let problem = Subscription::parse(managed.to_string().as_bytes(), true);
        assert_eq!(problem.unwrap_err(), "unknown schemaVersion \"2022-12-13\"");
    }
}

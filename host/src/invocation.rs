//! One invocation, as `/next` returns it.

use std::time::{Duration, Instant, SystemTime};

use ureq::http::HeaderMap;

/// The longest invocation that Lambda allows. The host assumes it if a deadline is invalid.
const MAX_DURATION: Duration = Duration::from_secs(15 * 60);

/// A deadline that passed longer ago, or lies farther ahead, is invalid: some emulators send a constant.
const MAX_DISTANCE: Duration = Duration::from_secs(24 * 60 * 60);

/// The names of the Runtime API's headers, in lower case.
///
/// See <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next>.
pub mod header {
    /// The id of the invocation.
    pub const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
    /// The deadline, in milliseconds since 1970.
    pub const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
    /// The ARN by which the function was invoked.
    pub const FUNCTION_ARN: &str = "lambda-runtime-invoked-function-arn";
    /// The X-Ray header.
    pub const TRACE_ID: &str = "lambda-runtime-trace-id";
    /// The client context of a mobile SDK.
    pub const CLIENT_CONTEXT: &str = "lambda-runtime-client-context";
    /// The Cognito identity of a mobile SDK.
    pub const COGNITO_IDENTITY: &str = "lambda-runtime-cognito-identity";
    /// The tenant.
    pub const TENANT_ID: &str = "lambda-runtime-aws-tenant-id";
    /// The attempt, which is sent back with the response.
    pub const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
}

/// An event, and the headers that came with it.
#[derive(Debug)]
pub struct Invocation {
    /// The id, which the response names.
    pub id: String,
    /// The event, byte for byte.
    pub event: Vec<u8>,
    /// When the reply had come.
    pub began: Instant,
    /// When Lambda ends the invocation.
    pub deadline: Deadline,
    headers: HeaderMap,
}

impl Invocation {
    /// Creates an invocation from the reply of `/next`.
    ///
    /// # Errors
    ///
    /// Returns an error if the reply has no usable id, without which the invocation cannot be answered.
    pub fn new(headers: HeaderMap, event: Vec<u8>) -> Result<Self, MissingId> {
        let id = text(&headers, header::REQUEST_ID)
            .filter(|id| is_path_segment(id))
            .ok_or(MissingId)?
            .to_owned();
        let began = Instant::now();
        let deadline = Deadline::from_header(text(&headers, header::DEADLINE_MS), began);
        Ok(Self {
            id,
            event,
            began,
            deadline,
            headers,
        })
    }

    /// Returns the value of a header of `/next`, if the reply has the header and its value is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }
}

/// The error of a reply of `/next` without a usable id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingId;

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.as_bytes();
    std::str::from_utf8(value)
        .ok()
        .filter(|value| !value.is_empty())
}

/// Returns whether an id can be a segment of a URL's path.
fn is_path_segment(id: &str) -> bool {
    id.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b':'))
        && id != "."
        && id != ".."
}

/// When Lambda ends an invocation.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// The deadline in milliseconds since 1970.
    pub unix_ms: u64,
    /// The same moment on the monotonic clock.
    pub at: Instant,
    /// Whether the Runtime API sent the deadline. If not, it is the latest that Lambda allows.
    pub is_known: bool,
}

impl Deadline {
    fn from_header(value: Option<&str>, now: Instant) -> Self {
        let unix = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        value
            .and_then(|value| value.trim().parse::<u64>().ok())
            .and_then(|unix_ms| Self::new(unix_ms, now, unix))
            .unwrap_or_else(|| Self {
                unix_ms: u64::try_from((unix + MAX_DURATION).as_millis()).unwrap_or(u64::MAX),
                at: now + MAX_DURATION,
                is_known: false,
            })
    }

    fn new(unix_ms: u64, now: Instant, unix: Duration) -> Option<Self> {
        let deadline = Duration::from_millis(unix_ms);
        let at = match deadline.checked_sub(unix) {
            Some(left) => now.checked_add(left).filter(|_| left <= MAX_DISTANCE)?,
            None => now
                .checked_sub(unix - deadline)
                .filter(|_| unix - deadline <= MAX_DISTANCE)?,
        };
        Some(Self {
            unix_ms,
            at,
            is_known: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn an_invocation_needs_an_id() {
        assert!(Invocation::new(headers(&[]), vec![]).is_err());
        assert!(Invocation::new(headers(&[(header::REQUEST_ID, "")]), vec![]).is_err());
        assert!(
            Invocation::new(headers(&[(header::REQUEST_ID, "../init/error")]), vec![]).is_err()
        );
        let invocation =
            Invocation::new(headers(&[(header::REQUEST_ID, "a-1")]), b"{}".to_vec()).unwrap();
        assert_eq!(invocation.id, "a-1");
        assert_eq!(
            invocation.header("Lambda-Runtime-Aws-Request-Id"),
            Some("a-1")
        );
    }

    #[test]
    fn deadlines_that_make_no_sense_are_lambdas_longest() {
        for value in [
            None,
            Some(""),
            Some("soon"),
            Some("-1"),
            Some("600000"),
            Some("18446744073709551615"),
        ] {
            let deadline = Deadline::from_header(value, Instant::now());
            assert!(!deadline.is_known, "{value:?}");
            assert!(deadline.at > Instant::now() + MAX_DURATION - Duration::from_secs(10));
        }
    }

    #[test]
    fn a_deadline_is_the_same_moment_on_both_clocks() {
        let now = Instant::now();
        let unix = Duration::from_secs(1_700_000_000);
        let deadline = Deadline::new(1_700_000_003_000, now, unix).unwrap();
        assert_eq!(deadline.at, now + Duration::from_secs(3));
        let passed = Deadline::new(1_699_999_999_000, now, unix).unwrap();
        assert_eq!(passed.at, now - Duration::from_secs(1));
    }
}

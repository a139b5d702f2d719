//! The path at which a `wasi:http` component receives events that are not HTTP requests.

use std::fmt;

use http::uri::PathAndQuery;

use super::value::{Entry, Said};

/// A path, percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassThroughPath(String);

impl Default for PassThroughPath {
    /// The path that the AWS Lambda Web Adapter uses: <https://github.com/awslabs/aws-lambda-web-adapter#non-http-event-triggers>.
    fn default() -> Self {
        Self("/events".to_owned())
    }
}

impl fmt::Display for PassThroughPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PassThroughPath {
    pub(super) fn read(entry: &Entry<'_>) -> Said<Self> {
        let text = entry.text("/events")?;
        let is_path = text.starts_with('/')
            && text.is_ascii()
            && !text.contains(['?', '#'])
            && PathAndQuery::try_from(text).is_ok();
        if !is_path {
            return Err(entry.wrong(format_args!(
                "is not a path: \"{text}\"\nhint: write an absolute path without a query, percent-encoded, such as \"/events\""
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

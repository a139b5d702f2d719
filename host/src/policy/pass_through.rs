//! The path at which a `wasi:http` component receives events that are not HTTP requests.

use std::fmt;
use std::str::FromStr;

use http::uri::PathAndQuery;

use super::value::read_from_str;

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

read_from_str!(PassThroughPath);

impl FromStr for PassThroughPath {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        let is_path = path.starts_with('/')
            && path.is_ascii()
            && !path.contains(['?', '#'])
            && PathAndQuery::try_from(path).is_ok();
        if !is_path {
            return Err(format!(
                "\"{path}\" is not a path\nhint: write an absolute path without a query, percent-encoded, such as \"/events\""
            ));
        }
        Ok(Self(path.to_owned()))
    }
}

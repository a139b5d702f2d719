//! The origins that a function may send requests to.

use serde::Deserialize;

use super::{Grant, Origin, value};

/// The table `[http]`, with `[aws]`.
pub const HTTP: Grant = Grant {
    table: "http",
    about: "[http], and for AWS [aws], if it sends requests",
    template: "[http]\nallow = []  # such as \"https://api.example.com\"\n[aws]\nsign = []   # such as \"dynamodb\"\n",
};

/// The origins of outgoing requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a table: [http]",
    rename_all = "kebab-case"
)]
pub struct Http {
    /// The origins that requests may go to.
    #[serde(deserialize_with = "value::list")]
    pub allow: Vec<Origin>,
    /// The origins that receive the context headers that the host added to the function's own request.
    #[serde(deserialize_with = "value::list")]
    pub forward_context: Vec<Origin>,
}

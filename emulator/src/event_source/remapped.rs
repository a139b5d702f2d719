//! The headers that a REST API renames: the table in "Amazon API Gateway important notes for REST APIs",
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html#api-gateway-known-issues-rest-apis>.

use axum::http::{HeaderMap, HeaderName, header};

/// The headers of responses that were seen to be renamed for Lambda proxy integrations:
/// <https://github.com/dherault/serverless-offline/issues/236>, <https://github.com/aws/aws-sam-cli/issues/696> and, for all kinds of
/// integrations, <https://github.com/localstack/localstack/pull/11144>. The table also has headers that are not known to be renamed
/// for functions, and headers about the framing, which event sources set.
const RENAMED: [(HeaderName, &str); 4] = [
    (header::AUTHORIZATION, "x-amzn-remapped-authorization"),
    (header::DATE, "x-amzn-remapped-date"),
    (header::SERVER, "x-amzn-remapped-server"),
    (header::WWW_AUTHENTICATE, "x-amzn-remapped-www-authenticate"),
];

/// Renames the headers of a function's response, and returns the old and the new name of each.
pub(super) fn rename(headers: &mut HeaderMap) -> Vec<(HeaderName, &'static str)> {
    let mut renamed = Vec::new();
    for (old, new) in RENAMED {
        let values: Vec<_> = headers.get_all(&old).iter().cloned().collect();
        if values.is_empty() {
            continue;
        }
        headers.remove(&old);
        for value in values {
            headers.append(new, value);
        }
        renamed.push((old, new));
    }
    renamed
}

//! Headers that event sources set or check, so that functions trust them. A client cannot remove such a header by naming it in
//! `Connection`.

use super::EVENT_SOURCES;

/// The headers of no single event source, in lower case. A name that ends with `-` stands for all that begin with it.
const OTHER_HEADERS: &[&str] = &[
    // `x-amzn-waf-`:
    // <https://docs.aws.amazon.com/waf/latest/developerguide/customizing-the-incoming-request.html>
    "x-amzn-",
    // `x-amz-cf-id`:
    // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html>
    "x-amz-",
    // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html>
    "cloudfront-",
    // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html>
    "via",
    // RFC 9110, 7.6.1: fields for all recipients are not of the connection.
    "host",
    "content-length",
    "content-type",
    "content-encoding",
];

/// Returns `true` if an event source sets or checks this header.
///
/// The headers of all sources count for each source: one may stand behind another, such as an API behind CloudFront.
pub(super) fn is_trusted(name: &str) -> bool {
    let headers = EVENT_SOURCES
        .iter()
        .flat_map(|source| source.trusted_headers);
    headers.chain(OTHER_HEADERS).any(|header| {
        let length = if header.ends_with('-') {
            header.len()
        } else {
            name.len()
        };
        name.get(..length)
            .is_some_and(|start| start.eq_ignore_ascii_case(header))
    })
}

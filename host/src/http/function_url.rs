//! Function URLs, with [payload 2.0](super::payload_2):
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>.
//!
//! Unlike an HTTP API's, `rawPath` is as the client sent it, percent-encoded. The only stage and the only route are
//! `$default`.

use super::limits::Limit;
use super::payload_2;
use super::percent::Encoding;
use super::source::EventSource;

impl EventSource {
    /// A function URL.
    ///
    /// Its limit is Lambda's: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
    pub(crate) const FUNCTION_URL: &'static Self = &Self {
        name: "FunctionUrl",
        // AWS always says which API sent an event, and `cargo lambda watch`, which plays a function URL, does not.
        sends: |markers| {
            markers.context.http
                && (is_domain(markers.domain)
                    || (!markers.context.api_id && !markers.domain.is_empty()))
        },
        request: |source, event, context| {
            payload_2::request(source, Encoding::Sent, event, context)
        },
        answer: payload_2::answer,
        limit: Limit::LAMBDA,
        can_stream: true,
        sets_forwarded_proto: true,
        removes_stage: false,
        // `x-amz-date`, `x-amz-security-token`, which sign a request: <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
        trusted_headers: &["x-amz-"],
    };
}

/// Returns `true` if a domain is of a function URL: `<id>.lambda-url.<region>.on.aws`.
fn is_domain(name: &str) -> bool {
    name.contains(".lambda-url.")
}

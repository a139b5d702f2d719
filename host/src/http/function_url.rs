//! Function URLs, with [payload 2.0](super::payload_2):
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>.
//!
//! Unlike an HTTP API's, `rawPath` is as the client sent it, percent-encoding and all. There is no stage and no route but
//! `$default`.

use super::event::{Context, Event};
use super::percent::Coding;
use super::{EventError, Request, Source, payload_2};

/// Whether a domain is that of a function URL: `<id>.lambda-url.<region>.on.aws`.
pub fn is_domain(name: &str) -> bool {
    name.contains(".lambda-url.")
}

/// The request in an event of a function URL, unless that is malformed.
pub fn request<'a>(event: Event<'a>, context: Context<'a>) -> Result<Request<'a>, EventError> {
    payload_2::request(Source::FunctionUrl, Coding::Sent, event, context)
}

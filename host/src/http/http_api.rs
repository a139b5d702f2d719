//! API Gateway HTTP APIs, with [payload 2.0](super::payload_2).
//!
//! - `rawPath` is decoded, whatever its name says: `/a%2Fb` arrives as `/a/b`, and `/100%25` as `/100%`. AWS says nothing of it;
//!   it is seen in <https://github.com/fastify/aws-lambda-fastify/issues/169> and
//!   <https://github.com/honojs/hono/issues/2156>. So the request's URI has it encoded again, and a slash that the client had
//!   encoded is one that it had not.
//! - `rawPath` starts with the stage, as the client's path does, unless the stage is `$default`; under a custom domain name it
//!   does not have the API mapping
//!   (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>). The stage is
//!   in the record too.

use super::limits::Limit;
use super::percent::Encoding;
use super::source::EventSource;
use super::{payload_2, rest_api};

impl EventSource {
    /// An API Gateway HTTP API.
    ///
    /// API Gateway takes 10 MB, which is more than Lambda's limit:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>.
    pub(crate) const HTTP_API: &'static Self = &Self {
        name: "HttpApi",
        sends: |markers| markers.context.http,
        request: |source, event, context| {
            payload_2::request(source, Encoding::Decoded, event, context)
        },
        answer: payload_2::answer,
        limit: Limit::LAMBDA,
        can_stream: false,
        sets_forwarded_proto: true,
        removes_stage: false,
        trusted_headers: rest_api::TRUSTED_HEADERS,
    };
}

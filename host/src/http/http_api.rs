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

use super::event::{Context, Event};
use super::percent::Coding;
use super::{EventError, Request, Source, payload_2};

/// The request in an event of an HTTP API, unless that is malformed.
pub fn request<'a>(event: Event<'a>, context: Context<'a>) -> Result<Request<'a>, EventError> {
    payload_2::request(Source::HttpApi, Coding::Decoded, event, context)
}

//! API Gateway REST APIs: the event of the proxy integration, payload 1.0, and its response. An HTTP API can use payload 1.0 too.
//!
//! - Both are described in
//!   <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>.
//! - `path` has the base path that a custom domain name maps to the API
//!   (<https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html>), and behind it the stage if the
//!   mapping names none (<https://github.com/localstack/localstack/pull/12296>). Otherwise it does not have the stage.
//! - `path` is as the client sent it, percent-encoding and all; the query's and the path's parameters are decoded
//!   (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>). From an HTTP API, whose
//!   events say that they are version 1.0, `path` is decoded too, and from `sam local`, which says it for both.
//! - Parameters of one name stand together, wherever in the query the client had them, and `?a` and `?a=` are the same: the
//!   event does not tell them apart.
//! - A body in base64 reaches the client as bytes if the API has binary media types
//!   (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html>).

use super::answer::Answer;
use super::event::{Context, Event};
use super::limits::Limit;
use super::members::Members;
use super::percent::Encoding;
use super::query::Query;
use super::request_builder::{RequestBuilder, all, text};
use super::response::ValidatedResponse;
use super::source::{EventSource, Markers};
use super::{EventError, Request, authorizer, identity};
use crate::failure::Failure;

impl EventSource {
    /// An API Gateway REST API.
    pub(crate) const REST_API: &'static Self = &Self {
        name: "RestApi",
        sends: has_payload_1,
        request,
        answer,
        // A REST API decodes base64 only for its binary media types, which the event does not say. For others the client would
        // receive base64: <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html>.
        limit: Limit {
            text_as_base64: false,
            ..Limit::LAMBDA
        },
        can_stream: true,
        sets_forwarded_proto: true,
        removes_stage: true,
        trusted_headers: TRUSTED_HEADERS,
    };

    /// An HTTP API with payload 1.0. Its events and responses are a REST API's.
    pub(crate) const HTTP_API_PAYLOAD_1: &'static Self = &Self {
        name: "HttpApiPayload1",
        // `sam local` says the version for REST APIs too.
        sends: |markers| {
            has_payload_1(markers) && markers.version == "1.0" && !markers.context.resource_id
        },
        limit: Limit::LAMBDA,
        can_stream: false,
        ..*Self::REST_API
    };
}

fn has_payload_1(markers: &Markers<'_>) -> bool {
    markers.event.http_method && (markers.event.path || markers.event.resource)
}

/// The headers that API Gateway sets or checks.
pub(super) const TRUSTED_HEADERS: &[&str] = &[
    // <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html>, RFC 7239
    "forwarded",
    // <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html>
    "x-api-key",
    "x-apigateway-",
    // An authorizer has checked it:
    // <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>
    "authorization",
];

fn request<'e>(
    source: &'static EventSource,
    mut event: Event<'e>,
    mut context: Context<'e>,
) -> Result<Request<'e>, EventError> {
    let mut identity = context.identity.take().unwrap_or_default();
    let builder = RequestBuilder {
        source,
        method: event.http_method.take(),
        path: event.path.take(),
        path_encoding: match event.version.as_deref() {
            Some("1.0") => Encoding::Decoded,
            _ => Encoding::Sent,
        },
        query: Query::Decoded(all(event.multi_value_query.take(), event.query.take())),
        headers: all(event.multi_value_headers.take(), event.headers.take()),
        route: event.resource.take(),
        source_ip: text(identity.source_ip.take()),
        user_agent: text(identity.user_agent.take()),
        identity: identity::from_identity(identity),
        authorizer: authorizer::from_rest_api(context.authorizer)?,
    };
    builder.build(event, context)
}

/// Makes the response.
///
/// A header with one value is in `headers`, a header with several values in `multiValueHeaders`: API Gateway merges them.
pub(super) fn answer(mut response: ValidatedResponse) -> Result<Answer, Failure> {
    let (mut headers, mut multi_value_headers) = (Members::default(), Members::default());
    for (name, mut values) in response.take_grouped() {
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => headers.0.push((name, value)),
            (last, _) => {
                values.extend(last);
                multi_value_headers.0.push((name, values));
            }
        }
    }
    Ok(Answer {
        headers: Some(headers),
        multi_value_headers: (!multi_value_headers.0.is_empty()).then_some(multi_value_headers),
        ..Answer::new(response)
    })
}

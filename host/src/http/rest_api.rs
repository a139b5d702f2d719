//! API Gateway REST APIs: the proxy integration's event, payload 1.0, and its answer. An HTTP API can be told to use it too.
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
//!   event does not tell.
//! - A body in base64 reaches the client as bytes if the API has binary media types
//!   (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html>).

use super::answer::Answer;
use super::draft::{Draft, all, text};
use super::event::{Context, Event};
use super::members::Members;
use super::percent::Coding;
use super::query::Query;
use super::response::Checked;
use super::{EventError, Request, Source, authorizer, identity};

/// The request in an event of a REST API, unless that is malformed.
pub fn request<'a>(
    source: Source,
    mut event: Event<'a>,
    mut context: Context<'a>,
) -> Result<Request<'a>, EventError> {
    let mut identity = context.identity.take().unwrap_or_default();
    let draft = Draft {
        source,
        method: event.http_method.take(),
        path: event.path.take(),
        path_coding: match event.version.as_deref() {
            Some("1.0") => Coding::Decoded,
            _ => Coding::Sent,
        },
        query: Query::Decoded(all(event.multi_value_query.take(), event.query.take())),
        headers: all(event.multi_value_headers.take(), event.headers.take()),
        route: event.resource.take(),
        source_ip: text(identity.source_ip.take()),
        user_agent: text(identity.user_agent.take()),
        identity: identity::of_request(identity),
        authorizer: authorizer::of_rest(context.authorizer)?,
    };
    draft.finish(event, context)
}

/// The answer that a response becomes.
///
/// A header with one value is in `headers`, one with several in `multiValueHeaders`: API Gateway merges them.
pub fn answer(mut response: Checked) -> Answer {
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
    Answer {
        headers: Some(headers),
        multi_value_headers: (!multi_value_headers.0.is_empty()).then_some(multi_value_headers),
        ..Answer::of(response)
    }
}

//! Payload 2.0, which HTTP APIs and function URLs share: the event and its response.
//!
//! Both are described in
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>:
//!
//! - `rawQueryString` is the query as the client sent it. (`queryStringParameters` has the values of one name joined with
//!   commas, so it counts only where there is no `rawQueryString`, as in events that are written by hand.)
//! - Headers that came more than once are joined with commas, which cannot be undone.
//! - `cookies` has the cookies. A function URL's event may have the header too, which then does not count.
//! - A response has one value for each header, and a list of cookies, each of which becomes a `Set-Cookie`.

use super::answer::Answer;
use super::event::{Authorizers, Context, Event};
use super::percent::Encoding;
use super::query::Query;
use super::request_builder::{RequestBuilder, text};
use super::response::ValidatedResponse;
use super::source::EventSource;
use super::{EventError, Request, authorizer, identity};
use crate::failure::Failure;

/// Makes the request of an event.
pub(super) fn request<'a>(
    source: &'static EventSource,
    path_encoding: Encoding,
    mut event: Event<'a>,
    mut context: Context<'a>,
) -> Result<Request<'a>, EventError> {
    let http = context.http.take().unwrap_or_default();
    let authorizers: Option<Authorizers<'_>> = context
        .authorizer
        .map(|raw| serde_json::from_str(raw.get()))
        .transpose()
        .map_err(|error| EventError::shape("its requestContext.authorizer", &error))?;
    let authorizers = authorizers.unwrap_or_default();
    let authentication = context.authentication.take().unwrap_or_default();
    let query = event.query.take().unwrap_or_default();
    let builder = RequestBuilder {
        source,
        method: http.method,
        path: event.raw_path.take().or(http.path),
        path_encoding,
        query: match event.raw_query_string.take() {
            Some(query) => Query::Sent(query),
            None => Query::Decoded(query),
        },
        headers: event.headers.take().unwrap_or_default(),
        route: event.route_key.take(),
        source_ip: text(http.source_ip),
        user_agent: text(http.user_agent),
        authorizer: authorizer::from_payload_2(&authorizers)?,
        identity: identity::from_iam(authorizers.iam, authentication.client_cert),
    };
    builder.build(event, context)
}

/// Makes the response.
pub(super) fn answer(mut response: ValidatedResponse) -> Result<Answer, Failure> {
    Ok(Answer {
        headers: Some(response.take_joined()),
        cookies: Some(std::mem::take(&mut response.cookies)),
        ..Answer::new(response)
    })
}

//! Payload 2.0, which HTTP APIs and function URLs share: the event and its answer.
//!
//! Both are described in
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>:
//!
//! - `rawQueryString` is the query as the client sent it. (`queryStringParameters` has the values of one name joined with
//!   commas, so it counts only where there is no `rawQueryString`, as in events that are written by hand.)
//! - Headers that came more than once are joined with commas, which nobody can undo.
//! - `cookies` has the cookies. A function URL's event may have the header besides, which then does not count.
//! - An answer has one value for each header, and a list of cookies, each of which becomes a `Set-Cookie`.

use super::answer::Answer;
use super::draft::{Draft, text};
use super::event::{Authorizers, Context, Event};
use super::percent::Coding;
use super::query::Query;
use super::response::Checked;
use super::{EventError, Request, Source, authorizer, identity};

/// The request in an event, unless it is malformed.
pub fn request<'a>(
    source: Source,
    path_coding: Coding,
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
    let draft = Draft {
        source,
        method: http.method,
        path: event.raw_path.take().or(http.path),
        path_coding,
        query: match event.raw_query_string.take() {
            Some(query) => Query::Sent(query),
            None => Query::Decoded(query),
        },
        headers: event.headers.take().unwrap_or_default(),
        route: event.route_key.take(),
        source_ip: text(http.source_ip),
        user_agent: text(http.user_agent),
        authorizer: authorizer::of_payload_2(&authorizers)?,
        identity: identity::of_iam(authorizers.iam, authentication.client_cert),
    };
    draft.finish(event, context)
}

/// The answer that a response becomes.
pub fn answer(mut response: Checked) -> Answer {
    Answer {
        headers: Some(response.take_joined()),
        cookies: Some(std::mem::take(&mut response.cookies)),
        ..Answer::of(response)
    }
}

//! API Gateway WebSocket APIs. Their events are not requests: a component of `wasi:http` receives them as other events. Their
//! response is a REST API's.

use super::limits::Limit;
use super::source::EventSource;
use super::{EventError, rest_api};

impl EventSource {
    /// An API Gateway WebSocket API.
    ///
    /// It passes text on:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html>.
    pub(crate) const WEB_SOCKET: &'static Self = &Self {
        name: "WebSocket",
        sends: |markers| markers.context.connection_id,
        request: |_, _, _| Err(EventError::WebSocket),
        answer: rest_api::answer,
        limit: Limit {
            text_as_base64: false,
            ..Limit::LAMBDA
        },
        can_stream: false,
        sets_forwarded_proto: true,
        removes_stage: false,
        trusted_headers: &[],
    };
}

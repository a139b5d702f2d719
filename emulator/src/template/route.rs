//! The routes to a function.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::value::Node;
use super::{ApiSettings, Authorization};

/// The longest time that an API waits.
const MAX_TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

/// A route to a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The kind of its API.
    pub api: Api,
    /// The method in capitals; `ANY` stands for all.
    pub method: String,
    /// The resource, such as `/hello/{name}` or `/{proxy+}`; or `$default`, of an HTTP API.
    pub path: String,
    /// The mode of its responses. Only REST APIs can stream.
    pub mode: InvokeMode,
    /// Whether an HTTP API sends events in payload format 1.0, as a REST API does.
    pub has_payload_1: bool,
    /// `TimeoutInMillis`, or its default: the time that the API waits for a response, or for the head of a stream.
    pub time_limit: Duration,
    /// The authorization that its requests need.
    pub authorization: Authorization,
    /// Whether its requests need an API key.
    pub needs_api_key: bool,
    /// The settings of its API.
    pub settings: Arc<ApiSettings>,
}

/// The two kinds of APIs of API Gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// A REST API, which sends events in payload format 1.0.
    Rest,
    /// An HTTP API, which sends events in payload format 2.0, or in 1.0 if a route asks for it.
    Http,
}

/// The mode in which a function URL or a route passes responses on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvokeMode {
    /// When the response is complete.
    Buffered,
    /// As the response arrives.
    ResponseStream,
}

impl Route {
    /// Creates a route of an API that the template does not describe. Its responses are buffered.
    pub fn new(api: Api, method: &str, path: &str) -> Self {
        Self {
            api,
            method: method.to_owned(),
            path: path.to_owned(),
            mode: InvokeMode::Buffered,
            has_payload_1: false,
            authorization: Authorization::None,
            needs_api_key: false,
            time_limit: Self::default_time_limit(api, InvokeMode::Buffered),
            settings: Arc::new(ApiSettings::default_of(api)),
        }
    }

    /// Sets the mode, and the time limit of a template in milliseconds, or else the mode's.
    pub(super) fn set_mode(&mut self, mode: InvokeMode, milliseconds: Node<'_>) {
        let milliseconds = milliseconds.text().and_then(|text| text.parse().ok());
        let limit = milliseconds.map(Duration::from_millis);
        let limit = limit.unwrap_or(Self::default_time_limit(self.api, mode));
        self.mode = mode;
        self.time_limit = limit.min(MAX_TIME_LIMIT);
    }

    /// Returns the time that an API waits by default: "Integration timeout" in
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>, "Maximum
    /// integration timeout" in
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>, and 15 minutes for a stream:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html>.
    fn default_time_limit(api: Api, mode: InvokeMode) -> Duration {
        match (api, mode) {
            (Api::Rest, InvokeMode::Buffered) => Duration::from_secs(29),
            (Api::Rest, InvokeMode::ResponseStream) => MAX_TIME_LIMIT,
            (Api::Http, _) => Duration::from_secs(30),
        }
    }

    /// The path of the route for requests that match no other route.
    pub const DEFAULT: &str = "$default";

    /// Returns the route in the form of HTTP APIs, such as `GET /hello/{name}`.
    pub fn key(&self) -> String {
        match self.path.as_str() {
            Self::DEFAULT => Self::DEFAULT.to_owned(),
            path => format!("{} {path}", self.method),
        }
    }
}

impl fmt::Display for InvokeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buffered => "BUFFERED",
            Self::ResponseStream => "RESPONSE_STREAM",
        })
    }
}

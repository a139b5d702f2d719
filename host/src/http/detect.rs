//! Which front door an event came from, by the fields that only it has.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::event::{Context, Event};
use super::json::object;
use super::{EventError, Source, function_url};

/// An event that was read, and who sent it.
pub struct Read<'a> {
    pub source: Source,
    pub event: Event<'a>,
    pub context: Context<'a>,
}

/// Reads an event, once.
///
/// # Errors
///
/// If it is not JSON, is from no front door, or has something of another type than the front door's events have.
pub fn read(bytes: &[u8]) -> Result<Read<'_>, EventError> {
    let event: Event<'_> =
        serde_json::from_slice(bytes).map_err(|error| explain(bytes, error, "it"))?;
    let context: Context<'_> = match event.request_context {
        Some(raw) => serde_json::from_str(raw.get())
            .map_err(|error| explain(bytes, error, "its requestContext"))?,
        None => Context::default(),
    };
    let source = marks!(event, context).source(&Hints {
        domain: context.domain_name.as_deref().unwrap_or_default(),
        is_http_api: event.version.as_deref() == Some("1.0") && context.resource_id.is_none(),
        multi_value: event.multi_value_headers.is_some(),
    });
    Ok(Read {
        source: source.ok_or(EventError::NotHttp)?,
        event,
        context,
    })
}

/// What is wrong with an event, a part of which cannot be read. Only now it is looked at again, whatever is in it: JSON may
/// have strings, numbers and depths that nothing here can hold, and be no request.
fn explain(bytes: &[u8], error: serde_json::Error, part: &str) -> EventError {
    if str::from_utf8(bytes).is_err() {
        return EventError::NotJson(error);
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        return EventError::NotJson(error);
    }
    let event: Shape<'_> = serde_json::from_slice(bytes).unwrap_or_default();
    let context = event.request_context.map(RawValue::get).unwrap_or_default();
    let context: Shape<'_> = serde_json::from_str(context).unwrap_or_default();
    match marks!(event, context).source(&Hints::default()) {
        Some(Source::WebSocket) => EventError::WebSocket,
        Some(_) => EventError::shape(part, &error),
        None => EventError::NotHttp,
    }
}

object! {
    /// What an event, or its `requestContext`, has of what tells where it comes from, of whatever type.
    Shape<'a> {
        http_method: IgnoredAny = "httpMethod";
        method: IgnoredAny = "method";
        path: IgnoredAny = "path";
        raw_path: IgnoredAny = "rawPath" | "raw_path";
        resource: IgnoredAny = "resource";
        request_context: &'a RawValue = "requestContext";
        authorized_arn: IgnoredAny = "methodArn" | "routeArn";
        api_id: IgnoredAny = "apiId";
        http: IgnoredAny = "http";
        elb: IgnoredAny = "elb";
        service_network_arn: IgnoredAny = "serviceNetworkArn";
        connection_id: IgnoredAny = "connectionId";
    }
}

impl EventError {
    /// Something in a part of an HTTP event is of another type than it should be.
    pub(super) fn shape(part: &str, error: &serde_json::Error) -> Self {
        Self::Malformed(format!(
            "the event is an HTTP request, and {part} is malformed: {error}"
        ))
    }
}

/// What there is in an event and its `requestContext`.
macro_rules! marks {
    ($event:expr, $context:expr) => {
        Marks {
            is_asked_of_authorizer: $event.authorized_arn.is_some(),
            is_web_socket: $context.connection_id.is_some(),
            has_http: $context.http.is_some(),
            has_api: $context.api_id.is_some(),
            has_elb: $context.elb.is_some(),
            has_service_network: $context.service_network_arn.is_some(),
            has_method: $event.method.is_some(),
            has_http_method: $event.http_method.is_some(),
            has_path: $event.path.is_some(),
            has_raw_path: $event.raw_path.is_some(),
            has_resource: $event.resource.is_some(),
        }
    };
}
use marks;

/// What there is in an event.
struct Marks {
    is_asked_of_authorizer: bool,
    is_web_socket: bool,
    has_http: bool,
    /// AWS always says which API it is; `cargo lambda watch` plays a function URL that is none.
    has_api: bool,
    has_elb: bool,
    has_service_network: bool,
    has_method: bool,
    has_http_method: bool,
    has_path: bool,
    has_raw_path: bool,
    has_resource: bool,
}

/// What in an event tells front doors apart that look alike.
#[derive(Default)]
struct Hints<'a> {
    domain: &'a str,
    /// Where it would be a REST API. `sam local` says the version for both.
    is_http_api: bool,
    multi_value: bool,
}

impl Marks {
    fn source(&self, hints: &Hints<'_>) -> Option<Source> {
        let &Hints {
            domain,
            is_http_api,
            multi_value,
        } = hints;
        if self.is_asked_of_authorizer {
            None
        } else if self.is_web_socket {
            Some(Source::WebSocket)
        } else if self.has_http
            && (function_url::is_domain(domain) || (!self.has_api && !domain.is_empty()))
        {
            Some(Source::FunctionUrl)
        } else if self.has_http {
            Some(Source::HttpApi)
        } else if self.has_elb {
            Some(Source::Alb { multi_value })
        } else if self.has_service_network || (self.has_method && self.has_raw_path) {
            Some(Source::Lattice)
        } else if self.has_http_method && (self.has_path || self.has_resource) {
            Some(if is_http_api {
                Source::HttpApiPayload1
            } else {
                Source::RestApi
            })
        } else {
            None
        }
    }
}

//! Which front door an event came from, by the fields that only it has.

use serde_json::Value;

use super::event::{Context, Event};
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
    let marks = Marks {
        is_asked_of_authorizer: event.authorized_arn.is_some(),
        is_web_socket: context.connection_id.is_some(),
        has_http: context.http.is_some(),
        has_api: context.api_id.is_some(),
        has_elb: context.elb.is_some(),
        has_service_network: context.service_network_arn.is_some(),
        has_method: event.method.is_some(),
        has_http_method: event.http_method.is_some(),
        has_path: event.path.is_some(),
        has_raw_path: event.raw_path.is_some(),
        has_resource: event.resource.is_some(),
    };
    let domain = context.domain_name.as_deref().unwrap_or_default();
    let multi_value = event.multi_value_headers.is_some();
    let source = marks.source(domain, multi_value);
    Ok(Read {
        source: source.ok_or(EventError::NotHttp)?,
        event,
        context,
    })
}

/// What is wrong with an event, a part of which cannot be read. Only now all of it is read as whatever it is.
fn explain(bytes: &[u8], error: serde_json::Error, part: &str) -> EventError {
    if !error.is_data() {
        return EventError::NotJson(error);
    }
    let event: Value = match serde_json::from_slice(bytes) {
        Ok(event) => event,
        Err(error) => return EventError::NotJson(error),
    };
    let has = |place: &str| event.pointer(place).is_some_and(|value| !value.is_null());
    let marks = Marks {
        is_asked_of_authorizer: has("/methodArn") || has("/routeArn"),
        is_web_socket: has("/requestContext/connectionId"),
        has_http: has("/requestContext/http"),
        has_api: has("/requestContext/apiId"),
        has_elb: has("/requestContext/elb"),
        has_service_network: has("/requestContext/serviceNetworkArn"),
        has_method: has("/method"),
        has_http_method: has("/httpMethod"),
        has_path: has("/path"),
        has_raw_path: has("/rawPath") || has("/raw_path"),
        has_resource: has("/resource"),
    };
    match marks.source("", false) {
        Some(_) => EventError::shape(part, &error),
        None => EventError::NotHttp,
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

impl Marks {
    fn source(&self, domain: &str, multi_value: bool) -> Option<Source> {
        if self.is_asked_of_authorizer || self.is_web_socket {
            None
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
            Some(Source::RestApi)
        } else {
            None
        }
    }
}

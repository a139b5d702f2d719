//! Finds the source of an event by the fields that only this source has.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::event::{Context, ContextFields, Event, EventFields};
use super::json::object;
use super::source::{EventSource, Markers};
use super::{EVENT_SOURCES, EventError};

/// An event and its source.
pub(super) struct Detected<'a> {
    pub source: &'static EventSource,
    pub event: Event<'a>,
    pub context: Context<'a>,
}

impl<'a> Detected<'a> {
    /// Reads an event, once, and finds its source.
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not JSON, is of no source, or has a field of another type than the source's events have.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, EventError> {
        let event: Event<'_> =
            serde_json::from_slice(bytes).map_err(|error| explain(bytes, error, "it"))?;
        let context: Context<'_> = match event.request_context {
            Some(raw) => serde_json::from_str(raw.get())
                .map_err(|error| explain(bytes, error, "its requestContext"))?,
            None => Context::default(),
        };
        let source = source(&Markers {
            event: event.fields(),
            context: context.fields(),
            domain: context.domain_name.as_deref().unwrap_or_default(),
            version: event.version.as_deref().unwrap_or_default(),
        });
        Ok(Self {
            source: source.ok_or(EventError::NotHttp)?,
            event,
            context,
        })
    }
}

fn source(markers: &Markers<'_>) -> Option<&'static EventSource> {
    // The event of an authorizer looks like a request.
    if markers.event.authorized_arn {
        return None;
    }
    EVENT_SOURCES
        .into_iter()
        .find(|source| (source.sends)(markers))
}

object! {
    /// The part of an event that may have markers too.
    Raw<'a> {
        request_context: &'a RawValue = "requestContext";
    }
}

/// Returns what is wrong with an event, a part of which cannot be read.
///
/// It reads the event again, whatever is in it: JSON may have strings, numbers and depths that no type here can hold, and not be
/// a request.
fn explain(bytes: &[u8], error: serde_json::Error, part: &str) -> EventError {
    if str::from_utf8(bytes).is_err() {
        return EventError::NotJson(error);
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        return EventError::NotJson(error);
    }
    let raw: Raw<'_> = serde_json::from_slice(bytes).unwrap_or_default();
    let context = raw.request_context.map(RawValue::get).unwrap_or_default();
    let markers = Markers {
        event: EventFields::from_json(bytes),
        context: ContextFields::from_json(context.as_bytes()),
        ..Markers::default()
    };
    match source(&markers) {
        Some(source) if source == EventSource::WEB_SOCKET => EventError::WebSocket,
        Some(_) => EventError::shape(part, &error),
        None => EventError::NotHttp,
    }
}

impl EventError {
    /// Returns the error of an HTTP event, a part of which has another type than it should have.
    pub(super) fn shape(part: &str, error: &serde_json::Error) -> Self {
        Self::Malformed(format!(
            "the event is an HTTP request, and {part} is malformed: {error}"
        ))
    }
}

//! Events that are not requests.

use crate::failure::{ErrorType, Failure};

/// An event that is not a request, or a malformed one.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The event is not JSON.
    #[error("the event is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// The event is JSON, and has the markers of no event source.
    #[error(
        "this function takes HTTP requests (of API Gateway, a function URL, an Application Load Balancer or VPC Lattice), but the event is not one"
    )]
    NotHttp,
    /// The event is of a WebSocket API, which reads a response of HTTP.
    #[error(
        "this function takes HTTP requests (of API Gateway, a function URL, an Application Load Balancer or VPC Lattice), but the event is of a WebSocket API"
    )]
    WebSocket,
    /// The event has the markers of an event source, but lacks a field or has a field of another type.
    #[error("{0}")]
    Malformed(String),
}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Self {
        Self::new(ErrorType::InvalidEvent, error.to_string())
    }
}

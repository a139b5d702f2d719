//! Why an event is not a request.

use crate::failure::Failure;

/// Why no request is made of an event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is not JSON.
    #[error("the event is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// It is JSON, and no front door sent it.
    #[error(
        "this function takes HTTP requests (of API Gateway, a function URL, an Application Load Balancer or VPC Lattice), and the event is none"
    )]
    NotHttp,
    /// It is a WebSocket's, which expects a response of HTTP.
    #[error(
        "this function takes HTTP requests (of API Gateway, a function URL, an Application Load Balancer or VPC Lattice), and the event is a WebSocket's"
    )]
    WebSocket,
    /// A front door sent it, by its fields, and it lacks something or has something of another type.
    #[error("{0}")]
    Malformed(String),
}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Self {
        Self::new("Runtime.InvalidEvent", error.to_string())
    }
}
